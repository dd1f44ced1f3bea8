"""Rigid motion of a volume, as three rotations in planes."""

import math

import numpy as np
import torch
from torch.nn.functional import embedding_bag

_ROW_BYTES = 64  # of slices that are resampled at once: their plane stays in the cache
_PIXELS = 1 << 13  # of a plane, that are summed up at once
_NO_WEIGHT = 1e-9
_STILL_MM = 1e-6  # passes that move no voxel by more than this are left out
_FADE_MM = 30.0  # from the edge of the field of view to where nothing is left
_ROUNDING = 1e-6  # of a voxel; whole shifts must not depend on it


def move_rigidly(data, rotation, translation_mm, spacing_mm, *, n_lobes=3, fades=True):
    r"""Move a volume in place: what was at :math:`x` comes to :math:`R x + t`.

    Both are in millimetres from the centre of the volume. Every rotation is a product
    of three in the planes of the grid. In a plane, all slices share the positions that
    are read, so that each pass is a sparse matrix times a dense one, and can afford a
    Lanczos kernel of 6 x 6 voxels, which blurs far less than trilinear interpolation.
    What comes from outside the field of view has the value at its edge, and fades with
    the distance from it.

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
    n_lobes : int, default=3
        Of the Lanczos kernel on each side: 2 n_lobes voxels along each axis of a
        plane. 0 takes the nearest voxel, which moves noise and does not average it.
        Noise has no streaks: beyond an edge that is not 0, it is its mirror image.
    fades : bool, default=True
        Whether what comes from outside the field of view gets darker with distance.
        Noise does not.

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
        _resample_plane(data, axes, turn, shift_mm, spacing_mm, n_lobes, fades)
    return data


def move_and_wrap(data, rotation, translation_mm, spacing_mm, axis, *, n_lobes=3):
    r"""Move a volume in place, and wrap around what leaves it along one axis.

    As :func:`move_rigidly`, in a field of view that is longer along the axis, whose
    ends are then folded back onto it.

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
    axis : int
        Along which the field of view wraps around: 0, 1 or 2.
    n_lobes : int, default=3
        As in :func:`move_rigidly`. Copies that overlap are added up; with 0, which is
        for noise, the first of them that is not 0 is taken.

    Returns
    -------
    data : Tensor of shape (i, j, k), dtype float32
        The same tensor; next to edges, it may be a little below 0.

    Examples
    --------
    >>> line = torch.tensor([0.0, 0.0, 7.0, 1.0])[:, None, None]
    >>> move_and_wrap(line, np.eye(3), (1, 0, 0), (1, 1, 1), 0).ravel().tolist()
    [1.0, 0.0, 0.0, 7.0]
    """
    low, high = _overhang(data.shape, rotation, translation_mm, spacing_mm, axis)
    wide = _continued(data, axis, low, high, is_noise=n_lobes == 0)
    # The head turns about the old centre, and not about that of the longer volume.
    centre = np.eye(3)[axis] * (high - low) / 2 * spacing_mm[axis]
    shift_mm = np.asarray(translation_mm) + np.asarray(rotation) @ centre - centre
    move_rigidly(wide, rotation, shift_mm, spacing_mm, n_lobes=n_lobes)
    n = data.shape[axis]
    data.copy_(wide.narrow(axis, low, n))
    for start in range(low % n - n, low + n + high, n):
        first, last = max(0, start), min(low + n + high, start + n)
        if start == low or first >= last:
            continue
        part = wide.narrow(axis, first, last - first)
        onto = data.narrow(axis, first - start, last - first)
        onto.add_(part if n_lobes else part.masked_fill(onto != 0, 0))
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


def _resample_plane(volume, axes, turn, shift_mm, spacing_mm, n_lobes, fades):
    """Overwrite a volume, all of whose slices turn and shift in their plane."""
    slices = volume.movedim(axes, (0, 1))  # (h, w, channels), a view
    height, width, _ = slices.shape
    spacing = [spacing_mm[axis] for axis in axes]
    positions = _positions((height, width), turn, shift_mm, spacing)
    read = _reader(positions, (height, width), n_lobes, volume.device)
    fade = _fade(positions, (height, width), spacing) if fades else np.ones(1)
    fades = bool(fade.min() < 1)
    fade = torch.from_numpy(fade).to(volume)
    for part in slices.split(_ROW_BYTES // volume.element_size(), dim=2):
        table = part.reshape(height * width, -1).contiguous()
        moved = read(table).view(part.shape)
        part.copy_(moved.mul_(fade[:, :, None]) if fades else moved)


def _overhang(shape, rotation, translation_mm, spacing_mm, axis):
    """Return how many voxels of an ellipsoid move beyond both ends of an axis."""
    half_mm = np.multiply(shape, spacing_mm) / 2
    beyond = np.linalg.norm(rotation[axis] * half_mm) - half_mm[axis]
    shift = translation_mm[axis]
    return [
        max(0, math.ceil(mm / spacing_mm[axis] - _ROUNDING))
        for mm in (beyond - shift, beyond + shift)
    ]


def _continued(data, axis, low, high, is_noise):
    """Return a longer volume, which fades from its old ends to the new ones."""
    n = data.shape[axis]
    places = np.arange(-low, n + high)
    near = _mirrored(places, n) if is_noise else places.clip(0, n - 1)
    wide = data.index_select(axis, torch.from_numpy(near).to(data.device))
    if is_noise:
        wide.narrow(axis, 0, low).mul_(data.narrow(axis, 0, 1) != 0)
        wide.narrow(axis, low + n, high).mul_(data.narrow(axis, n - 1, 1) != 0)
    depth = np.maximum(-places / (low + 1), (places - n + 1) / (high + 1))
    fade = torch.from_numpy(1 - np.square(depth.clip(0))).to(data)
    return wide.mul_(fade.view([-1 if a == axis else 1 for a in range(3)]))


def _mirrored(places, n):
    """Return the voxels that are at any places of an axis, as between two mirrors."""
    places = places % (2 * n)
    return np.minimum(places, 2 * n - 1 - places)


def _fade(positions, shape, spacing_mm):
    """Return how bright what is read at positions is, 1 in the field of view."""
    fade = 1.0
    for position, n, mm in zip(positions, shape, spacing_mm, strict=True):
        outside = np.maximum(-0.5 - position, position - n + 0.5) - _ROUNDING
        fade = fade * (1 - np.square((outside * mm / _FADE_MM).clip(0, 1)))
    return fade


def _reader(positions, shape, n_lobes, device):
    """Return what reads a table (h w, channels) of a plane at positions."""
    if n_lobes == 0:
        return _noise_reader(positions, shape, device)
    flat = [position.ravel() for position in positions]
    blocks = [
        [
            torch.from_numpy(part).to(device)
            for part in lanczos_taps(
                [position[start : start + _PIXELS] for position in flat], shape, n_lobes
            )
        ]
        for start in range(0, flat[0].size, _PIXELS)
    ]

    def read(table):
        rows = [
            embedding_bag(near, table, mode="sum", per_sample_weights=weight)
            for near, weight in blocks
        ]
        return torch.cat(rows)

    return read


def _noise_reader(positions, shape, device):
    places = [np.rint(position).astype(np.int64) for position in positions]
    edges = [place.clip(0, n - 1) for place, n in zip(places, shape, strict=True)]
    mirrored = [_mirrored(place, n) for place, n in zip(places, shape, strict=True)]
    voxels, edge = (
        torch.from_numpy((rows * shape[1] + columns).ravel()).to(device)
        for rows, columns in (mirrored, edges)
    )
    outside = (voxels != edge).nonzero()[:, 0]

    def read(table):
        rows = table.index_select(0, voxels)
        rows[outside] *= table.index_select(0, edge[outside]) != 0
        return rows

    return read


def _positions(shape, turn, shift_mm, spacing_mm):
    """Return where each pixel of a plane is read, along both axes."""
    points_mm = [
        (np.arange(n) - (n - 1) / 2) * mm - t
        for n, mm, t in zip(shape, spacing_mm, shift_mm, strict=True)
    ]
    return positions_read(points_mm, turn, shape, spacing_mm)


def _lanczos(distance, n_lobes):
    weights = np.sinc(distance) * np.sinc(distance / n_lobes)
    weights[np.abs(weights) < _NO_WEIGHT] = 0  # whole voxels are copied exactly
    return (weights / weights.sum(-1, keepdims=True)).astype(np.float32)
