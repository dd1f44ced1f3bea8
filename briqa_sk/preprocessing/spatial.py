"""Transformers that change the grid of voxels, and keep the head where it is."""

import warnings
from multiprocessing import parent_process
from numbers import Integral
from weakref import WeakKeyDictionary

import numpy as np

from briqa_sk._validation import as_triple, check_real
from briqa_sk.base import VolumeTransformer
from briqa_sk.exceptions import BriqaWarning, UnreadableVolumeError
from briqa_sk.io.limits import MAX_VOXELS
from briqa_sk.kernels import (
    crop_or_pad,
    foreground_mask,
    reorient,
    resample,
    shift_affine,
)
from briqa_sk.kernels.resampling import resampled_grid

_LARGEST_CUT = 0.05  # share of the head that a crop may cut in silence
_N_LOOKS = 3  # volumes that one step looks at: it reads scans, and heads are alike
_LOOK_MM = 5.0  # distance of the voxels that are looked at
_LEAST_LOOKS = 24  # voxels along an axis that are looked at, if it has so many
_FEWEST_VOXELS = 1000  # that are looked at, to tell a head from chance

_looks = WeakKeyDictionary()  # step -> volumes it has looked at in this process


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
        _check_grid(shape, volume, caller="Resample")
        data, affine = resample(volume.data, volume.affine, spacing_mm)
        return volume.derive(
            data, affine, step=f"Resample(spacing_mm={self.spacing_mm})"
        )


class CropOrPad(VolumeTransformer):
    """Cut or extend volumes around their centre, to one shape.

    Where the number of voxels to cut or to add is odd, the odd one is at the low end
    of the axis, as in TorchIO.

    A crop that cuts the head away trains a network on what is left, and nothing fails.
    So each step looks at the first three volumes that it cuts in the main process: at
    the share of the foreground (:class:`CropForeground` says what that is) on a grid
    of 5 mm. Volumes whose foreground is about as dense outside as inside, such as
    noise, have no head to cut.

    Parameters
    ----------
    shape : int or sequence of 3 int or None, default=None
        Shape to reach, in voxels along ``i``, ``j`` and ``k``.
    fill : float or "minimum", default=0.0
        Value of added voxels; "minimum" takes the smallest of each volume.
    size_mm : float or sequence of 3 float or None, default=None
        Field of view to reach along ``i``, ``j`` and ``k``, in millimetres: as many
        voxels as come closest to it, at least 1. Give either this or ``shape``. Volumes
        get one shape if they have one voxel size, as after :class:`Resample`.

    Warns
    -----
    BriqaWarning
        Once, if more than 5 % of the head is cut.

    Examples
    --------
    >>> import numpy as np
    >>> from briqa_sk import CropOrPad, Volume
    >>> X = np.arange(1.0, 5.0).reshape(1, 4, 1, 1)
    >>> CropOrPad((7, 1, 1)).fit_transform(X).ravel().tolist()
    [0.0, 0.0, 1.0, 2.0, 3.0, 4.0, 0.0]
    >>> volume = Volume(np.zeros((30, 30, 10)), np.diag([1.0, 1.0, 3.0, 1.0]))
    >>> CropOrPad(size_mm=24)(volume).shape
    (24, 24, 8)
    """

    def __init__(self, shape=None, fill=0.0, *, size_mm=None):
        self.shape = shape
        self.fill = fill
        self.size_mm = size_mm

    def _check_params(self):
        if (self.shape is None) == (self.size_mm is None):
            raise ValueError(
                "CropOrPad: one of shape (voxels) and size_mm must be given, got "
                f"shape={self.shape!r} and size_mm={self.size_mm!r}."
            )
        if self.shape is not None:
            as_triple(self.shape, "shape", caller="CropOrPad", kind=Integral)
        else:
            as_triple(self.size_mm, "size_mm", caller="CropOrPad")
        if isinstance(self.fill, str):
            if self.fill != "minimum":
                raise ValueError(
                    f"CropOrPad: fill must be a number or 'minimum', got {self.fill!r}."
                )
        else:
            check_real(self.fill, "fill", caller="CropOrPad")

    def _transform_volume(self, volume):
        shape = self._shape_of(volume)
        fill = volume.data.min() if self.fill == "minimum" else self.fill
        data, start = crop_or_pad(volume.data, shape, fill)
        if (start > 0).any():
            self._look_for_the_head(volume, start, shape)
        affine = shift_affine(volume.affine, start)
        given = "shape" if self.size_mm is None else "size_mm"
        step = f"CropOrPad({given}={getattr(self, given)})"
        return volume.derive(data, affine, step=step)

    def _shape_of(self, volume):
        if self.shape is not None:
            return as_triple(self.shape, "shape", caller="CropOrPad", kind=Integral)
        size_mm = as_triple(self.size_mm, "size_mm", caller="CropOrPad")
        n_voxels = np.rint(np.divide(size_mm, volume.spacing_mm))
        shape = tuple(int(n) for n in np.maximum(n_voxels, 1))
        _check_grid(shape, volume, caller="CropOrPad")
        return shape

    def _look_for_the_head(self, volume, start, shape):
        n_looks = _looks.get(self, 0)
        # Workers come and go with every epoch, and each would say it anew.
        if n_looks >= _N_LOOKS or parent_process() is not None:
            return
        share = _share_cut(volume, start, shape)
        is_cut = share > _LARGEST_CUT
        _looks[self] = _N_LOOKS if is_cut else n_looks + 1
        if is_cut:
            size = " x ".join(
                f"{n * mm:g}" for n, mm in zip(shape, volume.spacing_mm, strict=True)
            )
            name = volume.path or "a scan in memory"
            warnings.warn(
                f"CropOrPad: at most {_LARGEST_CUT:.0%} of the head should be cut, got "
                f"{share:.0%} of {name} outside {size} mm. Take a larger shape or "
                "size_mm, unless it is only the neck that is cut.",
                BriqaWarning,
                stacklevel=4,
            )


