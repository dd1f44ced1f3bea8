"""Wrong position of the head in the field of view."""

import math

import numpy as np

from briqa_sk.kernels import signal_levels
from briqa_sk.kernels.wrapping import count_sources, move_and_wrap
from briqa_sk.simulation._axes import MIN_VOXELS, acting_axis, draw_axes
from briqa_sk.simulation._base import Artifact
from briqa_sk.simulation._tables import MEAN_RADIUS, RADII, look_up, random_words
from briqa_sk.simulation.poses import draw_direction, keep_in_plane, make_pose

_LARGEST_DEG = 30.0  # that goes along with the largest shift
_WHOLE = 1e-4  # shifts closer to whole voxels than this are not interpolated


class Positioning(Artifact):
    r"""Shift and turn the head in the field of view.

    The head turns about the centre of the volume, and shifts. What then leaves the
    field of view along the phase axis comes back at its other end (wrap-around, or
    aliasing); along the other axes it is lost. In its place comes air with the noise of
    the scan's own air. In one draw of two, a field of view that is too short cuts
    something from one end of an axis, too. Nothing moves along axes of fewer than 8
    voxels; along the others, shift and rotation are as large as stated.

    ======== ========= ============ ===============
    Severity Strength  Shift        Rotation
    ======== ========= ============ ===============
    0        0         none         none
    1        .1-.25    3.5 to 9 mm  up to 7 degrees
    2        .6-1      21 to 35 mm  up to 30 degrees
    ======== ========= ============ ===============

    Parameters
    ----------
    shift_mm : float or None, default=None
        Length of the shift. The rotation is a drawn multiple of it, the cut another.
        None: 35 mm times the strength.
    axis : int or None, default=None
        Phase axis. None draws it.

    Examples
    --------
    >>> from briqa_sk.datasets import make_head_phantom
    >>> from briqa_sk.simulation import Positioning
    >>> shifted = Positioning(shift_mm=4.0)(make_head_phantom(24), random_state=0)
    >>> shifted.history[-1]
    'positioning: shift_mm=4'
    """

    NAME = "positioning"
    PHYSICAL = "shift_mm"
    LARGEST = 35.0
    RANGES = ((0.0, 0.0), (0.1, 0.25), (0.6, 1.0))

    def __init__(self, shift_mm=None, axis=None):
        self.shift_mm = shift_mm
        self.axis = axis

    def _draw(self, shift_mm, rng):
        axes = draw_axes(self.axis, rng)
        direction = draw_direction(rng)
        turn = rng.uniform(0.3, 1.0) * _LARGEST_DEG / self.LARGEST * draw_direction(rng)
        cut_axes, is_cut = rng.permutation(3).tolist(), rng.random() < 0.5
        cut, cut_end = rng.uniform(0.5, 1.0), ("low", "high")[rng.integers(2)]
        seed = int(rng.integers(2**63))
        return {
            "axes": axes,
            "direction": direction.tolist(),
            "rotation_deg": (shift_mm * turn).tolist(),
            "cut_mm": float(shift_mm * cut * is_cut),
            "cut_axes": cut_axes,
            "cut_end": cut_end,
            "seed": seed,
        }

    def _apply(self, data, parameters, spacing_mm):
        shape = tuple(data.shape)
        phase = acting_axis(parameters["axes"], shape, spacing_mm, caller=self._name)
        air = _Air(data, parameters["seed"])
        pose = _pose_in_plane(parameters, shape, spacing_mm)
        data = move_and_wrap(data, *pose, spacing_mm, phase).clamp_(min=0)
        for image, n_sources in zip(
            data, count_sources(shape, *pose, spacing_mm, phase), strict=True
        ):
            air.settle(image, n_sources.to(data.device))
        _cut(data, phase, parameters, spacing_mm, air)
        return data


def add_positioning(
    volume, strength, *, spacing_mm=(1.0, 1.0, 1.0), axis=None, random_state=None
):
    """Shift and turn the head in the field of view; see :class:`Positioning`.

    Parameters
    ----------
    volume : Volume, ndarray or Tensor of shape (i, j, k)
        Magnitude image, not negative; left untouched.
    strength : float
        In [0, 1]: length of the shift, as a fraction of 35 mm. 0 returns the voxels
        unchanged.
    spacing_mm : float or tuple of 3 float, default=(1.0, 1.0, 1.0)
        Voxel size of an array or a tensor. A Volume knows its own.
    axis : int or None, default=None
        Phase axis, along which the image wraps around. None draws it.
    random_state : int, Generator, RandomState or None, default=None
        Seed.

    Returns
    -------
    corrupted : Volume, ndarray or Tensor of shape (i, j, k)
        As the input, in float32.
    """
    positioning = Positioning(axis=axis)
    return positioning(
        volume, strength, spacing_mm=spacing_mm, random_state=random_state
    )


class _Air:
    """Air that is as noisy as that of a scan."""

    def __init__(self, data, seed):
        self._sigma = signal_levels(data.cpu().numpy()).air_sigma
        self._bits = np.random.SFC64(seed)

    def voxels(self, n, device):
        """Return magnitudes of pure noise (Rayleigh), or zeros for air without any."""
        words = random_words(self._bits, n)
        return look_up(RADII, words, device).mul_(self._sigma)

    def settle(self, image, n_sources):
        """Fill a slice where it has no source, and keep one air where it has several.

        Noise is received once, however many copies of the head overlap.
        """
        if n_sources.max() > 1:
            spare = n_sources.float().sub_(1).clamp_(min=0)
            image.sub_(spare, alpha=MEAN_RADIUS * self._sigma).clamp_(min=0)
        is_empty = n_sources == 0
        image[is_empty] = self.voxels(int(is_empty.sum()), image.device)

    def fill(self, data, axis, n):
        """Overwrite n slices at the low end of an axis; -n slices at the high end."""
        n_slices = data.shape[axis]
        start, length = (0, min(n, n_slices)) if n > 0 else (n_slices + n, -n)
        if length:
            end = data.narrow(axis, max(start, 0), min(length, n_slices))
            end.copy_(self.voxels(end.numel(), data.device).view(end.shape))


def _pose_in_plane(parameters, shape, spacing_mm):
    """Return the pose, as large as stated in the axes that are long enough."""
    shift_mm = parameters["shift_mm"] * np.asarray(parameters["direction"])
    stated = np.array([*parameters["rotation_deg"], *shift_mm])
    kept = keep_in_plane(stated, shape, MIN_VOXELS)
    rotation_deg, shift_mm = (
        _as_long_as(stated[part], kept[part]) for part in (slice(3), slice(3, 6))
    )
    voxels = shift_mm / spacing_mm
    whole = np.rint(voxels)
    voxels = np.where(np.abs(voxels - whole) < _WHOLE, whole, voxels)
    return make_pose(rotation_deg, voxels * spacing_mm)


def _as_long_as(stated, kept):
    if np.array_equal(stated, kept) or not kept.any():
        return kept
    return kept * np.linalg.norm(stated) / np.linalg.norm(kept)


def _cut(data, phase, parameters, spacing_mm, air):
    """Overwrite the end of an axis that the field of view did not reach."""
    axes = [axis for axis in parameters["cut_axes"] if axis != phase]
    axes = [axis for axis in axes if data.shape[axis] >= MIN_VOXELS]
    if axes:
        n = math.floor(parameters["cut_mm"] / spacing_mm[axes[0]])
        air.fill(data, axes[0], n if parameters["cut_end"] == "low" else -n)
