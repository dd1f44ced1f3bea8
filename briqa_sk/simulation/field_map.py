"""The map of the main field: what air beside tissue does to it."""

import math
from functools import cached_property

import numpy as np
import torch

from briqa_sk.kernels.levels import thinning
from briqa_sk.kernels.noise import smooth_means
from briqa_sk.kernels.susceptibility import dipole_field

AIR_PPM, WATER_PPM = 0.36, -9.05

_N_COSINES = 4  # slowest ones along each axis
_TILT = 0.12  # of the head in the magnet, radians
_TRANSVERSE = 0.05  # of scanners: portable ones, with the field from back to front
_RESIDUAL_PPM = (0.05, 1.0)  # large in small magnets
_AIR_AND_TISSUE = (0.15, 0.35)  # of the mean of tissue: all of it air, none of it
_AIR_MEANS = (1.6, 2.8)  # of the noise in air: the same
_THIN = 0.3  # air in what is dark and thin: bone, and the cells in it
_SKULL_MM = 5.0
_VAULT_MM = (75.0, 95.0)  # from the top of the head: below it lie sinuses and ears
_HEAD_MM = (150.0, 170.0)  # from the top of the head: below it lies the neck
_LEAST_AIR = 1e-3  # of the field of view
_TISSUE = 0.5  # share of a block
_N_CONTINUED = 2  # blocks, as far as tissue is continued into air
_LEAST_WEIGHT = 0.01
_DAMPING = 1e-6
_LARGEST = 0.995  # quantile; the last few blocks lie between air and air


def draw_field(rng):
    """Return what a field map has beside the head, drawn without a look at it.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of all that varies.

    Returns
    -------
    field : dict
        ``direction`` of the main field (right, anterior, superior); ``cosines``, slow
        ones, of a root mean square of about 1, and their ``residual_ppm``; the
        ``shim_order``; a ``bump`` with ``centre`` and ``width`` for volumes without
        air.
    """
    direction = rng.normal(0, _TILT, size=3)
    direction[1 if rng.random() < _TRANSVERSE else 2] = 1
    order = np.indices((_N_COSINES,) * 3).sum(axis=0)
    cosines = rng.normal(size=order.shape) / np.maximum(order, 1)
    cosines[0, 0, 0] = 0  # the scanner tunes to the mean frequency
    return {
        "direction": (direction / np.linalg.norm(direction)).tolist(),
        "cosines": (cosines / np.linalg.norm(cosines)).tolist(),
        "residual_ppm": float(np.exp(rng.uniform(*np.log(_RESIDUAL_PPM)))),
        "shim_order": int(rng.choice([1, 2], p=(0.3, 0.7))),
        "bump": float(rng.choice([-1, 1]) * rng.uniform(1.0, 2.0)),
        "centre": rng.uniform(0.25, 0.75, size=3).tolist(),
        "width": rng.uniform(0.12, 0.18, size=3).tolist(),
    }


