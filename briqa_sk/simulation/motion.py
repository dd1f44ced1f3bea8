"""Motion of the head during the acquisition."""

import math

import numpy as np

from briqa_sk.kernels.lines import image_of_lines, measure_lines
from briqa_sk.kernels.rigid import move_rigidly
from briqa_sk.simulation._axes import MIN_VOXELS, acting_axis, draw_axes
from briqa_sk.simulation._base import Artifact
from briqa_sk.simulation.poses import (
    RMS_MM_PER_RADIAN,
    draw_direction,
    keep_in_plane,
    make_pose,
    mean_displacement,
    relative_pose,
    scale_poses,
)

_REFERENCES = ("centre", "scanner")
_CENTRE = 0.5  # time at which the centre of k-space is acquired
_DRIFT_SHOTS = 7  # odd, so that no shot begins at the centre


class Motion(Artifact):
    r"""Acquire the lines of k-space from a head that moves.

    The head goes through rigid poses. Lines are acquired one after the other along one
    phase axis; those of a shot come from the volume in the pose of that time. Moved
    parts of k-space do not fit together, which blurs and makes ghosts. Within a line,
    nothing moves, so that only the phase axis needs a Fourier transform:

    .. math:: \left| F^{-1} \sum_p M_p F \, T_p x \right|

    with the lines :math:`M_p` acquired in pose :math:`T_p`.

    - "sudden": one to four moves; the head stays where it is until the next.
    - "drift": the head sinks slowly, in seven steps.
    - "periodic": it swings in one direction, as with breathing. With c cycles during n
      lines, so a period of n / c lines, ghosts are FOV / period = c voxels apart.

    How much a head moved is stated as the RMS displacement within a sphere of 80 mm
    radius [1]_, averaged over the acquisition. Along axes of fewer than 8 voxels
    nothing moves; what is left of the poses is scaled to the same mean.

    ======== ========= ====================
    Severity Strength  Mean displacement
    ======== ========= ====================
    0        0         none
    1        .1-.25    0.6 to 1.5 mm
    2        .6-1      3.6 to 6 mm
    ======== ========= ====================

    Parameters
    ----------
    displacement_mm : float or None, default=None
        Mean displacement. None: 6 mm times the strength.
    kind : {"sudden", "drift", "periodic"} or None, default=None
        None draws one.
    axis : int or None, default=None
        Phase axis. None draws it.
    reference : {"centre", "scanner"}, default="centre"
        Poses count from the one in which the centre of k-space was acquired, which
        keeps the head in place; or from no motion, so that a head that lay still in
        another pose is a moved head.

    References
    ----------
    .. [1] M. Jenkinson, "Measuring transformation error by RMS deviation", technical
       report TR99MJ1, FMRIB Centre, University of Oxford, 1999.

    Examples
    --------
    >>> from briqa_sk.datasets import make_head_phantom
    >>> from briqa_sk.simulation import Motion
    >>> motion = Motion(displacement_mm=2.0, kind="drift", axis=1)
    >>> moved = motion(make_head_phantom(24), random_state=0)
    >>> moved.history[-1]
    'motion: displacement_mm=2'
    """

    NAME = "motion"
    PHYSICAL = "displacement_mm"
    LARGEST = 6.0
    KINDS = ("sudden", "drift", "periodic")
    RANGES = ((0.0, 0.0), (0.1, 0.25), (0.6, 1.0))

    def __init__(self, displacement_mm=None, kind=None, axis=None, reference="centre"):
        self.displacement_mm = displacement_mm
        self.kind = kind
        self.axis = axis
        self.reference = reference

    def _check_params(self):
        super()._check_params()
        if self.reference not in _REFERENCES:
            raise ValueError(
                f"{self._name}: reference must be 'centre' or 'scanner', got "
                f"{self.reference!r}."
            )

    def _draw(self, displacement_mm, rng):
        axes = draw_axes(self.axis, rng)
        kinds = self.KINDS
        kind = kinds[rng.integers(len(kinds))]
        seeds = dict(zip(kinds, rng.integers(2**63, size=len(kinds)), strict=True))
        kind = self.kind or kind
        path = {"sudden": _sudden, "drift": _drift, "periodic": _periodic}[kind]
        vectors, starts, shots = path(np.random.default_rng(seeds[kind]))
        centre = shots[np.searchsorted(starts, _CENTRE, side="right") - 1]
        durations = _durations(starts, shots, len(vectors))
        vectors = scale_poses(
            vectors,
            durations,
            centre if self.reference == "centre" else None,
            displacement_mm,
        )
        return {
            "kind": kind,
            "axes": axes,
            "reference": centre if self.reference == "centre" else None,
            "poses": [
                {"rotation_deg": v[:3].tolist(), "translation_mm": v[3:].tolist()}
                for v in vectors
            ],
            "shots": [
                {"start": start, "pose": pose}
                for start, pose in zip(starts, shots, strict=True)
            ],
        }

    def _apply(self, data, parameters, spacing_mm):
        shape = tuple(data.shape)
        axis = acting_axis(parameters["axes"], shape, spacing_mm, caller=self._name)
        stated, shots = parameters["poses"], parameters["shots"]
        starts, order = zip(*((s["start"], s["pose"]) for s in shots), strict=True)
        durations = _durations(starts, order, len(stated))
        poses = _motions(stated, durations, parameters["reference"], shape)
        lines = _lines_of_poses(shots, len(poses), shape[axis])
        return _acquire(data, poses, lines, axis, spacing_mm)


