"""Displacement of signal along one axis, none of which is lost."""

import torch

_DENSEST = 0.05  # voxels into which one voxel is squeezed, where images fold


def displace(data, displacement, axis):
    r"""Displace signal along one axis, with the pile-up that this makes.

    With the cumulative signal :math:`C`, a voxel at y receives what lay between its two
    borders before they were displaced:

    .. math:: C(y + \tfrac12 - d(y + \tfrac12)) - C(y - \tfrac12 - d(y - \tfrac12))

    so that total signal is kept exactly, unless some of it leaves the field of view. A
    uniform object becomes :math:`1 - d'(y)` as bright. Within a voxel, C is a cubic
    polynomial, which blurs less than a straight line would.

    Parameters
    ----------
    data : Tensor of shape (i, j, k), dtype float32
        Left untouched.
    displacement : Tensor, dtype float32
        d in voxels, shaped as the data but with one more along the axis: at the borders
        of the voxels, from the lower border of the first to the upper one of the last.
        d(y) is where the signal at y, after the displacement, came from: y - d(y).
    axis : int
        0, 1 or 2.

    Returns
    -------
    displaced : Tensor of shape (i, j, k), dtype float32
        Not negative. Where d grows by more than one voxel per voxel, the image folds,
        and there it is 0.

    Examples
    --------
    >>> line = torch.tensor([0.0, 0.0, 6.0, 0.0])[:, None, None]
    >>> displace(line, torch.full((5, 1, 1), -1.0), axis=0).ravel().tolist()
    [0.0, 6.0, 0.0, 0.0]
    """
    n = data.shape[axis]
    total, slope = _cumulative(data, axis), _slopes(data, axis)
    index = torch.arange(n + 1, dtype=torch.float32, device=data.device)
    index = index.view([-1 if dim == axis else 1 for dim in range(3)])
    source = (index - displacement).clamp_(0, n)
    voxel = source.floor().clamp_(max=n - 1)
    fraction = source.sub_(voxel)
    voxel = voxel.long()
    low = torch.gather(slope, axis, voxel)
    start = torch.gather(total, axis, voxel)
    inside = torch.gather(data, axis, voxel)
    high = torch.gather(slope, axis, voxel.add_(1))
    # Cubic Hermite: from C with slope `low` to C + inside with slope `high`.
    bend = high.add_(low).sub_(inside, alpha=2)
    curve = inside.sub_(low).sub_(bend)
    start.add_(bend.mul_(fraction).add_(curve).mul_(fraction).add_(low).mul_(fraction))
    return start.diff(dim=axis).clamp_(min=0)


def take_nearest(data, displacement, axis):
    """Move voxels along one axis to where a displacement leads, as they are.

    Parameters
    ----------
    data : Tensor of shape (i, j, k), dtype float32
        Left untouched.
    displacement : Tensor, dtype float32
        As in :func:`displace`.
    axis : int
        0, 1 or 2.

    Returns
    -------
    moved : Tensor of shape (i, j, k), dtype float32
        Each voxel is the one nearest to where its signal came from.
    """
    n = data.shape[axis]
    centre = displacement.narrow(axis, 0, n) + displacement.narrow(axis, 1, n)
    index = torch.arange(n, dtype=torch.float32, device=data.device)
    index = index.view([-1 if dim == axis else 1 for dim in range(3)])
    nearest = centre.mul_(-0.5).add_(index).round_().clamp_(0, n - 1)
    return torch.gather(data, axis, nearest.long())


def arriving(displacement, axis):
    r"""Turn a displacement of what leaves a place into one of what arrives there.

    What is at x comes to :math:`x + d(x)`; the place y is reached from
    :math:`y - e(y)`, which :func:`displace` needs. Where the image would fold, because
    d falls by more than one voxel per voxel, all that folds piles up in one bright
    line, the mean of where it would have come to.

    Parameters
    ----------
    displacement : Tensor of shape (i, j, k), dtype float32
        d, in voxels.
    axis : int
        0, 1 or 2.

    Returns
    -------
    arriving : Tensor of shape (i, j, k), dtype float32
        e, in voxels.
    """
    d = displacement.movedim(axis, -1)
    n = d.shape[-1]
    index = torch.arange(n, dtype=torch.float32, device=d.device)
    # What is at least so steep everywhere rises; so does its envelope from both sides.
    place = d + index * (1 - _DENSEST)
    above = place.cummax(-1).values
    below = place.flip(-1).cummin(-1).values.flip(-1)
    place = ((above + below) / 2).add_(index * _DENSEST)
    ends = (place[..., :1] - 1, place, place[..., -1:] + 1)
    place = torch.cat(ends, -1).contiguous()
    wanted = index.expand(d.shape).contiguous()
    upper = torch.searchsorted(place, wanted).clamp_(1, n + 1)
    low, high = (torch.gather(place, -1, upper - step) for step in (1, 0))
    # Border `upper` of the n + 2 places is voxel upper - 1: the first was put in front.
    source = (wanted - low).div_(high.sub_(low)).add_(upper).sub_(2)
    return wanted.sub_(source).movedim(-1, axis)


def _cumulative(data, axis):
    """Return the signal below each border of the voxels."""
    shape = list(data.shape)
    shape[axis] += 1
    total = data.new_zeros(shape)
    torch.cumsum(data, axis, out=total.narrow(axis, 1, data.shape[axis]))
    return total


def _slopes(data, axis):
    """Return the signal per voxel at each border, to fourth order where it is smooth.

    A border is at most three times as bright as the darker voxel beside it, so that the
    cumulative signal never falls (Fritsch and Carlson, 1980), and no voxel is negative.
    """
    n = data.shape[axis]
    first, last = data.narrow(axis, 0, 1), data.narrow(axis, n - 1, 1)
    padded = torch.cat([first, first, data, last, last], axis)
    below, above = padded.narrow(axis, 1, n + 1), padded.narrow(axis, 2, n + 1)
    far = padded.narrow(axis, 0, n + 1) + padded.narrow(axis, 3, n + 1)
    slopes = (below + above).mul_(7 / 12).sub_(far, alpha=1 / 12).clamp_(min=0)
    return torch.minimum(slopes, torch.minimum(below, above).mul_(3))