class FieldMap:
    """Deviation of the main field in and around a head.

    Air in sinuses and ears is magnetised otherwise than the tissue around it: the field
    is that of dipoles in all voxels, less what shim coils of the first or the second
    order take away within the head, and with a slow residual. What air is follows from
    the voxels: what is dark outside the head, and what is dark in its lower part, where
    sinuses and ears are. Thin dark layers there are bone, for the most part. In a
    volume without air, there are slow cosines and a bump.

    Parameters
    ----------
    means : Tensor of the shape of the blocks, dtype float32
        The scan on a coarse grid.
    grid : CoarseGrid
        That grid.
    field : dict
        From :func:`draw_field`.
    levels : SignalLevels
        Of the scan.
    orientation : ndarray of shape (3, 2)
        For i, j, k the axis of the world (right, anterior, superior), and 1 or -1,
        whether its index grows that way.

    Attributes
    ----------
    grid : CoarseGrid
        As given.
    """

    def __init__(self, means, grid, field, levels, orientation):
        self.grid = grid
        self._means = means
        self._field = field
        self._levels = levels
        self._world_axes = orientation[:, 0].astype(int)
        self._signs = orientation[:, 1]

    @cached_property
    def ppm(self):
        """Deviation of each block, (i, j, k) in parts per million, float32.

        In air, where there is no signal to be displaced, it is that of tissue nearby.
        """
        cosines = self._cosines()
        if not self._has_air:
            return cosines + self._bump()
        direction = self._signs * np.take(self._field["direction"], self._world_axes)
        matter = self._air.mul(AIR_PPM - WATER_PPM)
        ppm = self._shimmed(dipole_field(matter, self.grid.spacing_mm, direction))
        ppm += cosines.mul_(self._field["residual_ppm"])
        return self._continued(ppm)

    @cached_property
    def head(self):
        """Share of tissue in each block, (i, j, k), 0 in the neck.

        It is 1 everywhere in a volume without air.
        """
        if not self._has_air:
            return torch.ones_like(self._air)
        tissue = 1 - self._air
        return tissue.mul_(1 - self._ramp_below(self._top(tissue), _HEAD_MM))

    def largest(self, values):
        """Return the largest absolute value in tissue, but for one block in 200.

        Parameters
        ----------
        values : Tensor of the shape of the blocks, dtype float32
            Of either sign.

        Returns
        -------
        largest : float
            0 or more.
        """
        inside = values[self.head > _TISSUE].abs()
        rank = max(1, round(_LARGEST * len(inside)))
        return float(inside.kthvalue(rank).values)

    def spread_ppm(self):
        """Return the root mean square of the deviation in the head."""
        square = (self.ppm.square() * self.head).sum() / self.head.sum()
        return math.sqrt(square)

    @cached_property
    def _has_air(self):
        air = self._air
        return float(air.mean()) > _LEAST_AIR and float(air.min()) < _TISSUE

    @cached_property
    def _air(self):
        """Share of air in each block."""
        limits = (
            max(share * self._levels.tissue, means * self._levels.air_sigma)
            for share, means in zip(_AIR_AND_TISSUE, _AIR_MEANS, strict=True)
        )
        low, high = limits
        if high == 0:
            return torch.ones_like(self._means)
        means = smooth_means(smooth_means(self._means))
        tissue = _smoothstep(means.sub_(low).mul_(1 / (high - low)))
        dark = 1 - tissue
        thick = _opened(dark, self.grid.spacing_mm)
        cavity = thick.lerp(dark, _THIN)
        below = self._ramp_below(self._top(tissue), _VAULT_MM)
        return smooth_means(dark.lerp_(cavity * below, self._enclosure(tissue)))

    def _enclosure(self, tissue):
        """Return 1 where tissue is above and on all four sides, 0 where it is not."""
        enclosure = torch.ones_like(tissue)
        for axis, world_axis in enumerate(self._world_axes):
            slices = tissue.unbind(axis)
            is_upward = self._signs[axis] > 0
            if world_axis != 2 or not is_upward:
                _lower_to_largest_yet(enclosure.unbind(axis), slices)
            if world_axis != 2 or is_upward:
                _lower_to_largest_yet(enclosure.unbind(axis)[::-1], slices[::-1])
        return enclosure

    def _height_mm(self):
        """Return the height of the slices, (n,), and the axis that they lie along."""
        axis = int(np.flatnonzero(self._world_axes == 2)[0])
        n, mm = self._means.shape[axis], self.grid.spacing_mm[axis]
        return np.arange(n) * mm * self._signs[axis], axis

    def _top(self, tissue):
        """Return the height of the highest slice that has much of the head."""
        height, axis = self._height_mm()
        others = [dim for dim in range(3) if dim != axis]
        share = tissue.mean(others).cpu().numpy()
        return height[share > 0.1 * share.max()].max(initial=height.min())

    def _ramp_below(self, top, limits_mm):
        """Return 0 in slices that are less far below the top, 1 in those further."""
        height, axis = self._height_mm()
        share = np.interp(top - height, limits_mm, (0, 1))
        share = torch.from_numpy(share).to(self._means.device, torch.float32)
        return share.view([-1 if dim == axis else 1 for dim in range(3)])

    def _continued(self, ppm):
        """Continue the field of tissue into the air beside it."""
        tissue = 1 - self._air
        total, weight = tissue * ppm, tissue.clone()
        for _ in range(_N_CONTINUED):
            total, weight = smooth_means(total), smooth_means(weight)
        total.add_(ppm, alpha=_LEAST_WEIGHT).div_(weight.add_(_LEAST_WEIGHT))
        return total.lerp_(ppm, tissue)

    def _shimmed(self, ppm):
        """Subtract the parts of a field in the head that shim coils can make."""
        axes = [
            torch.linspace(-1, 1, n, device=ppm.device).mul_(n * mm / 100)
            for n, mm in zip(ppm.shape, self.grid.spacing_mm, strict=True)
        ]
        points = torch.meshgrid(*axes, indexing="ij")
        order = self._field["shim_order"]
        thin = thinning(ppm.shape)
        x, y, z, field, weight = (
            part[thin].flatten().double() for part in (*points, ppm, self.head)
        )
        terms = torch.stack(_harmonics(x, y, z, order))
        # A little damping: in a few slices, some terms are the same.
        square = (terms * weight) @ terms.T
        square.diagonal().mul_(1 + _DAMPING)
        currents = torch.linalg.solve(square, terms @ (weight * field))
        for term, current in zip(
            _harmonics(*points, order), currents.tolist(), strict=True
        ):
            ppm.sub_(term, alpha=current)
        return ppm

    def _cosines(self):
        bases = []
        for n in self._means.shape:
            place = (np.arange(n) + 0.5) / n
            orders = np.arange(_N_COSINES)
            bases.append(np.cos(np.pi * orders * place[:, None]))
        field = np.einsum(
            "abc,ia,jb,kc->ijk", self._field["cosines"], *bases, optimize=True
        )
        return torch.from_numpy(field).to(self._means.device, torch.float32)

    def _bump(self):
        """Return a Gaussian, the product of one along each axis."""
        bump = torch.tensor(self._field["bump"], device=self._means.device)
        for axis, n in enumerate(self._means.shape):
            place = (torch.arange(n, device=bump.device) + 0.5) / n
            distance = (place - self._field["centre"][axis]) / self._field["width"][
                axis
            ]
            along = distance.square_().div_(-2).exp_()
            bump = bump * along.view([-1 if dim == axis else 1 for dim in range(3)])
        return bump


