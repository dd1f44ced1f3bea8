"""Rigid motion of a volume whose field of view wraps around along one axis."""

import math

import numpy as np
import torch
from torch.nn.functional import embedding_bag

from briqa_sk.kernels.rigid import lanczos_taps, plane_passes, positions_read

_LOBES = 2  # of the Lanczos kernel; a third one would take twice the time
_MARGIN = _LOBES  # voxels around what is needed
_CHANNELS = 16  # slices that are resampled at once: their plane stays in the cache
_PIXELS = 1 << 13  # of a plane, that are summed up at once
_ROWS = 128  # of a plane between two passes, that are held at once
_ROUNDING = 1e-6  # of a voxel; whole shifts must not depend on it
_PARALLEL = 1e-9  # a coordinate changes by less than this per voxel of a line


def move_and_wrap(data, rotation, translation_mm, spacing_mm, axis):
    r"""Move a volume rigidly, and wrap around what leaves it along one axis.

    What was at :math:`x` comes to :math:`R x + t`, and to all places that are one field
    of view, or several, further along the axis: copies that overlap are added up. It is
    done as in :func:`~briqa_sk.kernels.rigid.move_rigidly`, with a kernel of 4 x 4
    voxels, but between two passes the grid is as large as needed, so that nothing is
    lost that ends up inside.

    Parameters
    ----------
    data : Tensor of shape (i, j, k), dtype float32
        May be overwritten.
    rotation : ndarray of shape (3, 3)
        :math:`R`, a rotation matrix.
    translation_mm : sequence of 3 float
        :math:`t`.
    spacing_mm : sequence of 3 float
        Voxel size.
    axis : int
        Along which the field of view wraps around: 0, 1 or 2.

    Returns
    -------
    moved : Tensor of shape (i, j, k), dtype float32
        0 where nothing comes from; next to edges, it may be a little below 0.

    Examples
    --------
    >>> line = torch.tensor([0.0, 0.0, 7.0, 1.0])[:, None, None]
    >>> move_and_wrap(line, np.eye(3), (1, 0, 0), (1, 1, 1), 0).ravel().tolist()
    [1.0, 0.0, 0.0, 7.0]
    """
    plans = _plans(tuple(data.shape), rotation, translation_mm, spacing_mm, axis)
    first, second = next(plans, None), next(plans, None)
    if first is None:
        return data
    if second is None:
        return _sum_planes(data, *first)
    moved = _sum_twice(data, first, second)
    del first, second  # they are large
    for third in plans:
        moved = _sum_planes(moved, *third, out=data)
    return moved


def count_sources(shape, rotation, translation_mm, spacing_mm, axis):
    """Count the copies of the old field of view that reach each voxel of the new one.

    Parameters
    ----------
    shape : tuple of 3 int
        Of the volume.
    rotation : ndarray of shape (3, 3)
        As in :func:`move_and_wrap`.
    translation_mm : sequence of 3 float
        As there.
    spacing_mm : sequence of 3 float
        As there.
    axis : int
        As there.

    Yields
    ------
    counts : Tensor of shape (j, k), dtype uint8
        Of one slice after the other; 0 where nothing comes from.
    """
    spacing_mm = np.asarray(spacing_mm, dtype=float)
    limits = []
    for copy in _copies(shape, rotation, translation_mm, spacing_mm, axis):
        shift = np.array(translation_mm, dtype=float)
        shift[axis] -= copy * shape[axis] * spacing_mm[axis]
        limits.append(_inside_lines(shape, rotation, shift, spacing_mm))
    along = torch.arange(shape[2], dtype=torch.float32)
    for i in range(shape[0]):
        counts = torch.zeros(shape[1:], dtype=torch.uint8)
        for low, high in limits:
            counts += (along >= low[i, :, None]) & (along < high[i, :, None])
        yield counts


def _copies(shape, rotation, translation_mm, spacing_mm, axis):
    """Return how many fields of view lie before each copy that is in this one."""
    size_mm = np.multiply(shape, spacing_mm)
    reach = np.abs(rotation)[axis] @ size_mm / 2
    centre, reach = (mm / size_mm[axis] for mm in (translation_mm[axis], reach))
    low, high = centre - reach + _ROUNDING, centre + reach - _ROUNDING
    return range(math.floor(low + 0.5), math.ceil(high - 0.5) + 1)