def add_motion(
    volume, strength, *, spacing_mm=(1.0, 1.0, 1.0), axis=None, random_state=None
):
    """Acquire the lines of k-space from a head that moves; see :class:`Motion`.

    Parameters
    ----------
    volume : Volume, ndarray or Tensor of shape (i, j, k)
        Magnitude image, not negative; left untouched.
    strength : float
        In [0, 1]: mean displacement, as a fraction of 6 mm. 0 returns the voxels
        unchanged.
    spacing_mm : float or tuple of 3 float, default=(1.0, 1.0, 1.0)
        Voxel size of an array or a tensor. A Volume knows its own.
    axis : int or None, default=None
        Phase axis. None draws it.
    random_state : int, Generator, RandomState or None, default=None
        Seed.

    Returns
    -------
    corrupted : Volume, ndarray or Tensor of shape (i, j, k)
        As the input, in float32.
    """
    motion = Motion(axis=axis)
    return motion(volume, strength, spacing_mm=spacing_mm, random_state=random_state)


def _draw_move(rng):
    """Return a pose with an RMS displacement of 1 mm, part rotation, part shift."""
    share = rng.uniform(0.2, 0.8) * math.pi / 2
    angle_deg = math.degrees(math.sin(share) / RMS_MM_PER_RADIAN)
    turn, shift = draw_direction(rng), draw_direction(rng)
    return np.concatenate([angle_deg * turn, math.cos(share) * shift])


def _sudden(rng):
    """Return (poses, start of each shot, pose of each shot) of one to four moves."""
    n_moves = int(rng.integers(1, 5))
    # A move far from the centre changes little but the finest detail, and would have to
    # be huge to have been 6 mm on average.
    times = np.append(rng.uniform(0.42, 0.48), rng.uniform(0.20, 0.48, size=3))
    times = np.where(rng.random(4) < 0.5, 1 - times, times)[:n_moves]
    sizes = rng.uniform(0.5, 1.0, size=(5, 1))
    poses = sizes * [_draw_move(rng) for _ in range(5)]
    starts, shots = [0.0, *sorted(times.tolist())], list(range(n_moves + 1))
    return poses[: n_moves + 1], starts, shots


def _drift(rng):
    begin, end = rng.uniform(0.0, 0.3), rng.uniform(0.7, 1.0)
    shots = np.arange(_DRIFT_SHOTS)
    ramp = np.clip(((shots + 0.5) / _DRIFT_SHOTS - begin) / (end - begin), 0, 1)
    way = ramp**2 * (3 - 2 * ramp)
    starts = (shots / _DRIFT_SHOTS).tolist()
    return way[:, None] * _draw_move(rng), starts, shots.tolist()