def _harmonics(x, y, z, order):
    """Return the solid harmonics up to an order, the fields of shim coils."""
    linear = [torch.ones_like(x), x, y, z]
    if order == 1:
        return linear
    squares = (z * z - (x * x + y * y) / 2, x * x - y * y)
    return [*linear, x * y, y * z, x * z, *squares]


def _smoothstep(values):
    """Return 0 below 0, 1 above 1, and a smooth step between them."""
    values = values.clamp(0, 1)
    return values.square().mul_(values.mul_(-2).add_(3))


def _lower_to_largest_yet(slices, seen):
    """Lower slices, in place, to the largest of all that were seen before."""
    largest = seen[0]
    for one, next_one in zip(slices, seen, strict=True):
        largest = torch.maximum(largest, next_one)
        torch.minimum(one, largest, out=one)


def _opened(dark, spacing_mm):
    """Return what is dark in a box that is thicker than the skull."""
    opened = dark
    for extreme in (torch.minimum, torch.maximum):
        for axis, mm in enumerate(spacing_mm):
            for _ in range(round(_SKULL_MM / 2 / mm)):
                opened = _over_neighbours(opened, axis, extreme)
    return opened


def _over_neighbours(values, axis, extreme):
    """Return the extreme of each value and of those beside it along an axis."""
    n = values.shape[axis] - 1
    result = values.clone()
    for to, start in ((0, 1), (1, 0)):
        part = result.narrow(axis, to, n)
        part.copy_(extreme(part, values.narrow(axis, start, n)))
    return result
