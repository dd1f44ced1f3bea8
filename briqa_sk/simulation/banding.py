"""Dark bands: off-resonance in balanced steady state, or the edges of slabs."""

import math

import numpy as np
import torch
from scipy.optimize import brentq

from briqa_sk._validation import check_positive
from briqa_sk.simulation._axes import acting_axis, draw_axes
from briqa_sk.simulation._base import Artifact

_MOST_BANDS = 3
_T1_MS = 1000.0
_LONGEST_REPETITION_MS = 100.0


class Banding(Artifact):
    r"""Draw dark bands perpendicular to an axis.

    Two kinds, told apart by what makes them:

    ``"bssfp"``
        In balanced steady-state free precession, the signal depends on the angle
        :math:`\theta = 2 \pi \, \Delta f \, T_R + \theta_0` of precession per
        repetition [1]_:

        .. math:: M \propto \frac{|1 - E_2 e^{-i \theta}|}{C \cos \theta + D}, \quad
                  C = E_2 (E_1 - 1) (1 + \cos \alpha), \quad
                  D = (1 - E_1 \cos \alpha) - (E_1 - \cos \alpha) E_2^2

        with :math:`E_1 = e^{-T_R / T_1}` and the flip angle :math:`\alpha`. Where the
        field varies by g Hz/mm along the axis, nulls lie :math:`1 / (g \, T_R)` apart.
        A drawn field is bent a little, a given one is linear. :math:`E_2` is the
        coherence between repetitions, what relaxation and spoiling leave of it: 0 has
        no bands, and as it rises they get deeper where they are. It is solved for the
        depth.
    ``"slab"``
        Dark edges between slabs, as in low-field scans: 1 to 3 bands of 4 to 12 mm
        (full width at half depth), raised cosines, at any place.

    Strength scales the depth, the part of the signal that is lost in the centre of the
    deepest band, and the number of bands of kind ``"slab"``. Bands of a lower strength
    stay where they are.

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
        What makes the bands. None draws it, unless one of the next two is given, which
        only ``"bssfp"`` has.
    repetition_time_ms : float or None, default=None
        TR, 100 ms at most. None draws 4 to 8 ms.
    gradient_hz_per_mm : float or None, default=None
        Variation of the field along the axis. None draws nulls 40 to 80 mm apart.
    axis : int or None, default=None
        Axis along which the field varies, perpendicular to the bands; 0, 1 or 2. None
        draws it.

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
    LARGEST = 0.9
    KINDS = ("bssfp", "slab")
    RANGES = ((0.0, 0.0), (0.25, 0.45), (0.75, 1.0))

    def __init__(
        self,
        depth=None,
        kind=None,
        repetition_time_ms=None,
        gradient_hz_per_mm=None,
        axis=None,
    ):
        self.depth = depth
        self.kind = kind
        self.repetition_time_ms = repetition_time_ms
        self.gradient_hz_per_mm = gradient_hz_per_mm
        self.axis = axis

    def _check_params(self):
        super()._check_params()
        if self.depth is not None and self.depth >= 1:
            raise ValueError(f"{self._name}: depth must be below 1, got {self.depth}.")
        for name in ("repetition_time_ms", "gradient_hz_per_mm"):
            if getattr(self, name) is not None:
                check_positive(getattr(self, name), name, caller=self._name)
                self._check_is_bssfp(name)
        if (self.repetition_time_ms or 0) > _LONGEST_REPETITION_MS:
            raise ValueError(
                f"{self._name}: repetition_time_ms must be {_LONGEST_REPETITION_MS:g} "
                f"at most, got {self.repetition_time_ms}. Longer ones have no steady "
                "state with bands."
            )

    def _check_is_bssfp(self, name):
        if self.kind == "slab":
            raise ValueError(
                f"{self._name}: {name} must be None for kind='slab', got "
                f"{getattr(self, name)}. Only kind='bssfp' has one."
            )

    def _draw(self, depth, rng):
        axes = draw_axes(self.axis, rng)
        is_field_given = self.repetition_time_ms or self.gradient_hz_per_mm
        kind = str(rng.choice(self.KINDS))
        kind = "bssfp" if is_field_given else self.kind or kind
        steady_state = _draw_steady_state(
            depth, self.repetition_time_ms, self.gradient_hz_per_mm, rng
        )
        bands = [_draw_band(part, rng) for part in rng.permutation(_MOST_BANDS)]
        bands[0]["relative_depth"] = 1.0
        bands = {"bands": self._first(bands, depth)}
        drawn = steady_state if kind == "bssfp" else bands
        return {"kind": kind, "axes": axes, **drawn}

    def _apply(self, data, parameters, spacing_mm):
        axis = acting_axis(
            parameters["axes"], data.shape, spacing_mm, caller=self._name
        )
        profile = {"bssfp": _steady_state, "slab": _slabs}[parameters["kind"]]
        kept = profile(parameters, data.shape[axis], spacing_mm[axis])
        kept = torch.from_numpy(kept).to(data.device, torch.float32)
        shape = [1, 1, 1]
        shape[axis] = -1
        return data.mul_(kept.view(shape))


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
    spacing_mm : float or tuple of 3 float, default=(1.0, 1.0, 1.0)
        Voxel size of an array or a tensor. A Volume knows its own.
    axis : int or None, default=None
        Axis perpendicular to the bands. None draws it.
    random_state : int, Generator, RandomState or None, default=None
        Seed.

    Returns
    -------
    corrupted : Volume, ndarray or Tensor of shape (i, j, k)
        As the input, in float32.
    """
    return Banding(axis=axis)(
        volume, strength, spacing_mm=spacing_mm, random_state=random_state
    )