def _periodic(rng):
    """Return a sine that is rounded to five poses: -1, -.5, 0, .5 and 1."""
    cycles = math.exp(rng.uniform(math.log(3), math.log(16)))
    # The head is at rest, near the end of a swing, when the centre is acquired.
    phase = 0.25 + rng.uniform(-0.08, 0.08) - _CENTRE * cycles
    low, high = np.arcsin([0.25, 0.75]) / (2 * math.pi)
    turns = np.array([low, high, 0.5 - high, 0.5 - low])
    turns = np.concatenate([turns, turns + 0.5])
    every = np.arange(math.floor(phase), math.ceil(phase + cycles) + 1)
    times = np.sort(((every[:, None] + turns - phase) / cycles).ravel())
    starts = np.concatenate([[0.0], times[(times > 0) & (times < 1)]])
    middle = (starts + np.append(starts[1:], 1.0)) / 2
    levels = np.rint(2 * np.sin(2 * math.pi * (cycles * middle + phase))).astype(int)
    poses = np.linspace(-1, 1, 5)[:, None] * _draw_move(rng)
    return poses, starts.tolist(), (levels + 2).tolist()


def _motions(poses, durations, reference, shape):
    """Return (rotation, translation) of each pose, from the reference on."""
    stated = [[*pose["rotation_deg"], *pose["translation_mm"]] for pose in poses]
    vectors = [keep_in_plane(vector, shape, MIN_VOXELS) for vector in stated]
    if not np.array_equal(stated, vectors):
        vectors = _as_far_as(stated, vectors, durations, reference)
    motions = [make_pose(vector[:3], vector[3:]) for vector in vectors]
    if reference is None:
        return motions
    return [
        # Rounding must not turn "no motion" into a little one.
        make_pose((0, 0, 0), (0, 0, 0))
        if index == reference
        else relative_pose(motion, motions[reference])
        for index, motion in enumerate(motions)
    ]


def _as_far_as(stated, vectors, durations, reference):
    """Scale what is left of poses to the mean displacement that they were stated at."""
    poses, left = (
        [make_pose(vector[:3], vector[3:]) for vector in some]
        for some in (stated, vectors)
    )
    left_mm = mean_displacement(left, durations, reference)
    if left_mm == 0:
        return vectors
    stated_mm = mean_displacement(poses, durations, reference)
    return scale_poses(np.array(vectors) / left_mm, durations, reference, stated_mm)


def _durations(starts, shots, n_poses):
    """Return the time spent in each pose, as fractions of the acquisition."""
    return np.bincount(shots, np.diff([*starts, 1.0]), n_poses)


def _is_still(pose):
    rotation, translation = pose
    return not translation.any() and np.array_equal(rotation, np.eye(3))


def _lines_of_poses(shots, n_poses, n_lines):
    """Return the lines that are acquired in each pose, as indices of the FFT."""
    frequency = np.fft.fftfreq(n_lines, 1 / n_lines)
    times = (frequency + n_lines // 2 + 0.5) / n_lines
    starts = [shot["start"] for shot in shots]
    shot_of_line = np.searchsorted(starts, times, side="right") - 1
    pose_of_line = np.array([shot["pose"] for shot in shots])[shot_of_line]
    return [np.flatnonzero(pose_of_line == pose) for pose in range(n_poses)]


def _acquire(data, poses, lines, axis, spacing_mm):
    """Overwrite a volume with its image from lines that come from moved volumes."""
    parts, still = [], []
    for pose, chosen in zip(poses, lines, strict=True):
        if _is_still(pose):
            still.append(chosen)
        elif len(chosen):
            moved = move_rigidly(data.clone(), *pose, spacing_mm)
            parts.append((chosen, measure_lines(moved, chosen, axis)))
            del moved  # before there is another
    if parts:
        # Last, as these lines need no moved volume beside them in memory.
        chosen = np.concatenate([np.empty(0, int), *still])
        parts.append((chosen, measure_lines(data, chosen, axis)))
        image_of_lines(parts, data, axis)
    return data