def _inside_lines(shape, rotation, translation_mm, spacing_mm):
    """Return where, along the last axis, lines enter and leave the old field of view.

    Line (i, j) reads at A + B k, which is inside between two values of k.
    """
    i, j, start = (
        (np.arange(n) - (n - 1) / 2) * mm - t
        for n, mm, t in zip(shape, spacing_mm, translation_mm, strict=True)
    )
    low, high = np.full((2, *shape[:2]), [[[-np.inf]], [[np.inf]]])
    for n, mm, column in zip(shape, spacing_mm, np.asarray(rotation).T, strict=True):
        first = (column[0] * i[:, None] + column[1] * j + column[2] * start[0]) / mm
        step = column[2] * spacing_mm[2] / mm
        edges = [edge - _ROUNDING - first for edge in (-n / 2, n / 2)]
        if abs(step) < _PARALLEL:
            low[(edges[0] > 0) | (edges[1] <= 0)] = np.inf
        else:
            ends = np.sort([edge / step for edge in edges], axis=0)
            low, high = np.maximum(low, ends[0]), np.minimum(high, ends[1])
    return torch.from_numpy(low).float(), torch.from_numpy(high).float()


def _grids(passes, shape, spacing_mm, wrapped):
    """Return, for before the first pass and after each, the voxels held per axis.

    Those are voxels that the volume can have come to and that later passes read.
    """
    half_mm = np.multiply(shape, spacing_mm) / 2
    reached = [np.stack([-half_mm, half_mm])]  # [low, high]
    for axes, turn, shift_mm in passes:
        reached.append(_bounds(reached[-1], axes, turn.T, 0, shift_mm))
    needed = [np.where(np.arange(3) == wrapped, reached[-1], reached[0])]
    for (axes, turn, shift_mm), box in zip(passes[::-1], reached[-2::-1], strict=True):
        read = _bounds(needed[-1], axes, turn, shift_mm, 0)
        needed.append(np.stack([np.maximum(read[0], box[0]), np.minimum(read, box)[1]]))
    grids = []
    for index, box in enumerate(needed[::-1]):
        early, late = (
            {axis for axes, _, _ in some for axis in axes}
            for some in (passes[:index], passes[index:])
        )
        places = box / spacing_mm + (np.array(shape) - 1) / 2
        grids.append(
            [
                _voxels(*places[:, axis]) if axis in early & late else range(n)
                for axis, n in enumerate(shape)
            ]
        )
    return grids


def _bounds(box, axes, matrix, before_mm, after_mm):
    """Return a box around one whose plane is mapped by a matrix between two shifts."""
    axes, box = list(axes), box.copy()
    low, high = box[:, axes]
    centre = matrix @ ((low + high) / 2 - before_mm) + after_mm
    reach = np.abs(matrix) @ np.maximum(high - low, 0) / 2
    box[:, axes] = centre - reach, centre + reach
    return box


def _voxels(low, high):
    start = math.floor(low) - _MARGIN
    return range(start, max(start, math.ceil(high) + _MARGIN) + 1)


def _plans(shape, rotation, translation_mm, spacing_mm, axis):
    """Yield (plane, its new shape, what its pixels are summed from) of each pass."""
    passes = plane_passes(rotation, translation_mm)
    copies = _copies(shape, rotation, translation_mm, spacing_mm, axis)
    grids = _grids(passes, shape, spacing_mm, axis)
    for index, (plane, turn, shift_mm) in enumerate(passes):
        is_last = not any(axis in later for later, _, _ in passes[index + 1 :])
        wraps = copies if axis in plane and is_last else [0]
        old, new = ([grid[a] for a in plane] for grid in grids[index : index + 2])
        sizes = [(shape[a], spacing_mm[a], shape[a] * (a == axis)) for a in plane]
        reads = [_read(old, new, sizes, turn, shift_mm, copy) for copy in wraps]
        bags = _bags(reads, [len(held) for held in old])
        yield plane, [len(held) for held in new], bags


