"""Transformers that change the grid of voxels, and keep the head where it is."""

from numbers import Integral

from briqa_sk._validation import as_triple, check_real
from briqa_sk.base import VolumeTransformer
from briqa_sk.exceptions import UnreadableVolumeError
from briqa_sk.io.limits import MAX_VOXELS
from briqa_sk.kernels import crop_or_pad, reorient, resample, shift_affine
from briqa_sk.kernels.resampling import resampled_grid


class Reorient(VolumeTransformer):
    """Permute and flip axes to a given orientation; no voxel changes.

    Parameters
    ----------
    orientation : str, default="RAS"
        The three ends towards which ``i``, ``j`` and ``k`` grow, each R or L, A or P,
        S or I. Oblique axes count for the closest world axis.

    Examples
    --------
    >>> import numpy as np
    >>> from briqa_sk import Reorient
    >>> X = np.arange(3.0).reshape(1, 3, 1, 1)  # an array counts as RAS
    >>> Reorient("LAS").fit_transform(X).ravel().tolist()
    [2.0, 1.0, 0.0]
    """

    def __init__(self, orientation="RAS"):
        self.orientation = orientation

    def _check_params(self):
        check_orientation(self.orientation, caller="Reorient")

    def _transform_volume(self, volume):
        data, affine = reorient(volume.data, volume.affine, self.orientation)
        return volume.derive(data, affine, step=f"Reorient({self.orientation})")


class Resample(VolumeTransformer):
    """Bring volumes to one voxel size, by trilinear interpolation.

    The grid keeps its axes and its centre, and has as many voxels as fit into the
    field of view; an axis of one voxel keeps it. These are the grids of TorchIO's
    ``Resample``, and like there nothing is smoothed before voxels are made larger.

    Parameters
    ----------
    spacing_mm : float or sequence of 3 float, default=1.5
        Voxel size along ``i``, ``j`` and ``k``, in millimetres, above 0.

    Examples
    --------
    >>> import numpy as np
    >>> from briqa_sk import Resample, Volume
    >>> volume = Volume(np.zeros((30, 30, 10)), np.diag([1.0, 1.0, 3.0, 1.0]))
    >>> resampled = Resample(spacing_mm=1.5)(volume)
    >>> resampled.shape, resampled.history
    ((20, 20, 20), ('Resample(spacing_mm=1.5)',))
    """

    def __init__(self, spacing_mm=1.5):
        self.spacing_mm = spacing_mm

    def _check_params(self):
        as_triple(self.spacing_mm, "spacing_mm", caller="Resample")

    def _transform_volume(self, volume):
        spacing_mm = as_triple(self.spacing_mm, "spacing_mm", caller="Resample")
        shape, _ = resampled_grid(volume.shape, volume.affine, spacing_mm)
        if shape[0] * shape[1] * shape[2] > MAX_VOXELS:
            raise UnreadableVolumeError(
                f"Resample: a volume must have at most {MAX_VOXELS} voxels of "
                f"{self.spacing_mm} mm, got shape {shape} for {volume.path}. Check the "
                "voxel size in its header, or choose a larger one.",
                path=volume.path,
                finding="too_large",
                detail=f"shape {shape} after resampling",
            )
        data, affine = resample(volume.data, volume.affine, spacing_mm)
        return volume.derive(
            data, affine, step=f"Resample(spacing_mm={self.spacing_mm})"
        )


class CropOrPad(VolumeTransformer):
    """Cut or extend volumes around their centre, to one shape.

    Where the number of voxels to cut or to add is odd, the odd one is at the low end
    of the axis, as in TorchIO.

    Parameters
    ----------
    shape : int or sequence of 3 int
        Shape to reach, in voxels along ``i``, ``j`` and ``k``.
    fill : float or "minimum", default=0.0
        Value of added voxels; "minimum" takes the smallest of each volume.

    Examples
    --------
    >>> import numpy as np
    >>> from briqa_sk import CropOrPad
    >>> X = np.arange(1.0, 5.0).reshape(1, 4, 1, 1)
    >>> CropOrPad((7, 1, 1)).fit_transform(X).ravel().tolist()
    [0.0, 0.0, 1.0, 2.0, 3.0, 4.0, 0.0]
    """

    def __init__(self, shape, fill=0.0):
        self.shape = shape
        self.fill = fill

    def _check_params(self):
        as_triple(self.shape, "shape", caller="CropOrPad", kind=Integral)
        if isinstance(self.fill, str):
            if self.fill != "minimum":
                raise ValueError(
                    f"CropOrPad: fill must be a number or 'minimum', got {self.fill!r}."
                )
        else:
            check_real(self.fill, "fill", caller="CropOrPad")

    def _transform_volume(self, volume):
        shape = as_triple(self.shape, "shape", caller="CropOrPad", kind=Integral)
        fill = volume.data.min() if self.fill == "minimum" else self.fill
        data, start = crop_or_pad(volume.data, shape, fill)
        affine = shift_affine(volume.affine, start)
        return volume.derive(data, affine, step=f"CropOrPad(shape={self.shape})")


def check_orientation(orientation, *, caller):
    """Raise ``ValueError`` unless three letters name each world axis once."""
    letters = set(orientation) if isinstance(orientation, str) else set()
    one_of_each = all(len(letters & set(ends)) == 1 for ends in ("RL", "AP", "SI"))
    if not one_of_each or len(orientation) != 3:
        raise ValueError(
            f"{caller}: orientation must be three letters, one each of R or L, A or P, "
            f"S or I, such as 'RAS', got {orientation!r}."
        )
