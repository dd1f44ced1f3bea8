"""What the grey levels alone tell."""

import math

import numpy as np

from briqa_sk.kernels.quality.sample import ratio, sample

_PERCENTILES = {"p05": 5, "p25": 25, "p75": 75, "p95": 95, "p99": 99}
_N_BINS = 64


def histogram_metrics(head):
    """Measure focus, energy in tissue and air, entropy and percentiles.

    Parameters
    ----------
    head : HeadAndAir
        A scan.

    Returns
    -------
    metrics : dict of str to float
        See the user guide.
    """
    foreground = sample(head.data[head.foreground])
    air = sample(head.data[head.air])
    levels = np.percentile(foreground, list(_PERCENTILES.values()))
    centred = foreground - foreground.mean(dtype=np.float64)
    deviation = centred.std()
    air_energy = np.median(air) ** 2 if air.size else 0.0
    standard = centred / deviation if deviation > 0 else centred
    return {
        "efc": entropy_focus(head.data),
        "fber": ratio(np.median(foreground) ** 2, air_energy),
        "entropy": histogram_entropy(foreground),
        "skewness": float((standard * standard * standard).mean()),
        "kurtosis": float(np.square(np.square(standard)).mean()),
        **{name: float(v) for name, v in zip(_PERCENTILES, levels, strict=True)},
    }


def entropy_focus(data):
    r"""Return the entropy focus criterion of voxels that are not negative.

    :math:`\sum_j p_j \ln p_j / (\sqrt{N} \ln (1 / \sqrt{N}))` with
    :math:`p_j = x_j / \sqrt{\sum x^2}`, of 2 voxels or more: 1 if all are equal, 0 if
    only one is not 0.
    """
    values = data[data > 0]
    norm = math.sqrt(float(np.square(values).sum(dtype=np.float64)))
    shares = values / np.float32(norm)
    shares = shares[shares > 0]  # what underflows has no logarithm
    total = np.multiply(shares, np.log(shares)).sum(dtype=np.float64)
    root = math.sqrt(data.size)
    return max(0.0, float(total) / (root * math.log(1 / root)))


def histogram_entropy(values):
    """Return the entropy in bits of 64 equal bins from 0 to the 99th percentile.

    0 if all values fall in one bin, 6 if all bins are equally full. Values above the
    last bin count in it.
    """
    top = np.percentile(values, 99) or values.max()
    bins = np.minimum(values * (_N_BINS / top), _N_BINS - 1).astype(np.intp)
    shares = np.bincount(bins) / values.size
    shares = shares[shares > 0]
    return max(0.0, float(-(shares * np.log2(shares)).sum()))