def _share_cut(volume, start, shape):
    """Return the share of the head outside a box; 0 for a volume without a head."""
    grid = []
    for n, mm in zip(volume.shape, volume.spacing_mm, strict=True):
        step = min(round(_LOOK_MM / mm), n // _LEAST_LOOKS)
        grid.append(np.arange(0, n, max(step, 1)))
    looked_at = volume.data[np.ix_(*grid)]
    if looked_at.size < _FEWEST_VOXELS or not np.isfinite(looked_at).all():
        return 0.0
    mask = foreground_mask(looked_at)
    box = [
        (low <= axis) & (axis < low + n)
        for axis, low, n in zip(grid, start, shape, strict=True)
    ]
    inside = mask[np.ix_(*box)]
    n_outside = mask.sum() - inside.sum()
    # A head lies in the middle: outside, less than half as dense as inside.
    if 2 * n_outside * inside.size >= inside.sum() * (mask.size - inside.size):
        return 0.0
    return n_outside / mask.sum()


def _check_grid(shape, volume, *, caller):
    """Raise for a shape that no memory holds: voxel sizes come from a header."""
    if shape[0] * shape[1] * shape[2] > MAX_VOXELS:
        raise UnreadableVolumeError(
            f"{caller}: a volume must have at most {MAX_VOXELS} voxels, got shape "
            f"{shape} for {volume.path}. Check the voxel size in its header, or choose "
            "larger voxels or a smaller field of view.",
            path=volume.path,
            finding="too_large",
            detail=f"shape {shape} after {caller}",
        )


def check_orientation(orientation, *, caller):
    """Raise ``ValueError`` unless three letters name each world axis once."""
    letters = set(orientation) if isinstance(orientation, str) else set()
    one_of_each = all(len(letters & set(ends)) == 1 for ends in ("RL", "AP", "SI"))
    if not one_of_each or len(orientation) != 3:
        raise ValueError(
            f"{caller}: orientation must be three letters, one each of R or L, A or P, "
            f"S or I, such as 'RAS', got {orientation!r}."
        )