def _read(old, new, sizes, turn, shift_mm, copy):
    """Return where in the old grid of a plane the points of the new one are read.

    Each axis has a number of voxels, their size, and the step to the next copy.
    """
    shape, spacing_mm, _ = zip(*sizes, strict=True)
    points_mm = [
        (np.array(held) + copy * step - (n - 1) / 2) * mm - t
        for held, (n, mm, step), t in zip(new, sizes, shift_mm, strict=True)
    ]
    positions = positions_read(points_mm, turn, shape, spacing_mm)
    return [at - held.start for at, held in zip(positions, old, strict=True)]


def _bags(reads, shape):
    """Return the voxels of a plane that are summed up for each pixel of another.

    Parameters
    ----------
    reads : list of list of 2 ndarray of shape (h, w)
        From where in the plane each pixel comes, for each copy; maybe from outside.
    shape : tuple of 2 int
        Of the plane.

    Returns
    -------
    voxels, weights : Tensor of shape (n,)
        Of all pixels, one after the other.
    ends : ndarray of shape (h w + 1,)
        Pixel p has those from ends[p] to ends[p + 1].
    """
    pixels, taps = [], []
    for read in reads:
        inside = [
            (at >= -0.5 - _ROUNDING) & (at < n - 0.5 - _ROUNDING)
            for at, n in zip(read, shape, strict=True)
        ]
        pixels.append(np.flatnonzero(inside[0] & inside[1]))
        read = [at.ravel()[pixels[-1]] for at in read]
        taps.append(tuple(lanczos_taps(read, shape, _LOBES)))
    pixels = np.concatenate(pixels)
    voxels, weights = map(np.concatenate, zip(*taps, strict=True))
    if len(reads) > 1:
        order = np.argsort(pixels, kind="stable")
        pixels, voxels, weights = pixels[order], voxels[order], weights[order]
    ends = np.searchsorted(pixels, np.arange(reads[0][0].size + 1))
    voxels, weights = (torch.from_numpy(a).ravel() for a in (voxels, weights))
    return voxels, weights, ends * taps[0][0].shape[1]


def _sum_twice(volume, first, second):
    """Return a volume after two passes, of which the first is never held as a whole."""
    plane, (height, width), (voxels, weights, ends) = first
    if plane[0] in second[0]:
        return _sum_planes(_sum_planes(volume, *first), *second)
    size = _with_plane(volume.shape, *first[:2])
    out = volume.new_empty(_with_plane(size, *second[:2]))
    for start in range(0, height, _ROWS):
        n_rows = min(_ROWS, height - start)
        own = ends[start * width : (start + n_rows) * width + 1]
        turned = _sum_planes(volume, plane, (n_rows, width), (voxels, weights, own))
        _sum_planes(turned, *second, out=out.narrow(plane[0], start, n_rows))
    return out


def _with_plane(shape, plane, new):
    shape = list(shape)
    shape[plane[0]], shape[plane[1]] = new
    return shape


def _sum_planes(volume, plane, shape, bags, out=None):
    """Return a volume with another plane, from the voxels and weights of its pixels."""
    if out is None:
        out = volume.new_empty(_with_plane(volume.shape, plane, shape))
    blocks = _blocks(*bags, volume.device)
    parts = (
        whole.movedim(plane, (0, 1)).split(_CHANNELS, dim=2) for whole in (volume, out)
    )
    for part, new in zip(*parts, strict=True):
        table = part.reshape(-1, part.shape[2]).contiguous()
        rows = [
            embedding_bag(near, table, ends, mode="sum", per_sample_weights=weight)
            for near, weight, ends in blocks
        ]
        new.copy_(torch.cat(rows).view(new.shape))
    return out


def _blocks(voxels, weights, ends, device):
    """Return (voxels, weights, starts of pixels) of some thousand pixels at a time."""
    blocks = []
    for first in range(0, len(ends) - 1, _PIXELS):
        own = ends[first : first + _PIXELS + 1]
        block = slice(own[0], own[-1])
        starts = torch.from_numpy((own[:-1] - own[0]).astype(np.int32))
        blocks.append([t.to(device) for t in (voxels[block], weights[block], starts)])
    return blocks
