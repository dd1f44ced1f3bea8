"""Base class of the artifacts: what is drawn, apart from what is done."""

from abc import abstractmethod
from numbers import Integral, Real

import numpy as np
import torch
from sklearn.base import BaseEstimator

from briqa_sk._random import make_generator
from briqa_sk._validation import as_triple, check_positive
from briqa_sk.io import Volume

MIN_VOXELS = 8  # along an axis in which an artifact acts
_THICK = 2.0  # voxels longer than this, relative to the shortest edge, are slices


class Artifact(BaseEstimator):
    """One kind of corruption, of any strength in [0, 1].

    A subclass writes ``_draw``, which turns a strength into parameters without looking
    at a scan, and ``_apply``, which turns a scan and parameters into a corrupted scan
    without drawing anything. So the parameters can be kept, published and applied
    again. They are plain: numbers, text, lists and dicts, as JSON has them.

    Attributes
    ----------
    NAME : str
        Name of the artifact.
    PHYSICAL : str
        Name of the parameter that strength scales, with its unit. It is a parameter of
        the constructor, too, for those who know the value they want.
    RANGES : tuple of (float, float)
        Strengths of severity 0, 1, 2.
    """

    NAME = None
    PHYSICAL = None
    RANGES = ((0.0, 0.0), (0.25, 0.45), (0.6, 1.0))

    def draw(self, strength=None, *, random_state=None):
        """Draw everything that is random, for a strength.

        Draws are nested: with one seed, what a lower strength has, a higher one has,
        too, only more of it.

        Parameters
        ----------
        strength : float or None, default=None
            In [0, 1]; 0 changes nothing. None takes the physical value that the
            artifact was made with.
        random_state : int, Generator, RandomState or None, default=None
            Seed.

        Returns
        -------
        parameters : dict
            Plain parameters for :meth:`apply`; ``"strength"`` and the physical value
            are among them.

        Raises
        ------
        ValueError
            If the strength is outside [0, 1], a physical value is impossible, or both
            or neither are given.
        """
        given = getattr(self, self.PHYSICAL)
        if (strength is None) == (given is None):
            raise ValueError(
                f"{self._name}: either strength or {self.PHYSICAL} must be given, got "
                f"strength={strength} and {self.PHYSICAL}={given}."
            )
        self._check_params()
        if strength is not None:
            strength = check_strength(strength, caller=self._name)
        drawn = self._draw(strength, make_generator(random_state))
        return {"strength": strength, **drawn}

    def apply(self, volume, parameters, *, spacing_mm=(1.0, 1.0, 1.0)):
        """Corrupt a scan as the parameters say.

        Parameters
        ----------
        volume : Volume, ndarray or Tensor of shape (i, j, k)
            Magnitude image, not negative; left untouched. A tensor is worked on where
            it is, a GPU included.
        parameters : dict
            From :meth:`draw`.
        spacing_mm : float or tuple of 3 float, default=(1.0, 1.0, 1.0)
            Voxel size of an array or a tensor. A Volume knows its own.

        Returns
        -------
        corrupted : Volume, ndarray or Tensor of shape (i, j, k)
            As the input, in float32.

        Raises
        ------
        ValueError
            If the volume is not a 3-D magnitude image, or too small for the artifact.
        TypeError
            If its voxels are not real numbers.
        """
        if isinstance(volume, Volume):
            spacing_mm = volume.spacing_mm
        spacing_mm = as_triple(spacing_mm, "spacing_mm", caller=self._name)
        data = private_copy(volume, caller=self._name)
        if parameters["strength"] != 0:
            data = self._apply(data, parameters, spacing_mm)
        return like(volume, data, step=self._describe(parameters))

    def __call__(
        self, volume, strength=None, *, spacing_mm=(1.0, 1.0, 1.0), random_state=None
    ):
        """Draw and apply.

        Parameters
        ----------
        volume : Volume, ndarray or Tensor of shape (i, j, k)
            Magnitude image, not negative; left untouched.
        strength : float or None, default=None
            In [0, 1]; 0 returns the voxels unchanged, bit for bit. None takes the
            physical value that the artifact was made with.
        spacing_mm : float or tuple of 3 float, default=(1.0, 1.0, 1.0)
            Voxel size of an array or a tensor. A Volume knows its own.
        random_state : int, Generator, RandomState or None, default=None
            Seed.

        Returns
        -------
        corrupted : Volume, ndarray or Tensor of shape (i, j, k)
            As the input, in float32.
        """
        parameters = self.draw(strength, random_state=random_state)
        return self.apply(volume, parameters, spacing_mm=spacing_mm)

    @property
    def _name(self):
        return type(self).__name__

    def _describe(self, parameters):
        if parameters["strength"] == 0:
            return f"{self.NAME}: none"
        return f"{self.NAME}: {self.PHYSICAL}={parameters[self.PHYSICAL]:.4g}"

    def _check_params(self):
        """Raise ``ValueError`` if a constructor parameter is out of range."""
        given = getattr(self, self.PHYSICAL)
        if given is not None:
            check_positive(given, self.PHYSICAL, caller=self._name)

    @abstractmethod
    def _draw(self, strength, rng):
        """Return the parameters for a strength, or for the physical value if None."""

    @abstractmethod
    def _apply(self, data, parameters, spacing_mm):
        """Return corrupted voxels; ``data`` is a copy that may be overwritten."""