def _draw_steady_state(depth, repetition_time_ms, gradient_hz_per_mm, rng):
    """Draw a sequence and a field, and solve the coherence for the depth."""
    drawn_time_ms, distance_mm = rng.uniform(4, 8), rng.uniform(40, 80)
    flip_angle_deg, turns = rng.uniform(40, 70), rng.random()
    bend_per_mm = rng.uniform(-0.001, 0.001)
    time_ms = float(repetition_time_ms or drawn_time_ms)
    recovery, cosine = _recovery(time_ms), math.cos(math.radians(flip_angle_deg))
    return {
        "repetition_time_ms": time_ms,
        "gradient_hz_per_mm": gradient_hz_per_mm or 1000 / (time_ms * distance_mm),
        "bend_per_mm": 0.0 if gradient_hz_per_mm else bend_per_mm,
        "flip_angle_deg": flip_angle_deg,
        "phase_turns": turns,
        "coherence": _solve_coherence(depth, recovery, cosine),
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


def _steady_state(parameters, n_voxels, spacing_mm):
    """Return the part of the signal that is left along the axis."""
    x_mm = (np.arange(n_voxels) - (n_voxels - 1) / 2) * spacing_mm
    hertz = parameters["gradient_hz_per_mm"] * x_mm
    hertz = hertz * (1 + parameters["bend_per_mm"] * x_mm)
    time_ms = parameters["repetition_time_ms"]
    turns = hertz * time_ms / 1000 + parameters["phase_turns"]
    return _freeman_hill(
        np.cos(2 * np.pi * turns),
        parameters["coherence"],
        _recovery(time_ms),
        math.cos(math.radians(parameters["flip_angle_deg"])),
    )


def _draw_band(part, rng):
    """Draw one band in a third of the middle of the field of view."""
    return {
        "position": float(0.2 + 0.6 * (part + rng.uniform(0.1, 0.9)) / _MOST_BANDS),
        "width_mm": float(rng.uniform(4, 12)),
        "relative_depth": float(rng.uniform(0.7, 1)),
    }


def _slabs(parameters, n_voxels, spacing_mm):
    """Return the part of the signal that is left along the axis."""
    kept = np.ones(n_voxels)
    for band in parameters["bands"]:
        # In the middle of a voxel, so that a thick one shows the full depth, too.
        centre = int(band["position"] * n_voxels)
        distance = abs(np.arange(n_voxels) - centre) * spacing_mm / band["width_mm"]
        dip = np.where(distance < 1, 0.5 * (1 + np.cos(np.pi * distance)), 0)
        kept *= 1 - parameters["depth"] * band["relative_depth"] * dip
    return kept
