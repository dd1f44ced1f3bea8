"""Geometric distortion, by off-resonance or by nonlinear gradients."""

import math

import numpy as np
import torch

from briqa_sk.kernels.warping import displace
from briqa_sk.simulation._axes import MIN_VOXELS, acting_axis, draw_axes
from briqa_sk.simulation._base import Artifact

_SLAB = 4  # slices that are displaced at once
_COARSE = 33  # points along each axis on which the largest displacement is found
_N_COSINES = 4  # slowest ones along each axis


class Distortion(Artifact):
    r"""Put signal where the field, not the anatomy, says.

    Position is read from frequency. Where the field is off by :math:`\Delta B_0`, or
    the gradients are not linear, signal is displaced, and stretched or piled up
    [1]_ [2]_: total signal is kept.

    - "b0": a smooth field, highest at one place as above the sinuses, displaces along
      one readout axis.
    - "gradient": displacement grows with the cube of the distance from the isocentre,
      along each axis; the head bulges or shrinks at its ends.

    Stated is the largest displacement within the ellipsoid that fills the field of
    view: its corners, where distortion by gradients is worst, hold no head. A field
    that grows by more than a voxel per voxel, as it may in a field of view of a few
    centimetres, would fold the image, and leaves dark gaps.

    ======== ========= ====================
    Severity Strength  Largest displacement
    ======== ========= ====================
    0        0         none
    1        .15-.35   2.4 to 5.6 mm
    2        .6-1      9.6 to 16 mm
    ======== ========= ====================

    Parameters
    ----------
    displacement_mm : float or None, default=None
        Largest displacement in the ellipsoid. None: 16 mm times the strength.
    kind : {"b0", "gradient"} or None, default=None
        None draws one.
    axis : int or None, default=None
        Axis of displacement. None draws one for "b0"; "gradient" then acts along all.

    References
    ----------
    .. [1] P. Jezzard and R. S. Balaban, "Correction for geometric distortion in echo
       planar images from B0 field variations", Magnetic Resonance in Medicine 34, 1995.
    .. [2] J. Jovicich et al., "Reliability in multi-site structural MRI studies:
       effects of gradient non-linearity correction on phantom and human data",
       NeuroImage 30, 2006.

    Examples
    --------
    >>> from briqa_sk.datasets import make_head_phantom
    >>> from briqa_sk.simulation import Distortion
    >>> distortion = Distortion(displacement_mm=2.0, kind="b0", axis=1)
    >>> distorted = distortion(make_head_phantom(24), random_state=0)
    >>> distorted.history[-1]
    'distortion: displacement_mm=2'
    """

    NAME = "distortion"
    PHYSICAL = "displacement_mm"
    LARGEST = 16.0
    KINDS = ("b0", "gradient")
    RANGES = ((0.0, 0.0), (0.15, 0.35), (0.6, 1.0))

    def __init__(self, displacement_mm=None, kind=None, axis=None):
        self.displacement_mm = displacement_mm
        self.kind = kind
        self.axis = axis

    def _draw(self, displacement_mm, rng):
        axes = draw_axes(self.axis, rng)
        kind = self.KINDS[rng.integers(len(self.KINDS))]
        fields = {"b0": _draw_b0(rng), "gradient": _draw_gradient(rng)}
        kind = self.kind or kind
        return {
            "kind": kind,
            "axes": axes,
            "field": fields[kind],
        }

    def _apply(self, data, parameters, spacing_mm):
        shape = tuple(data.shape)
        axis = acting_axis(parameters["axes"], shape, spacing_mm, caller=self._name)
        size_mm = [n * mm for n, mm in zip(shape, spacing_mm, strict=True)]
        is_gradient = parameters["kind"] == "gradient"
        axes = [axis]
        if is_gradient and len(parameters["axes"]) > 1:
            axes = [axis for axis in range(3) if shape[axis] >= MIN_VOXELS]
        make_field = _gradient_field if is_gradient else _b0_field
        fields = [make_field(parameters["field"], size_mm, axis) for axis in axes]
        scale_mm = parameters["displacement_mm"] / _largest(fields)
        for axis, (core, basis) in zip(axes, fields, strict=True):
            core = core * (scale_mm / spacing_mm[axis])
            _displace_in_slabs(data, core, basis, axis)
        return data