def check_strength(strength, *, caller):
    """Return a strength as a float, or raise ``ValueError``."""
    is_number = isinstance(strength, Real) and not isinstance(strength, bool)
    if not is_number or not 0 <= strength <= 1:
        raise ValueError(f"{caller}: strength must be in [0, 1], got {strength!r}.")
    return float(strength)


def private_copy(volume, *, caller):
    """Return a C-contiguous float32 copy of a magnitude image as a tensor.

    Parameters
    ----------
    volume : Volume, ndarray or Tensor of shape (i, j, k)
        Left untouched.
    caller : str
        Opens the error message.

    Returns
    -------
    data : Tensor of shape (i, j, k), dtype float32
        On the device of the input.

    Raises
    ------
    ValueError
        If it is not 3-D, is empty, or has NaN, infinite or negative voxels.
    TypeError
        If the voxels are not real numbers.
    """
    if isinstance(volume, torch.Tensor):
        kind = "c" if volume.is_complex() else "f"
        shape = tuple(volume.shape)
    else:
        volume = np.asarray(volume)
        kind, shape = volume.dtype.kind, volume.shape
    if kind not in "biuf":
        raise TypeError(
            f"{caller}: voxels must be real numbers, got "
            f"{'complex ones' if kind == 'c' else f'dtype {volume.dtype}'}."
        )
    if len(shape) != 3 or 0 in shape:
        raise ValueError(
            f"{caller}: a volume must be 3-D (i, j, k), got shape {shape}."
        )
    if isinstance(volume, torch.Tensor):
        data = torch.empty(shape, dtype=torch.float32, device=volume.device)
        data.copy_(volume.detach())
    else:
        data = torch.from_numpy(np.array(volume, dtype=np.float32, order="C"))
    _check_magnitude(data, caller)
    return data


def _check_magnitude(data, caller):
    low, high = (float(extreme) for extreme in torch.aminmax(data))
    if not (np.isfinite(low) and np.isfinite(high)):
        raise ValueError(
            f"{caller}: voxels must be finite, got NaN or inf. Fill them, or leave the "
            "scan out."
        )
    if low < 0:
        raise ValueError(
            f"{caller}: voxels must be a magnitude, 0 or more, got {low:.4g}. Simulate "
            "before StandardizeIntensity."
        )


def like(volume, data, *, step):
    """Return voxels in the type of the volume that they were made from.

    Parameters
    ----------
    volume : Volume, ndarray or Tensor
        The original.
    data : Tensor of shape (i, j, k)
        New voxels.
    step : str
        Entry for the history of a Volume.

    Returns
    -------
    volume : Volume, ndarray or Tensor
        A Volume for a Volume, an array for an array, a tensor for a tensor.
    """
    if isinstance(volume, torch.Tensor):
        return data
    array = data.numpy()
    return volume.derive(array, step=step) if isinstance(volume, Volume) else array


def draw_axes(axis, rng):
    """Return axes in order of preference: the given one, or all three, shuffled.

    The stream advances by the same amount in both cases, so that an axis changes
    nothing else that is drawn.
    """
    shuffled = rng.permutation(3).tolist()
    return shuffled if axis is None else [axis]


def check_axis(axis, *, caller):
    """Raise ``ValueError`` unless an axis is None or one of a volume's three."""
    is_axis = isinstance(axis, Integral) and not isinstance(axis, bool)
    if axis is not None and (not is_axis or not -3 <= axis <= 2):
        raise ValueError(
            f"{caller}: axis must be 0, 1 or 2 (or -3 to -1), or None to draw it, got "
            f"{axis!r}."
        )


def acting_axis(axes, shape, spacing_mm, *, caller):
    """Return the axis in which an artifact acts, from an order of preference.

    Of several axes, those with fewer than 8 voxels are passed over, and so is the slice
    direction of a scan with thick slices: lines of k-space are acquired in the plane.

    Parameters
    ----------
    axes : list of int
        From :func:`draw_axes`.
    shape : tuple of 3 int
        Voxels along i, j, k.
    spacing_mm : tuple of 3 float
        Voxel size.
    caller : str
        Opens the error message.

    Returns
    -------
    axis : int
        0, 1 or 2.

    Raises
    ------
    ValueError
        If no axis has 8 voxels.
    """
    longest = [axis for axis in axes if shape[axis] >= MIN_VOXELS]
    if not longest:
        where = f"along axis {axes[0]}" if len(axes) == 1 else "along an axis"
        raise ValueError(
            f"{caller}: a volume must have at least {MIN_VOXELS} voxels {where}, got "
            f"shape {tuple(shape)}."
        )
    in_plane = _THICK * min(spacing_mm)
    fine = [axis for axis in longest if spacing_mm[axis] <= in_plane]
    chosen = fine if len(axes) > 1 and fine else longest
    return chosen[0] % 3
