"""Bias field: a receive coil that does not hear all voxels equally well."""

import math

import numpy as np
import torch
from numpy.polynomial import legendre

from briqa_sk.kernels.levels import thinning
from briqa_sk.simulation._axes import MIN_VOXELS
from briqa_sk.simulation._base import Artifact
from briqa_sk.simulation._coil import DEGREE
from briqa_sk.simulation._received import signal_of

_PERCENTILES = (2, 98)  # of the sensitivity within the head
_FLAT = 1e-9  # a field that varies by less does not vary


class BiasField(Artifact):
    r"""Multiply by a smooth sensitivity of the receive coil.

    The logarithm of the sensitivity is a polynomial of order 3 or less in the position,
    made of Legendre polynomials :math:`P` over the field of view, whose edges are -1
    and 1, as [1]_ models it:

    .. math:: b(x, y, z) \propto \exp \Big( g \sum_{1 \le l + m + n \le 3}
              c_{lmn} P_l(x) P_m(y) P_n(z) \Big)

    The coil is that of the acquisition: most of it is a slope, as from a coil on one
    side of the head. The g follows from the ratio asked for, between the 98th and the
    2nd percentile of b over the voxels of the head, where the root mean square of b is
    1. A coil that hears less of the head hears no less noise, so noise stays as it is.
    Along axes with fewer than 8 voxels, the field is constant.

    ======== ========= ============
    Severity Strength  Ratio
    ======== ========= ============
    0        0         1
    1        .35-.5    1.62 to 2
    2        .7-1      2.64 to 4
    ======== ========= ============

    Parameters
    ----------
    ratio : float or None, default=None
        Between the 98th and the 2nd percentile of the sensitivity within the head, 1
        or more. None: 4 to the power of the strength.

    References
    ----------
    .. [1] K. Van Leemput, F. Maes, D. Vandermeulen and P. Suetens, "Automated
       model-based bias field correction of MR images of the brain", IEEE Transactions
       on Medical Imaging 18, 1999.

    Examples
    --------
    >>> import numpy as np
    >>> from briqa_sk.simulation import BiasField
    >>> field = BiasField(ratio=2.0)(np.ones((17, 17, 17)), random_state=0)
    >>> low, high = np.percentile(field, [2, 98])
    >>> f"{high / low:.2f}"
    '2.00'
    """

    NAME = "bias_field"
    PHYSICAL = "ratio"
    LARGEST = 4.0
    RANGES = ((0.0, 0.0), (0.35, 0.5), (0.7, 1.0))

    def __init__(self, ratio=None):
        self.ratio = ratio

    def _check_params(self):
        super()._check_params()
        if self.ratio is not None and self.ratio < 1:
            raise ValueError(
                f"{self._name}: ratio must be 1 or more, the brighter part over the "
                f"darker, got {self.ratio}."
            )

    def _at(self, strength):
        return self.LARGEST**strength

    def _draw(self, ratio, acquisition, rng):
        return {}

    def _apply(self, data, parameters, scan):
        rows, columns = _log_sensitivity(scan.acquisition["coil"], data.shape)
        thin = thinning(data.shape)
        sample = data[thin].cpu().numpy()
        is_head = sample > scan.levels.floor
        log = np.tensordot(rows[thin[0]], columns[(slice(None), *thin[1:])], 1)[is_head]
        low, high = np.percentile(log, _PERCENTILES) if log.size else (0.0, 0.0)
        if high - low < _FLAT:
            return data
        gain = math.log(parameters["ratio"]) / (high - low)
        mean = math.sqrt(np.exp(2 * gain * log).mean())
        signal = signal_of(data, scan)
        columns = torch.from_numpy(columns).to(data.device, torch.float32).flatten(1)
        rows = torch.from_numpy(gain * rows).to(data.device, torch.float32)
        planes = zip(data.flatten(1), signal.flatten(1), rows, strict=True)
        for plane, tissue, row in planes:
            plane.addcmul_((row @ columns).exp_().div_(mean).sub_(1), tissue)
        return data.abs_()


def add_bias_field(volume, strength, *, spacing_mm=(1.0, 1.0, 1.0), random_state=None):
    """Multiply by a smooth sensitivity of the receive coil; see :class:`BiasField`.

    Parameters
    ----------
    volume : Volume, ndarray or Tensor of shape (i, j, k)
        Magnitude image, not negative; left untouched.
    strength : float
        In [0, 1]: the brighter part of the head is 4 times as bright at 1. 0 returns
        the voxels unchanged.
    spacing_mm, random_state
        As in :class:`BiasField` and its call.

    Returns
    -------
    corrupted : Volume, ndarray or Tensor of shape (i, j, k)
        As the input, in float32.
    """
    return BiasField()(
        volume, strength, spacing_mm=spacing_mm, random_state=random_state
    )


def _log_sensitivity(coil, shape):
    """Return rows (i, l) and columns (l, j, k): their product is the logarithm."""
    main = next((a for a in coil["axes"] if shape[a] >= MIN_VOXELS), coil["axes"][0])
    others = [axis for axis in coil["axes"] if axis != main]
    weights = np.array(coil["coefficients"]).transpose(np.argsort([main, *others]))
    rows, along_j, along_k = (_basis(n) for n in shape)
    return rows, np.einsum("lmn,jm,kn->ljk", weights, along_j, along_k)


def _basis(n_voxels):
    """Return the Legendre polynomials at the voxels of an axis, (n_voxels, 4)."""
    edge = 1 if n_voxels >= MIN_VOXELS else 0
    return legendre.legvander(np.linspace(-edge, edge, n_voxels), DEGREE)
