"""How far a copy is from the clean scan, by what looks for which artifact."""

import numpy as np
from scipy import ndimage

from briqa_sk.kernels import signal_levels


def structural_dissimilarity(clean, other, sigma=1.5):
    """Return 1 - SSIM, averaged over all voxels."""
    peak = np.percentile(clean, 99.5)
    c1, c2 = (0.01 * peak) ** 2, (0.03 * peak) ** 2

    def smooth(image):
        return ndimage.gaussian_filter(image, sigma)

    m1, m2 = smooth(clean), smooth(other)
    v1 = smooth(clean**2) - m1**2
    v2 = smooth(other**2) - m2**2
    covariance = smooth(clean * other) - m1 * m2
    ssim = (2 * m1 * m2 + c1) * (2 * covariance + c2)
    ssim /= (m1**2 + m2**2 + c1) * (v1 + v2 + c2)
    return float(1 - ssim.mean())


def air_excess(clean, other):
    """Return the mean signal where there was air, above what was there."""
    air = clean <= signal_levels(clean).floor
    return float(other[air].mean() - clean[air].mean())


def brightest_plane(clean, other):
    """Return the largest mean change of a plane."""
    change = np.abs(other - clean)
    return max(
        float(change.mean(axis=tuple({0, 1, 2} - {axis})).max()) for axis in range(3)
    )


def lost_correlation(clean, other):
    """Return 1 - correlation with the clean scan."""
    return float(1 - np.corrcoef(clean.ravel(), other.ravel())[0, 1])


def gain_spread(clean, other):
    """Return the standard deviation of the local log gain within tissue."""
    tissue = clean > 0.5 * signal_levels(clean).tissue
    before, after = (ndimage.gaussian_filter(x, 2)[tissue] for x in (clean, other))
    return float(np.std(np.log(np.maximum(after / before, 1e-3))))


def lost_contrast(clean, other):
    """Return the loss of the interquartile range in tissue, relative to its mean."""
    tissue = clean > 0.3 * signal_levels(clean).tissue

    def spread(image):
        smooth = ndimage.uniform_filter(image, 3)[tissue]
        return np.subtract(*np.percentile(smooth, [75, 25])) / smooth.mean()

    return float(1 - spread(other) / spread(clean))


def lost_detail(clean, other):
    """Return the relative loss of squared differences between neighbours."""

    def detail(image):
        return sum(float((np.diff(image, axis=axis) ** 2).mean()) for axis in range(3))

    return 1 - detail(other) / detail(clean)


#: What looks for the artifact itself.
OWN_DISTANCE = {
    "noise": air_excess,
    "zipper": brightest_plane,
    "positioning": lost_correlation,
    "banding": gain_spread,
    "motion": air_excess,
    "contrast": lost_contrast,
    "distortion": lost_correlation,
    "ghosting": air_excess,
    "spike": air_excess,
    "bias_field": gain_spread,
    "gibbs_ringing": lost_detail,
    "low_resolution": lost_detail,
}
