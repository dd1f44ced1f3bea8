"""Rigid poses of a head: how they compose, and how far they are apart."""

import math

import numpy as np

from briqa_sk.kernels.rigid import rotation_matrix

RADIUS_MM = 80.0  # of the sphere that stands for a head
#: RMS displacement over the sphere of a rotation by one radian, for small rotations.
RMS_MM_PER_RADIAN = RADIUS_MM * math.sqrt(2 / 5)
_FIXED_POINT_STEPS = 40
_POWER = 0.75
_TINY = 1e-3
_ROUNDING = 1e-6


def make_pose(rotation_deg, translation_mm):
    """Return (rotation matrix, translation) from a pose's plain numbers.

    Parameters
    ----------
    rotation_deg : sequence of 3 float
        Axis of the rotation times its angle.
    translation_mm : sequence of 3 float
        Along i, j and k.

    Returns
    -------
    pose : tuple of (ndarray of shape (3, 3), ndarray of shape (3,))
        What was at x, in millimetres from the centre, comes to R x + t.
    """
    return rotation_matrix(rotation_deg), np.asarray(translation_mm, dtype=float)


def relative_pose(pose, reference):
    """Return the motion that leads from a reference pose to a pose.

    Parameters
    ----------
    pose : tuple of (ndarray, ndarray)
        From :func:`make_pose`.
    reference : tuple of (ndarray, ndarray)
        Likewise.

    Returns
    -------
    motion : tuple of (ndarray, ndarray)
        The reference, moved by it, is the pose.
    """
    rotation = pose[0] @ reference[0].T
    return rotation, pose[1] - rotation @ reference[1]


def rms_displacement(pose):
    r"""Return by how much a pose displaces the points of a sphere of 80 mm radius.

    The root mean square is :math:`\sqrt{R^2 / 5 \; \mathrm{tr}(A^T A) + t^T t}` with
    the translation :math:`t` and :math:`A` = rotation - identity [1]_.

    Parameters
    ----------
    pose : tuple of (ndarray, ndarray)
        From :func:`make_pose`.

    Returns
    -------
    displacement_mm : float
        Root mean square over the sphere, which is centred on the volume.

    References
    ----------
    .. [1] M. Jenkinson, "Measuring transformation error by RMS deviation", technical
       report TR99MJ1, FMRIB Centre, University of Oxford, 1999.

    Examples
    --------
    >>> rms_displacement(make_pose((0, 0, 0), (3, 0, 4)))
    5.0
    """
    rotation, translation = pose
    spread = np.square(rotation - np.eye(3)).sum()
    return math.sqrt(RADIUS_MM**2 / 5 * spread + translation @ translation)


def mean_displacement(poses, weights, reference=None):
    r"""Return the mean RMS displacement of poses.

    It is a power mean, :math:`\left(\sum_p w_p d_p^q\right)^{1 / q}` with q = 3/4:
    what is displaced far is not much worse than what is displaced by a few voxels.

    Parameters
    ----------
    poses : list of tuple of (ndarray, ndarray)
        From :func:`make_pose`.
    weights : sequence of float
        Of each pose; their sum is 1.
    reference : tuple of (ndarray, ndarray) or None, default=None
        The pose that displacement counts from; None counts from no motion.

    Returns
    -------
    displacement_mm : float
        Weighted mean.
    """
    if reference is not None:
        poses = [relative_pose(pose, reference) for pose in poses]
    mean = sum(
        weight * rms_displacement(pose) ** _POWER
        for pose, weight in zip(poses, weights, strict=True)
    )
    return float(mean) ** (1 / _POWER)


def scale_poses(vectors, weights, home, displacement_mm):
    """Scale poses until their mean displacement is as asked for.

    Displacement is proportional to small poses, and almost so to larger ones.

    Parameters
    ----------
    vectors : ndarray of shape (n_poses, 6)
        Rotation in degrees and translation in millimetres, of any common size.
    weights : ndarray of shape (n_poses,)
        As in :func:`mean_displacement`.
    home : ndarray of shape (n_poses,)
        Share of each pose in the one that displacement counts from; zeros count from
        no motion.
    displacement_mm : float
        Mean displacement to reach.

    Returns
    -------
    motions : list of tuple of (ndarray, ndarray)
        That lead from the reference to each pose.
    """
    size = _unit(vectors, weights, home)
    for _ in range(_FIXED_POINT_STEPS):
        motions = _motions(vectors * size * displacement_mm, home)
        reached = mean_displacement(motions, weights)
        if math.isclose(reached, displacement_mm, rel_tol=1e-9) or reached == 0:
            break
        size *= displacement_mm / reached
    return motions


def _unit(vectors, weights, home):
    """Return by what to multiply poses for a small displacement, over it."""
    tiny = mean_displacement(_motions(vectors * _TINY, home), weights)
    # Rounding is no motion: it would be scaled up to one.
    return _TINY / tiny if tiny > _TINY * _ROUNDING else 0.0


def _motions(vectors, home):
    poses = [make_pose(vector[:3], vector[3:]) for vector in vectors]
    middle = home @ vectors
    reference = make_pose(middle[:3], middle[3:])
    return [relative_pose(pose, reference) for pose in poses]


def draw_direction(rng):
    """Return a unit vector, all directions being equally likely.

    Parameters
    ----------
    rng : Generator
        Its stream advances by three normal numbers.

    Returns
    -------
    direction : ndarray of shape (3,)
        Of length 1.
    """
    vector = rng.normal(size=3)
    return vector / np.linalg.norm(vector)


def keep_in_plane(vector, shape, n_least):
    """Return a pose without what would move a volume along a short axis.

    Parameters
    ----------
    vector : sequence of 6 float
        Rotation and translation.
    shape : tuple of 3 int
        Of the volume.
    n_least : int
        Axes with fewer voxels than this are short.

    Returns
    -------
    vector : ndarray of shape (6,)
        With one short axis, rotation about it and translation across it are left; with
        two, translation along the third axis.
    """
    is_short = np.less(shape, n_least)
    leaves_plane = [np.delete(is_short, axis).any() for axis in range(3)]
    return np.where([*leaves_plane, *is_short], 0.0, vector)
