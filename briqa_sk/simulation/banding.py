"""Dark bands: off-resonance in balanced steady state, or the edges of slabs."""

import math

import numpy as np
import torch
from scipy.optimize import brentq

from briqa_sk.kernels.noise import smooth_means
from briqa_sk.simulation._base import Artifact
from briqa_sk.simulation._received import signal_of
from briqa_sk.simulation._tables import normal_like

_MOST_BANDS = 3
_TURNS = (1.0, 4.0)  # per repetition, over the field in the head
_RANGE = 4.0  # standard deviations, nearly all of that field; the rest is beside air
_T1_MS = 1000.0
_SMOOTH, _FINE = 0.7, 0.35  # noise in what counts as signal: most of it is slow
_WEAK_SIGMAS = 5.0  # magnitudes that show that they are Rician
_TABLE = 4096  # signals over one turn
_SLAB = 4  # slices at once


class Banding(Artifact):
    r"""Lose signal in dark bands.

    Two kinds, told apart by what makes them:

    ``"bssfp"``
        In balanced steady-state free precession, and in no other sequence, the signal
        depends on the angle :math:`\theta = 2 \pi \, \Delta f \, T_R + \theta_0` of
        precession per repetition [1]_:

        .. math:: M \propto \frac{|1 - E_2 e^{-i \theta}|}{C \cos \theta + D}, \quad
                  C = E_2 (E_1 - 1) (1 + \cos \alpha), \quad
                  D = (1 - E_1 \cos \alpha) - (E_1 - \cos \alpha) E_2^2

        with :math:`E_1 = e^{-T_R / T_1}` and the flip angle :math:`\alpha`. The field
        :math:`\Delta f` is that of the acquisition, so that bands are its contours,
        around sinuses and ears. Over the field in the head, :math:`\theta` makes 1 to 4
        turns, each of which has a null. :math:`E_2` is the coherence between
        repetitions, what relaxation and spoiling leave of it: 0 has no bands, and as it
        rises they get deeper where they are. It is solved for the depth.
    ``"slab"``
        Dark edges between slabs, as in low-field scans, perpendicular to the slice
        axis: 1 to 3 bands of 4 to 12 mm (full width at half depth), raised cosines, at
        any place.

    Strength scales the depth, the part of the signal that is lost in the centre of the
    deepest band, and the number of bands of kind ``"slab"``. Bands of a lower strength
    stay where they are. Noise stays as it is.

    ======== ========= ========= ==========
    Severity Strength  Depth     Slab bands
    ======== ========= ========= ==========
    0        0         0         0
    1        .25-.45   .23-.41   1-2
    2        .75-1     .68-.9    3
    ======== ========= ========= ==========

    Parameters
    ----------
    depth : float or None, default=None
        Signal lost in the centre of the deepest band, as a part of it; below 1. None:
        0.9 times strength.
    kind : {"bssfp", "slab"} or None, default=None
        What makes the bands; ``"bssfp"`` needs an acquisition with
        ``sequence="balanced"``. None: as the sequence of the acquisition has it.
    axis : int or None, default=None
        Slice axis, perpendicular to the bands of kind ``"slab"``; 0, 1 or 2. None draws
        it.

    References
    ----------
    .. [1] R. Freeman and H. D. W. Hill, "Phase and intensity anomalies in Fourier
       transform NMR", Journal of Magnetic Resonance 4, 1971.

    Examples
    --------
    >>> from briqa_sk.datasets import make_head_phantom
    >>> from briqa_sk.simulation import Banding
    >>> banding = Banding(depth=0.8, kind="slab", axis=2)
    >>> banding(make_head_phantom(24), random_state=0).history[-1]
    'banding: depth=0.8'
    """

    NAME = "banding"
    PHYSICAL = "depth"
    AXIS = "slice"
    LARGEST = 0.9
    KINDS = ("bssfp", "slab")
    RANGES = ((0.0, 0.0), (0.25, 0.45), (0.75, 1.0))

    def __init__(self, depth=None, kind=None, axis=None):
        self.depth = depth
        self.kind = kind
        self.axis = axis

    def _needs(self):
        sequence = {"sequence": "balanced"} if self.kind == "bssfp" else {}
        return {**super()._needs(), **sequence}

    def _check_params(self):
        super()._check_params()
        if self.depth is not None and self.depth >= 1:
            raise ValueError(f"{self._name}: depth must be below 1, got {self.depth}.")

    def _draw(self, depth, acquisition, rng):
        sequence = acquisition["sequence"]
        if self.kind == "bssfp" and sequence != "balanced":
            raise ValueError(
                f"{self._name}: kind='bssfp' must have an acquisition with "
                f"sequence='balanced', got {sequence!r}. Draw one with Acquisition."
            )
        kind = self.kind or ("bssfp" if sequence == "balanced" else "slab")
        steady_state = _draw_steady_state(depth, rng)
        bands = [_draw_band(part, rng) for part in rng.permutation(_MOST_BANDS)]
        bands[0]["relative_depth"] = 1.0
        bands = {"bands": self._first(bands, depth)}
        return {"kind": kind, **(steady_state if kind == "bssfp" else bands)}

    def _apply(self, data, parameters, scan):
        if parameters["kind"] == "bssfp":
            _weaken(data, _lost_in_bands(parameters, scan, data.device), scan)
            return data
        axis = scan.axis("slice", caller=self._name, n_least=1)
        lost = _lost_between_slabs(parameters, data.shape[axis], scan.spacing_mm[axis])
        for start, stop in _runs(lost > 0):
            planes = data.narrow(axis, start, stop - start)
            part = torch.from_numpy(lost[start:stop]).to(data.device, torch.float32)
            part = part.view([-1 if dim == axis else 1 for dim in range(3)])
            _weaken(planes, part.expand(planes.shape).split(_SLAB), scan)
        return data


