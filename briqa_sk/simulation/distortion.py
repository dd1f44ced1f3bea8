"""Geometric distortion, by off-resonance or by nonlinear gradients."""

import math

import numpy as np
import torch

from briqa_sk.kernels.warping import arriving, displace, take_nearest
from briqa_sk.simulation._axes import MIN_VOXELS
from briqa_sk.simulation._base import Artifact
from briqa_sk.simulation._received import settle, split_tissue
from briqa_sk.simulation._roughness import roughness, share_of_texture
from briqa_sk.simulation._tables import normal_like

_SLAB = 4  # slices that are displaced at once
_COARSE = 33  # points along each axis on which the largest displacement is found
_TURNS = (0.15, 1.2)  # until the echo, where displacement varies by 1 mm


class Distortion(Artifact):
    r"""Put signal where the field, not the anatomy, says.

    Position is read from frequency. Where the field is off by :math:`\Delta B_0`, or
    the gradients are not linear, signal is displaced, and stretched or piled up
    [1]_ [2]_: total signal is kept.

    - "b0": the field of the acquisition, which air in sinuses and ears disturbs,
      displaces along the readout axis. Gradient echoes lose signal where it varies
      within a voxel: with :math:`\tau` turns until the echo for each mm of displacement
      d, voxels of size :math:`h_a` keep :math:`\exp(-\pi^2 \tau^2 \sum_a (h_a \,
      \partial_a d)^2 / 6)` of theirs.
    - "gradient": displacement grows with the cube of the distance from the isocentre,
      along each axis; the head bulges or shrinks at its ends.

    Stated is the largest displacement: of "b0" that in the head, but for one part in
    200; of "gradient" that in the ellipsoid that fills the field of view, whose
    corners, where it is worst, hold no head. Where the image would fold, signal of "b0"
    piles up in one line. The noise in the scan keeps its size.

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
        Largest displacement. None: 16 mm times the strength.
    kind : {"b0", "gradient"} or None, default=None
        None draws one.
    axis : int or None, default=None
        Readout axis. None draws it; "gradient" then acts along all.

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
    AXIS = "readout"
    LARGEST = 16.0
    KINDS = ("b0", "gradient")
    RANGES = ((0.0, 0.0), (0.15, 0.35), (0.6, 1.0))

    def __init__(self, displacement_mm=None, kind=None, axis=None):
        self.displacement_mm = displacement_mm
        self.kind = kind
        self.axis = axis

    def _draw(self, displacement_mm, acquisition, rng):
        kind = str(rng.choice(self.KINDS))
        fields = {"b0": _draw_b0(acquisition, rng), "gradient": _draw_gradient(rng)}
        kind = self.kind or kind
        return {"kind": kind, **fields[kind]}

    def _apply(self, data, parameters, scan):
        axis = scan.axis("readout", caller=self._name)
        coarse, texture = split_tissue(data, scan)
        wanted = roughness(coarse, texture, scan)
        fine = [texture]
        if parameters["kind"] == "b0":
            displacement_mm = _b0_displacement(parameters, scan)
            if parameters["turns_per_mm"]:
                fine += [_dephase(coarse, displacement_mm, parameters, scan)]
            _displace(coarse, fine, _by_b0(displacement_mm, scan, axis), axis)
        else:
            moves = _by_gradients(parameters, scan, axis, data.device)
            for along, displacement in moves:
                _displace(coarse, fine, displacement, along)
        share = share_of_texture(coarse, texture, scan, wanted)
        coarse.add_(texture, alpha=share)
        if len(fine) > 1:
            coarse.hypot_(fine[1])
        del texture, fine  # before there are other copies
        return settle(coarse, data, scan)


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
    spacing_mm, axis, random_state
        As in :class:`Distortion` and its call.

    Returns
    -------
    corrupted : Volume, ndarray or Tensor of shape (i, j, k)
        As the input, in float32.
    """
    distortion = Distortion(axis=axis)
    return distortion(
        volume, strength, spacing_mm=spacing_mm, random_state=random_state
    )


def _draw_b0(acquisition, rng):
    """Return the polarity of the readout, and how fast gradient echoes dephase."""
    polarity, low_high = int(rng.choice([-1, 1])), np.log(_TURNS)
    turns = float(np.exp(rng.uniform(*low_high)))
    is_gradient_echo = acquisition["sequence"] == "gradient_echo"
    return {"polarity": polarity, "turns_per_mm": turns if is_gradient_echo else 0.0}


def _draw_gradient(rng):
    """Return the coefficients of the cubes and the isocentre."""
    sign = rng.choice([-1, 1])
    return {
        "cubes": (sign * rng.uniform(0.6, 1.0, size=3)).tolist(),
        "isocentre": rng.uniform(0.4, 0.6, size=3).tolist(),
    }


def _b0_displacement(parameters, scan):
    """Return the displacement of what is in each block, in mm along the readout."""
    ppm = scan.field_map.ppm
    scale_mm = parameters["displacement_mm"] * parameters["polarity"]
    return ppm * (scale_mm / scan.field_map.largest(ppm))