def add_distortion(
    volume, strength, *, spacing_mm=(1.0, 1.0, 1.0), axis=None, random_state=None
):
    """Put signal where the field, not the anatomy, says; see :class:`Distortion`.

    Parameters
    ----------
    volume : Volume, ndarray or Tensor of shape (i, j, k)
        Magnitude image, not negative; left untouched.
    strength : float
        In [0, 1]: largest displacement, as a fraction of 16 mm. 0 returns the voxels
        unchanged.
    spacing_mm : float or tuple of 3 float, default=(1.0, 1.0, 1.0)
        Voxel size of an array or a tensor. A Volume knows its own.
    axis : int or None, default=None
        Axis of displacement. None draws one, or all three.
    random_state : int, Generator, RandomState or None, default=None
        Seed.

    Returns
    -------
    corrupted : Volume, ndarray or Tensor of shape (i, j, k)
        As the input, in float32.
    """
    distortion = Distortion(axis=axis)
    return distortion(
        volume, strength, spacing_mm=spacing_mm, random_state=random_state
    )


def _draw_b0(rng):
    """Return a smooth field: slow cosines over the field of view, and one bump."""
    order = np.indices((_N_COSINES,) * 3).sum(axis=0)
    cosines = rng.normal(size=order.shape) / np.maximum(order, 1)
    cosines[0, 0, 0] = 0  # the scanner tunes to the mean frequency
    return {
        "cosines": (cosines / np.linalg.norm(cosines)).tolist(),
        "bump": float(rng.choice([-1, 1]) * rng.uniform(1.0, 2.0)),
        "centre": rng.uniform(0.25, 0.75, size=3).tolist(),
        "width": rng.uniform(0.12, 0.18, size=3).tolist(),
    }


def _draw_gradient(rng):
    """Return the coefficients of the cubes and the isocentre."""
    sign = rng.choice([-1, 1])
    return {
        "cubes": (sign * rng.uniform(0.6, 1.0, size=3)).tolist(),
        "isocentre": rng.uniform(0.4, 0.6, size=3).tolist(),
    }


def _b0_field(field, size_mm, axis):
    """Return core and basis: the field is a sum of products of 1-D functions."""
    core = np.pad(np.array(field["cosines"]), (0, 1))
    core[-1, -1, -1] = field["bump"]

    def basis(dim, place):
        distance = (place - field["centre"][dim]) / field["width"][dim]
        cosines = [np.cos(math.pi * order * place) for order in range(_N_COSINES)]
        return np.stack([*cosines, np.exp(-(distance**2) / 2)], axis=-1)

    return core, basis


def _gradient_field(field, size_mm, axis):
    core = np.zeros((4, 4, 4))  # of powers 0 to 3
    for dim in range(3):  # u_axis times (u_0^2 + u_1^2 + u_2^2)
        powers = 2 * np.eye(3, dtype=int)[dim] + np.eye(3, dtype=int)[axis]
        core[tuple(powers)] = field["cubes"][axis]

    def basis(dim, place):
        distance = (place - field["isocentre"][dim]) * size_mm[dim] / max(size_mm)
        return distance[..., None] ** np.arange(4)

    return core, basis


def _largest(fields):
    """Return the largest displacement in the ellipsoid, of unscaled fields."""
    place = np.linspace(0, 1, _COARSE)
    square = sum(
        np.einsum("abc,ia,jb,kc->ijk", core, *[basis(dim, place) for dim in range(3)])
        ** 2
        for core, basis in fields
    )
    radius = 2 * place - 1
    distance = radius[:, None, None] ** 2 + radius[:, None] ** 2 + radius**2
    return math.sqrt(square[distance <= 1].max())


def _displace_in_slabs(data, core, basis, axis):
    """Overwrite a volume; core and basis give the displacement in voxels."""
    across = 1 if axis == 0 else 0
    factors = []
    for dim, n in enumerate(data.shape):
        place = np.arange(n + 1) / n if dim == axis else (np.arange(n) + 0.5) / n
        factors.append(torch.from_numpy(basis(dim, place)).to(data.device).float())
    core = torch.from_numpy(core).to(data.device).float()
    slabs = zip(data.split(_SLAB, across), factors[across].split(_SLAB), strict=True)
    for slab, rows in slabs:
        factors[across] = rows
        slab.copy_(displace(slab, _evaluate(core, factors), axis))


def _evaluate(core, factors):
    """Return the sum of products of functions on the grid of their values."""
    lines = core @ factors[2].T  # (a, b, k)
    planes = factors[1] @ lines  # (a, j, k)
    values = factors[0] @ planes.flatten(1)  # (i, j * k)
    return values.view(-1, *planes.shape[1:])
