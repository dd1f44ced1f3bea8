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
    for axes, turn, shift_mm in _passes(rotation, translation_mm):
        _resample_plane(data, axes, turn, shift_mm, spacing_mm)
    return data


def inside_field_of_view(shape, rotation, translation_mm, spacing_mm):
    """Mark the voxels that :func:`move_rigidly` fills from inside the field of view.

    Parameters
    ----------
    shape : tuple of 3 int
        Of the volume.
    rotation : ndarray of shape (3, 3)
        As there.
    translation_mm : sequence of 3 float
        As there.
    spacing_mm : sequence of 3 float
        As there.

    Returns
    -------
    inside : Tensor of shape (i, j, k), dtype bool
        False where a value at the edge was repeated, in any of the passes.
    """
    size_mm = np.asarray(shape) * spacing_mm
    grid = [
        torch.from_numpy(_centred(n, mm)).float()
        for n, mm in zip(shape, spacing_mm, strict=True)
    ]
    inside = torch.ones(tuple(shape), dtype=torch.bool)
    for row, offset, axis in _coordinates_read(_passes(rotation, translation_mm)):
        plane = row[1] * grid[1][:, None] + row[2] * grid[2]  # (j, k)
        line = row[0] * grid[0] + offset
        limit = size_mm[axis] / 2 + _STILL_MM
        for mask, start in zip(inside, line.tolist(), strict=True):
            mask &= (plane + start).abs_() <= limit
    return inside


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


def _passes(rotation, translation_mm):
    """Return (plane, 2 x 2 matrix, shift) of the passes, in the order they are run.

    An image that moves by (R, t) reads at R'(y - t), and R' = M1 M2 M3 with rotations
    in the planes (0, 1), (1, 2) and (2, 0). M3 leaves axis 1 alone, so that the shift
    along it can wait for M2.
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


def _turn(angle):
    return np.array(
        [[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]]
    )


def _coordinates_read(passes):
    """Yield (row, offset, axis) of each coordinate that a pass computes, from y."""
    matrix, offset = np.eye(3), np.zeros(3)
    for axes, turn, shift in reversed(passes):
        axes = list(axes)
        matrix[axes] = turn @ matrix[axes]
        offset[axes] = turn @ (offset[axes] - shift)
        for axis in axes:
            yield matrix[axis].tolist(), float(offset[axis]), axis


def _centred(n, mm):
    return (np.arange(n) - (n - 1) / 2) * mm


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
    first, second = (
        _centred(n, mm) - t
        for n, mm, t in zip(shape, spacing_mm, shift_mm, strict=True)
    )
    steps = np.arange(1 - _LOBES, 1 + _LOBES)
    near, weight = [], []
    for n, mm, row in zip(shape, spacing_mm, turn, strict=True):
        read = (row[0] * first[:, None] + row[1] * second) / mm + (n - 1) / 2
        low = np.floor(read)
        near.append(np.clip(low[..., None] + steps, 0, n - 1).astype(np.int32))
        weight.append(_lanczos((read - low)[..., None] - steps))
    voxels = near[0][..., :, None] * shape[1] + near[1][..., None, :]
    weights = weight[0][..., :, None] * weight[1][..., None, :]
    n_pixels = shape[0] * shape[1]
    return (torch.from_numpy(a.reshape(n_pixels, -1)) for a in (voxels, weights))


def _lanczos(distance):
    weights = np.sinc(distance) * np.sinc(distance / _LOBES)
    weights[np.abs(weights) < _NO_WEIGHT] = 0  # whole voxels are copied exactly
    return (weights / weights.sum(-1, keepdims=True)).astype(np.float32)