def _by_b0(displacement_mm, scan, axis):
    """Return the displacement in voxels slab by slab."""
    grid = scan.field_map.grid
    blocks = arriving(displacement_mm / grid.spacing_mm[axis], axis)
    voxels = blocks * grid.factors[axis]
    return grid.slabs(voxels, across=_across(axis), borders=axis)


def _by_gradients(parameters, scan, axis, device):
    """Return axes, and their displacement in voxels slab by slab."""
    size_mm = [n * mm for n, mm in zip(scan.shape, scan.spacing_mm, strict=True)]
    axes = [axis]
    if "readout" not in scan.acquisition["given"]:
        axes = [axis for axis in range(3) if scan.shape[axis] >= MIN_VOXELS]
    cores = [_core(parameters["cubes"], axis) for axis in axes]
    centres = parameters["isocentre"]

    def basis(dim, place):
        distance = (place - centres[dim]) * size_mm[dim] / max(size_mm)
        return distance[..., None] ** np.arange(4)

    scale_mm = parameters["displacement_mm"] / _largest(cores, basis)
    return [
        (
            axis,
            _slabs(
                core * scale_mm / scan.spacing_mm[axis], basis, axis, scan.shape, device
            ),
        )
        for axis, core in zip(axes, cores, strict=True)
    ]


def _core(cubes, axis):
    """Return coefficients of powers 0 to 3 of the three coordinates."""
    core = np.zeros((4, 4, 4))
    for dim in range(3):  # u_axis times (u_0^2 + u_1^2 + u_2^2)
        powers = 2 * np.eye(3, dtype=int)[dim] + np.eye(3, dtype=int)[axis]
        core[tuple(powers)] = cubes[axis]
    return core


def _largest(cores, basis):
    """Return the largest displacement in the ellipsoid, of unscaled fields."""
    place = np.linspace(0, 1, _COARSE)
    bases = [basis(dim, place) for dim in range(3)]
    square = sum(
        np.einsum("abc,ia,jb,kc->ijk", core, *bases, optimize=True) ** 2
        for core in cores
    )
    radius = 2 * place - 1
    distance = radius[:, None, None] ** 2 + radius[:, None] ** 2 + radius**2
    return math.sqrt(square[distance <= 1].max())


def _across(axis):
    """Return the axis of slices that hold whole lines along another."""
    return 1 if axis == 0 else 0


def _slabs(core, basis, axis, shape, device):
    """Yield sums of products of functions of the coordinates, a few slices at a time.

    They are at the borders of the voxels along one axis, one more than there are.
    """
    across = _across(axis)
    factors = []
    for dim, n in enumerate(shape):
        place = np.arange(n + 1) / n if dim == axis else (np.arange(n) + 0.5) / n
        factors.append(torch.from_numpy(basis(dim, place)).to(device).float())
    core = torch.from_numpy(core).to(device).float()
    for rows in factors[across].split(_SLAB):
        factors[across] = rows
        planes = factors[1] @ (core @ factors[2].T)  # (a, j, k)
        values = factors[0] @ planes.flatten(1)  # (i, j * k)
        yield values.view(-1, *planes.shape[1:])


def _displace(coarse, fine, displacement, axis):
    """Overwrite tissue with what is displaced, and fine parts with what is moved."""
    start, across = 0, _across(axis)
    for voxels in displacement:
        n = voxels.shape[across]
        slab = coarse.narrow(across, start, n)
        slab.copy_(displace(slab, voxels, axis))
        for part in fine:
            slab = part.narrow(across, start, n)
            slab.copy_(take_nearest(slab, voxels, axis))
        start += n


def _dephase(coarse, displacement_mm, parameters, scan):
    """Weaken tissue in place, and return the noise of the channel out of phase.

    In weak tissue, the magnitude depends on it; in bright tissue, it does not, and none
    is returned where nothing is lost.
    """
    grid = scan.field_map.grid
    square = torch.zeros_like(displacement_mm)
    for axis, mm in enumerate(scan.spacing_mm):
        if displacement_mm.shape[axis] > 1:
            slope = torch.gradient(displacement_mm, dim=axis)[0]
            square.addcmul_(slope, slope, value=(mm / grid.spacing_mm[axis]) ** 2)
    kept = square.mul_(-((math.pi * parameters["turns_per_mm"]) ** 2) / 6).exp_()
    imaginary = torch.empty_like(coarse)
    bits = scan.fresh_bits()
    start = 0
    for part in grid.slabs(kept):
        slab, noise = (x.narrow(0, start, len(part)) for x in (coarse, imaginary))
        noise.copy_(normal_like(part, bits))
        noise.mul_(slab.clamp(0, scan.sigma))  # none in air
        slab *= part
        noise.mul_(part.square_().neg_().add_(1).clamp_(min=0).sqrt_())
        start += len(part)
    return imaginary
