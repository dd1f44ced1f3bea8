"""All metrics of one scan."""

import numpy as np

from briqa_sk.kernels.quality.background import background_metrics
from briqa_sk.kernels.quality.head import find_head
from briqa_sk.kernels.quality.histogram import histogram_metrics
from briqa_sk.kernels.quality.noise import noise_metrics
from briqa_sk.kernels.quality.planes import plane_metrics
from briqa_sk.kernels.quality.shape import shape_metrics
from briqa_sk.kernels.quality.sharpness import sharpness_metrics
from briqa_sk.kernels.quality.texture import texture_metrics

_PARTS = (
    noise_metrics,
    histogram_metrics,
    background_metrics,
    sharpness_metrics,
    plane_metrics,
    shape_metrics,
    texture_metrics,
)

#: Names of the metrics, in their order.
METRICS = (
    "snr",
    "snr_foreground",
    "snr_dietrich",
    "cnr",
    "cjv",
    "contrast",
    "contrast_to_residual",
    "residual",
    "residual_tail",
    "residual_air",
    "efc",
    "fber",
    "entropy",
    "skewness",
    "kurtosis",
    "p05",
    "p25",
    "p75",
    "p95",
    "p99",
    "air_median",
    "air_spread",
    "air_p99",
    "air_tail",
    "air_bright",
    "air_uneven",
    "gsr_i",
    "gsr_j",
    "gsr_k",
    "shadow_max",
    "gradient_min",
    "gradient_max",
    "fwhm_min",
    "fwhm_max",
    "fine_min",
    "fine_max",
    "peak_max",
    "line_max",
    "lines_max",
    "band_max",
    "dip_max",
    "offset_min",
    "offset_max",
    "margin",
    "head_share",
    "cut_1",
    "cut_2",
    "cut_3",
    "wrap",
    "elongation_min",
    "elongation_mid",
    "ellipsoid",
    "surface",
    "asymmetry_grid",
    "asymmetry_head",
    "block_iqr",
    "flat_range",
    "local_deviation",
    "nonuniformity",
)


def quality_metrics(data):
    """Measure the quality of one scan.

    Every metric is a finite number that does not depend on the scale of the voxels or
    on how they lie in memory. Lengths count in voxels, or in shares of the field of
    view. What cannot be measured is 0, and a ratio to nothing is 1e5.

    Parameters
    ----------
    data : ndarray of shape (i, j, k)
        Finite voxels, in any units. Negative ones: see :func:`find_head`.

    Returns
    -------
    metrics : dict of str to float
        One for each name of ``METRICS``, in its order. In a constant volume, nothing
        can be measured.
    """
    if np.min(data) == np.max(data):
        return dict.fromkeys(METRICS, 0.0)
    head = find_head(data)
    parts = [measure(head) for measure in _PARTS]
    return {name: value for part in parts for name, value in part.items()}