def add_banding(
    volume, strength, *, spacing_mm=(1.0, 1.0, 1.0), axis=None, random_state=None
):
    """Draw dark bands; see :class:`Banding`.

    Parameters
    ----------
    volume : Volume, ndarray or Tensor of shape (i, j, k)
        Magnitude image, not negative; left untouched.
    strength : float
        In [0, 1]: 0.9 of the signal is lost in the centre of the deepest band at 1. 0
        returns the voxels unchanged.
    spacing_mm, axis, random_state
        As in :class:`Banding` and its call.

    Returns
    -------
    corrupted : Volume, ndarray or Tensor of shape (i, j, k)
        As the input, in float32.
    """
    return Banding(axis=axis)(
        volume, strength, spacing_mm=spacing_mm, random_state=random_state
    )


def _draw_steady_state(depth, rng):
    """Draw a sequence, and solve the coherence for the depth."""
    time_ms, flip_angle_deg = rng.uniform(4, 8), rng.uniform(40, 70)
    cosine = math.cos(math.radians(flip_angle_deg))
    return {
        "repetition_time_ms": time_ms,
        "flip_angle_deg": flip_angle_deg,
        "turns": rng.uniform(*_TURNS),
        "phase_turns": rng.random(),
        "coherence": _solve_coherence(depth, _recovery(time_ms), cosine),
    }


def _recovery(repetition_time_ms):
    return math.exp(-repetition_time_ms / _T1_MS)


def _solve_coherence(depth, recovery, cosine):
    """Return the E2 at which the null has the depth."""
    if depth == 0:
        return 0.0
    return brentq(
        lambda coherence: 1 - _freeman_hill(1.0, coherence, recovery, cosine) - depth,
        0.0,
        1 - 1e-9,
    )


