"""Wrong position of the head in the field of view."""

import math

import numpy as np

from briqa_sk.kernels.rigid import move_and_wrap
from briqa_sk.simulation._axes import MIN_VOXELS
from briqa_sk.simulation._base import Artifact
from briqa_sk.simulation._received import settle, split_tissue
from briqa_sk.simulation._roughness import roughness, share_of_texture
from briqa_sk.simulation.poses import draw_direction, keep_in_plane, make_pose

_LARGEST_DEG = 30.0  # that goes along with the largest shift
_WHOLE = 1e-4  # shifts closer to whole voxels than this are not interpolated


class Positioning(Artifact):
    r"""Shift and turn the head in the field of view.

    The head turns about the centre of the volume, and shifts. What then leaves the
    field of view along the phase axis comes back at its other end (wrap-around, or
    aliasing); along the other axes it is lost. Where tissue reached the edge of the
    scan, such as the neck, it goes on beyond it, and fades within 30 mm. In one draw of
    two, a field of view that is too short cuts something from one end of an axis, too.
    Nothing moves along axes of fewer than 8 voxels; along the others, shift and
    rotation are as large as stated. Noise moves to the nearest voxel, and the rest of
    the tissue is interpolated by a Lanczos kernel of 4 or 6 voxels, as is drawn.

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
    AXIS = "phase"
    LARGEST = 35.0
    RANGES = ((0.0, 0.0), (0.1, 0.25), (0.6, 1.0))

    def __init__(self, shift_mm=None, axis=None):
        self.shift_mm = shift_mm
        self.axis = axis

    def _draw(self, shift_mm, acquisition, rng):
        direction = draw_direction(rng)
        turn = rng.uniform(0.3, 1.0) * _LARGEST_DEG / self.LARGEST * draw_direction(rng)
        cut_axes, is_cut = rng.permutation(3).tolist(), rng.random() < 0.5
        cut, cut_end = rng.uniform(0.5, 1.0), ("low", "high")[rng.integers(2)]
        return {
            "direction": direction.tolist(),
            "rotation_deg": (shift_mm * turn).tolist(),
            "cut_mm": float(shift_mm * cut * is_cut),
            "cut_axes": cut_axes,
            "cut_end": cut_end,
            "n_lobes": int(rng.integers(2, 4)),
        }

    def _apply(self, data, parameters, scan):
        phase = scan.axis("phase", caller=self._name)
        pose = _pose_in_plane(parameters, scan.shape, scan.spacing_mm)
        coarse, texture = split_tissue(data, scan)
        wanted = roughness(coarse, texture, scan)
        coarse.add_(texture)
        texture = texture.half()  # other volumes are large
        coarse.sub_(texture)
        where = *pose, scan.spacing_mm, phase
        moved = move_and_wrap(coarse, *where, n_lobes=parameters["n_lobes"])
        texture = move_and_wrap(texture, *where, n_lobes=0)
        share = 1.0
        if not _is_whole(pose, scan.spacing_mm):
            share = share_of_texture(moved, texture, scan, wanted)
        moved.add_(texture, alpha=share)
        del coarse, texture  # before there are other copies
        _cut(moved, phase, parameters, scan.spacing_mm)
        return settle(moved, data, scan)


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
    spacing_mm, axis, random_state
        As in :class:`Positioning` and its call.

    Returns
    -------
    corrupted : Volume, ndarray or Tensor of shape (i, j, k)
        As the input, in float32.
    """
    positioning = Positioning(axis=axis)
    return positioning(
        volume, strength, spacing_mm=spacing_mm, random_state=random_state
    )


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


def _is_whole(pose, spacing_mm):
    """Return whether a pose copies voxels, and reads none in between."""
    rotation, shift_mm = pose
    voxels = shift_mm / spacing_mm
    return np.array_equal(rotation, np.eye(3)) and np.allclose(voxels, np.rint(voxels))


def _as_long_as(stated, kept):
    if np.array_equal(stated, kept) or not kept.any():
        return kept
    return kept * np.linalg.norm(stated) / np.linalg.norm(kept)


def _cut(moved, phase, parameters, spacing_mm):
    """Leave out the end of an axis that the field of view did not reach."""
    axes = [axis for axis in parameters["cut_axes"] if axis != phase]
    axes = [axis for axis in axes if moved.shape[axis] >= MIN_VOXELS]
    if axes:
        n_voxels = moved.shape[axes[0]]
        n = min(n_voxels, math.floor(parameters["cut_mm"] / spacing_mm[axes[0]]))
        start = 0 if parameters["cut_end"] == "low" else n_voxels - n
        moved.narrow(axes[0], start, n).zero_()
