"""Rigid motion of a volume, as three rotations in planes."""

import math

import numpy as np
import torch
from torch.nn.functional import embedding_bag

_LOBES = 3  # of the Lanczos kernel; 2 x 3 voxels along each axis of a plane
_CHANNELS = 16  # slices that are resampled at once: their plane stays in the cache
_PIXELS = 1 << 13  # of a plane, that are summed up at once
_NO_WEIGHT = 1e-9
_STILL_MM = 1e-6  # passes that move no voxel by more than this are left out


def move_rigidly(data, rotation, translation_mm, spacing_mm):
    r"""Move a volume in place: what was at :math:`x` comes to :math:`R x + t`.

    Both are in millimetres from the centre of the volume. Every rotation is a product
    of three in the planes of the grid. In a plane, all slices share the positions that
    are read, so that each pass is a sparse matrix times a dense one, and can afford a
    Lanczos kernel of 6 x 6 voxels, which blurs far less than trilinear interpolation.
    What comes from outside the field of view has the value at its edge.

    Parameters
    ----------
    data : Tensor of shape (i, j, k), dtype float32
        Overwritten.
    rotation : ndarray of shape (3, 3)
        :math:`R`, a rotation matrix.
    translation_mm : sequence of 3 float
        :math:`t`.
    spacing_mm : sequence of 3 float
        Voxel size.

    Returns
    -------
    data : Tensor of shape (i, j, k), dtype float32
        The same tensor; next to edges, it may be a little below 0.

    Examples
    --------
    >>> line = torch.tensor([0.0, 0.0, 7.0, 1.0])[:, None, None]
    >>> move_rigidly(line, np.eye(3), (1, 0, 0), (1, 1, 1)).ravel().tolist()
    [0.0, 0.0, 0.0, 7.0]
    """
    for axes, turn, shift_mm in plane_passes(rotation, translation_mm):
        _resample_plane(data, axes, turn, shift_mm, spacing_mm)
    return data


def rotation_matrix(rotation_deg):
    """Return the matrix that turns about an axis (Rodrigues' formula).

    Parameters
    ----------
    rotation_deg : sequence of 3 float
        Direction: axis of the rotation. Length: its angle in degrees.

    Returns
    -------
    rotation : ndarray of shape (3, 3)
        Proper rotation; positive angles turn i to j, j to k and k to i.
    """
    x, y, z = vector = np.radians(np.asarray(rotation_deg, dtype=float))
    angle = np.linalg.norm(vector)
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    sine = np.sinc(angle / math.pi)
    versine = np.sinc(angle / (2 * math.pi)) ** 2 / 2
    return np.eye(3) + sine * cross + versine * cross @ cross


def plane_passes(rotation, translation_mm):
    """Split a rigid motion into rotations in the planes of the grid.

    An image that moves by (R, t) reads at R'(y - t), and R' = M1 M2 M3 with rotations
    in the planes (0, 1), (1, 2) and (2, 0). M3 leaves axis 1 alone, so that the shift
    along it can wait for M2.

    Parameters
    ----------
    rotation : ndarray of shape (3, 3)
        As in :func:`move_rigidly`.
    translation_mm : sequence of 3 float
        As there.

    Returns
    -------
    passes : list of tuple
        In the order they are run: the two axes of the plane, the 2 x 2 matrix M and
        the shift t, of a plane that reads at M (y - t). Those that move nothing are
        left out.
    """
    inverse = np.asarray(rotation).T
    second = math.asin(np.clip(inverse[2, 1], -1, 1))
    first = math.atan2(-inverse[0, 1], inverse[1, 1])
    third = math.atan2(-inverse[2, 0], inverse[2, 2])
    t0, t1, t2 = translation_mm
    passes = [
        ((0, 1), first, (0.0, 0.0)),
        ((1, 2), second, (t1, 0.0)),
        ((2, 0), third, (t2, t0)),
    ]
    return [
        (axes, _turn(angle), shift)
        for axes, angle, shift in passes
        if max(abs(angle) * 1e3, *map(abs, shift)) > _STILL_MM
    ]