def _freeman_hill(cos_theta, coherence, recovery, cosine):
    """Return the signal relative to its largest over all angles.

    Parameters
    ----------
    cos_theta : float or ndarray
        Cosine of the precession per repetition.
    coherence, recovery, cosine : float
        E2, E1 and the cosine of the flip angle.

    Returns
    -------
    signal : float or ndarray
        In [0, 1].
    """
    c = coherence * (recovery - 1) * (1 + cosine)
    d = (1 - recovery * cosine) - (recovery - cosine) * coherence**2

    def signal(u):
        return np.sqrt(1 + coherence**2 - 2 * coherence * u) / (c * u + d)

    if coherence == 0:
        return signal(cos_theta) / signal(0.0)
    # Where the derivative to u = cos(theta) is 0; or at the end, opposite to the null.
    top = np.clip(d / c + (1 + coherence**2) / coherence, -1, 1)
    return signal(cos_theta) / max(signal(top), signal(-1.0))


def _lost_in_bands(parameters, scan, device):
    """Yield the part of the signal that is lost, a few slices at a time."""
    field = scan.field_map
    rate = parameters["turns"] / (_RANGE * field.spread_ppm())
    turns = np.arange(_TABLE + 1) / _TABLE
    table = 1 - _freeman_hill(
        np.cos(2 * np.pi * turns),
        parameters["coherence"],
        _recovery(parameters["repetition_time_ms"]),
        math.cos(math.radians(parameters["flip_angle_deg"])),
    )
    table = torch.from_numpy(table).to(device, torch.float32)
    for ppm in field.grid.slabs(field.ppm * rate + parameters["phase_turns"]):
        part = ppm.sub_(ppm.floor()).mul_(_TABLE).round_().int()
        yield table.index_select(0, part.view(-1)).view(part.shape)


def _draw_band(part, rng):
    """Draw one band in a third of the middle of the field of view."""
    return {
        "position": float(0.2 + 0.6 * (part + rng.uniform(0.1, 0.9)) / _MOST_BANDS),
        "width_mm": float(rng.uniform(4, 12)),
        "relative_depth": float(rng.uniform(0.7, 1)),
    }


def _lost_between_slabs(parameters, n_voxels, spacing_mm):
    """Return the part of the signal that is lost along the axis, (n_voxels,)."""
    kept = np.ones(n_voxels)
    for band in parameters["bands"]:
        # In the middle of a voxel, so that a thick one shows the full depth, too.
        centre = int(band["position"] * n_voxels)
        distance = abs(np.arange(n_voxels) - centre) * spacing_mm / band["width_mm"]
        dip = np.where(distance < 1, 0.5 * (1 + np.cos(np.pi * distance)), 0)
        kept *= 1 - parameters["depth"] * band["relative_depth"] * dip
    return 1 - kept


def _runs(is_in):
    """Return where runs of True start and stop."""
    steps = np.diff(is_in.astype(int), prepend=0, append=0)
    return zip(np.flatnonzero(steps > 0), np.flatnonzero(steps < 0), strict=True)


def _weaken(data, lost, scan):
    """Subtract what is lost of the signal, in place; lost comes in slabs.

    What counts as signal has some noise left. What is lost of it is replaced: with the
    amplitude :math:`(1 - (1 - l)^2)^{1/2}` the variances add up to what they were. What
    remains of the signal may be weak enough to show the noise of the other channel.
    """
    signal = signal_of(data, scan)
    bits = scan.fresh_bits()
    noise = normal_like(data, bits).mul_(scan.sigma)
    noise = smooth_means(noise, scan.fine_axes).mul_(_SMOOTH).add_(noise, alpha=_FINE)
    parts = (part.split(_SLAB) for part in (data, signal, noise))
    for part, slab, tissue, fresh in zip(lost, *parts, strict=True):
        rest = (part * (2 - part)).sqrt_()
        other = normal_like(slab, bits).mul_(scan.sigma)
        fresh.mul_(rest).masked_fill_(tissue == 0, 0)
        slab.sub_(tissue * part).add_(fresh)
        is_weak = (slab < _WEAK_SIGMAS * scan.sigma) & (tissue > 0)
        weak = slab.hypot(other.mul_(rest))
        slab.copy_(torch.where(is_weak, weak, slab.abs()))
