"""Motion of the head during the acquisition."""

import math

import numpy as np
import torch

from briqa_sk.kernels.lines import empty_lines, image_of_lines, measure_lines
from briqa_sk.simulation._axes import MIN_VOXELS
from briqa_sk.simulation._base import Artifact
from briqa_sk.simulation._moving_head import MovingHead
from briqa_sk.simulation._paths import draw_drift, draw_periodic, draw_sudden
from briqa_sk.simulation._timing import line_times, slice_packages
from briqa_sk.simulation.poses import keep_in_plane, rms_displacement, scale_poses

_REFERENCES = ("centre", "scanner")
_PATHS = {"sudden": draw_sudden, "drift": draw_drift, "periodic": draw_periodic}
_PACKAGES = (1, 1, 2, 2, 3)  # of slices that are acquired one after the other
_N_LINES = 256  # of a scan that stands for all, while nothing is known of its voxels
_N_PATHS = 30
_FARTHEST = 6.0  # displacement, relative to the mean
_CORE = 0.1  # of k-space, where all lines matter alike
# Lines side by side that do not fit together make ghosts on top of blur.
_SHARE = {"sudden": 1.0, "drift": 1.0, "periodic": 0.75}


class Motion(Artifact):
    r"""Acquire the lines of k-space from a head that moves.

    The head goes through rigid poses. Lines are acquired one after the other along one
    phase axis; those of a shot come from the volume in the pose of that time. Moved
    parts of k-space do not fit together, which blurs and makes ghosts. Within a line,
    nothing moves, so that only the phase axis needs a Fourier transform:

    .. math:: \left| F^{-1} \sum_p M_p F \, T_p x \right|

    with the lines :math:`M_p` acquired in pose :math:`T_p`.

    - "sudden": one to six moves; the head stays where it is until the next, or comes
      back.
    - "drift": the head sinks slowly, straight or on a bent way, in five to nine steps.
    - "periodic": it swings in one direction, as with breathing. With c cycles during n
      lines in sequence, so a period of n / c lines, ghosts are FOV / period = c voxels
      apart.

    When a line is acquired follows from the order of the lines of the acquisition. In
    2-D, slices are acquired in one, two or three packages, one after the other, each
    with a time course of its own: neighbouring slices jump where the slices are
    interleaved.

    How much a head moved is stated as the RMS displacement within a sphere of 80 mm
    radius [1]_. It is averaged over the lines with a weight that falls with the square
    of their distance from the centre of k-space, as the power of edges does, because a
    move changes little if it happens far from the centre; and as a power mean
    (exponent 3/4). Swings, which make more ghosts, are 3/4 as large as stated. So all
    kinds look about equally bad. Along axes of fewer than 8 voxels nothing moves; what
    is left of the poses is scaled to the same mean.

    ======== ========= ====================
    Severity Strength  Mean displacement
    ======== ========= ====================
    0        0         none
    1        .06-.16   0.2 to 0.6 mm
    2        .6-1      2.4 to 4 mm
    ======== ========= ====================

    Parameters
    ----------
    displacement_mm : float or None, default=None
        Mean displacement. None: 4 mm times the strength.
    kind : {"sudden", "drift", "periodic"} or None, default=None
        None draws one.
    axis : int or None, default=None
        Phase axis. None draws it.
    reference : {"centre", "scanner"}, default="centre"
        Poses count from the one in which the centre of k-space was acquired, or from
        the mean pose, whichever is drawn: both keep the head in place. Or they count
        from no motion, so that a head that lay still in another pose is a moved head.

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
    AXIS = "phase"
    LARGEST = 4.0
    KINDS = ("sudden", "drift", "periodic")
    RANGES = ((0.0, 0.0), (0.06, 0.16), (0.6, 1.0))

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

    def _draw(self, displacement_mm, acquisition, rng):
        kinds = self.KINDS
        kind = kinds[rng.integers(len(kinds))]
        seeds = dict(zip(kinds, rng.integers(2**63, size=len(kinds)), strict=True))
        convention = str(rng.choice(("centre", "mean")))
        n_lobes, n_packages = int(rng.integers(1, 4)), int(rng.choice(_PACKAGES))
        kind = self.kind or kind
        path = _draw_path(kind, np.random.default_rng(seeds[kind]), acquisition)
        return {
            "kind": kind,
            "reference": convention if self.reference == "centre" else "scanner",
            "n_packages": n_packages,
            "n_lobes": n_lobes,
            **path,
        }

    def _apply(self, data, parameters, scan):
        phase = scan.axis("phase", caller=self._name)
        slices = scan.axis("slice", caller=self._name, n_least=1)
        n_slices, n_packages = scan.shape[slices], parameters["n_packages"]
        packages = slice_packages(
            scan.acquisition, n_slices, n_packages if scan.is_2d else 1
        )
        times = line_times(scan.acquisition, scan.shape[phase])
        poses = _poses_of_lines(parameters, times, len(packages))
        weights = _weights(poses, packages, len(parameters["poses"]))
        motions = _scaled(parameters, weights, scan.shape)
        return _acquire(data, motions, poses, packages, scan, parameters["n_lobes"])


def add_motion(
    volume, strength, *, spacing_mm=(1.0, 1.0, 1.0), axis=None, random_state=None
):
    """Acquire the lines of k-space from a head that moves; see :class:`Motion`.

    Parameters
    ----------
    volume : Volume, ndarray or Tensor of shape (i, j, k)
        Magnitude image, not negative; left untouched.
    strength : float
        In [0, 1]: mean displacement, as a fraction of 4 mm. 0 returns the voxels
        unchanged.
    spacing_mm, axis, random_state
        As in :class:`Motion` and its call.

    Returns
    -------
    corrupted : Volume, ndarray or Tensor of shape (i, j, k)
        As the input, in float32.
    """
    motion = Motion(axis=axis)
    return motion(volume, strength, spacing_mm=spacing_mm, random_state=random_state)


def _draw_path(kind, rng, acquisition):
    """Return poses and shots, the first of some that a head in a coil can go through.

    To be seen, motion far from the centre of k-space would have to be huge.
    """
    times, slices = line_times(acquisition, _N_LINES), [np.arange(1)]
    paths = []
    for _ in range(_N_PATHS):
        vectors, starts, shots = _PATHS[kind](rng, acquisition)
        path = {
            "kind": kind,
            "poses": [
                {"rotation_deg": v[:3].tolist(), "translation_mm": v[3:].tolist()}
                for v in vectors
            ],
            "shots": [
                {"start": start, "pose": pose}
                for start, pose in zip(starts, shots, strict=True)
            ],
        }
        weights = _weights(_poses_of_lines(path, times, 1), slices, len(vectors))
        home = np.eye(len(weights))[weights.argmax()]
        motions = scale_poses(vectors, weights, home, _SHARE[kind])
        farthest = max(map(rms_displacement, motions))
        paths.append((farthest if farthest else math.inf, path))
        if 0 < farthest <= _FARTHEST:
            break
    return min(paths, key=lambda one: one[0])[1]


def _poses_of_lines(parameters, times, n_packages):
    """Return the pose of each line in each package, (n_packages, n_lines).

    Swings and drifts go on from package to package. Sudden moves come again in each,
    from other poses, since no slice would be blurred by those that came in between.
    """
    starts, poses = zip(
        *((shot["start"], shot["pose"]) for shot in parameters["shots"]), strict=True
    )
    packages = np.arange(n_packages)[:, None]
    comes_again = parameters["kind"] == "sudden"
    times = np.broadcast_to(times, (n_packages, len(times)))
    times = times if comes_again else (packages + times) / n_packages
    shots = np.searchsorted(starts, times, side="right") - 1
    shift = packages if comes_again else 0
    return (np.array(poses)[shots] + shift) % len(parameters["poses"])


def _weights(poses, packages, n_poses):
    """Return how much each pose matters: more, the nearer its lines to the centre."""
    distance = 2 * np.abs(np.fft.fftfreq(poses.shape[1]))
    of_line = (distance + _CORE) ** -2
    sizes = [[len(slices)] for slices in packages]
    weights = np.bincount(poses.ravel(), (sizes * of_line).ravel(), n_poses)
    return weights / weights.sum()


def _scaled(parameters, weights, shape):
    """Return the motion from the reference to each pose, as large as stated."""
    stated = [
        [*pose["rotation_deg"], *pose["translation_mm"]] for pose in parameters["poses"]
    ]
    vectors = np.array([keep_in_plane(vector, shape, MIN_VOXELS) for vector in stated])
    home = {
        "scanner": np.zeros(len(weights)),
        "mean": weights,
        "centre": np.eye(len(weights))[weights.argmax()],
    }[parameters["reference"]]
    displacement_mm = _SHARE[parameters["kind"]] * parameters["displacement_mm"]
    return scale_poses(vectors, weights, home, displacement_mm)


def _acquire(data, motions, poses, packages, scan, n_lobes):
    """Overwrite a volume with the magnitude of an image whose head moves."""
    phase, axis = (scan.axis(role, caller="", n_least=1) for role in ("phase", "slice"))
    head = MovingHead(data, scan)
    lines = [empty_lines(_slices_of(data, part, axis), phase) for part in packages]
    for index in np.unique(poses):
        imaginary = head.move(data, motions[index], scan.spacing_mm, n_lobes)
        for package, pose, measured in zip(packages, poses, lines, strict=True):
            chosen = np.flatnonzero(pose == index)
            if len(chosen):
                volumes = [
                    _slices_of(part, package, axis) for part in (data, imaginary)
                ]
                measure_lines(*volumes, chosen, phase, measured, unit=head.unit)
                del volumes
        del imaginary  # before there is another
    for package, measured in zip(packages, lines, strict=True):
        image = _slices_of(data, package, axis)
        image_of_lines(measured, image, phase)
        if image is not data:
            data.index_copy_(axis, torch.from_numpy(package).to(data.device), image)
    return data


def _slices_of(volume, package, axis):
    """Return some slices, all of them without a copy."""
    if len(package) == volume.shape[axis]:
        return volume
    return volume.index_select(axis, torch.from_numpy(package).to(volume.device))