def positions_read(points_mm, turn, shape, spacing_mm):
    """Return where in a plane the points of a grid are read, in voxels.

    Parameters
    ----------
    points_mm : tuple of 2 ndarray of shape (h,) and (w,)
        Coordinates of the grid, from the centre of the plane.
    turn : ndarray of shape (2, 2)
        Matrix that leads from a point of the grid to the one that is read.
    shape : tuple of 2 int
        Voxels of the plane that is read.
    spacing_mm : sequence of 2 float
        Their size.

    Returns
    -------
    positions : list of 2 ndarray of shape (h, w)
        Along each axis of the plane; its first voxel is at 0.
    """
    first, second = points_mm
    return [
        (row[0] * first[:, None] + row[1] * second) / mm + (n - 1) / 2
        for n, mm, row in zip(shape, spacing_mm, turn, strict=True)
    ]


def lanczos_taps(positions, shape, n_lobes):
    """Return the voxels of a plane that values between them are summed from.

    Parameters
    ----------
    positions : list of 2 ndarray of n elements
        Along each axis of the plane, in voxels.
    shape : tuple of 2 int
        Of the plane; outside, it has the value at its edge.
    n_lobes : int
        Of the Lanczos kernel on each side: 2 n_lobes voxels along each axis.

    Returns
    -------
    voxels : ndarray of shape (n, 4 n_lobes^2), dtype int32
        Indices into the flattened plane.
    weights : ndarray of shape (n, 4 n_lobes^2), dtype float32
        Of the Lanczos kernel.
    """
    steps = np.arange(1 - n_lobes, 1 + n_lobes)
    near, weight = [], []
    for n, position in zip(shape, positions, strict=True):
        low = np.floor(position)
        near.append(np.clip(low[..., None] + steps, 0, n - 1).astype(np.int32))
        weight.append(_lanczos((position - low)[..., None] - steps, n_lobes))
    voxels = near[0][..., :, None] * shape[1] + near[1][..., None, :]
    weights = weight[0][..., :, None] * weight[1][..., None, :]
    return (taps.reshape(-1, 4 * n_lobes**2) for taps in (voxels, weights))


def _turn(angle):
    return np.array(
        [[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]]
    )


def _resample_plane(volume, axes, turn, shift_mm, spacing_mm):
    """Overwrite a volume, all of whose slices turn and shift in their plane."""
    slices = volume.movedim(axes, (0, 1))  # (h, w, channels), a view
    height, width, _ = slices.shape
    spacing = [spacing_mm[axis] for axis in axes]
    voxels, weights = _taps((height, width), turn, shift_mm, spacing)
    pixels = list(zip(voxels.split(_PIXELS), weights.split(_PIXELS), strict=True))
    pixels = [[taps.to(volume.device) for taps in block] for block in pixels]
    for part in slices.split(_CHANNELS, dim=2):
        table = part.reshape(height * width, -1).contiguous()
        rows = [
            embedding_bag(near, table, mode="sum", per_sample_weights=weight)
            for near, weight in pixels
        ]
        part.copy_(torch.cat(rows).view(part.shape))


def _taps(shape, turn, shift_mm, spacing_mm):
    """Return the pixels that each pixel of a plane is summed from, and weights."""
    points_mm = [
        (np.arange(n) - (n - 1) / 2) * mm - t
        for n, mm, t in zip(shape, spacing_mm, shift_mm, strict=True)
    ]
    positions = positions_read(points_mm, turn, shape, spacing_mm)
    return (torch.from_numpy(taps) for taps in lanczos_taps(positions, shape, _LOBES))


def _lanczos(distance, n_lobes):
    weights = np.sinc(distance) * np.sinc(distance / n_lobes)
    weights[np.abs(weights) < _NO_WEIGHT] = 0  # whole voxels are copied exactly
    return (weights / weights.sum(-1, keepdims=True)).astype(np.float32)
