"""Give all volumes the histogram landmarks of a training set."""

import numpy as np
from sklearn.utils.validation import check_is_fitted

from briqa_sk.base import VolumeTransformer
from briqa_sk.io import Volume
from briqa_sk.kernels import find_landmarks, map_landmarks
from briqa_sk.preprocessing.intensity import check_out_range


class MatchHistogram(VolumeTransformer):
    """Map intensities so that tissues have the same values in every volume.

    ``fit`` learns where the percentiles of the foreground lie on average, after the
    outermost two were moved to ``out_min`` and ``out_max``; ``transform`` moves the
    percentiles of each volume there, linearly in between [1]_, [2]_. In a sequence,
    one volume at a time is in memory.

    Parameters
    ----------
    percentiles : sequence of float, default=(1, 10, 20, 30, 40, 50, 60, 70, 80, 90, 99)
        Landmarks, increasing, in [0, 100], two at least. Percentiles are those of the
        voxels above Otsu's threshold.
    out_min : float, default=0.0
        Value of the first percentile in the output.
    out_max : float, default=100.0
        Value of the last percentile in the output; more than ``out_min``.

    Attributes
    ----------
    landmarks_ : ndarray of shape (n_percentiles,)
        Values that the percentiles get.

    Notes
    -----
    A volume with a constant foreground has no scale: it teaches nothing in ``fit``,
    and becomes ``out_min`` everywhere in ``transform``. If ``fit`` sees no other
    volume, the landmarks are spread like the percentiles themselves.

    References
    ----------
    .. [1] L. G. Nyul and J. K. Udupa, "On standardizing the MR image intensity
       scale", Magnetic Resonance in Medicine 42, 1999.
    .. [2] L. G. Nyul, J. K. Udupa and X. Zhang, "New variants of a method of MRI scale
       standardization", IEEE Trans. Medical Imaging 19(2), 2000.

    Examples
    --------
    >>> import numpy as np
    >>> from briqa_sk import MatchHistogram
    >>> X = np.random.default_rng(0).gamma(2, size=(4, 8, 8, 8))
    >>> gain = np.array([1.0, 2.0, 5.0, 9.0]).reshape(4, 1, 1, 1)
    >>> match = MatchHistogram().fit(X)
    >>> np.allclose(match.transform(X), match.transform(gain * X), atol=1e-3)
    True
    """

    scales_intensity = True

    def __init__(
        self,
        percentiles=(1, 10, 20, 30, 40, 50, 60, 70, 80, 90, 99),
        out_min=0.0,
        out_max=100.0,
    ):
        self.percentiles = percentiles
        self.out_min = out_min
        self.out_max = out_max

    def fit(self, X, y=None):
        """Learn the standard landmarks.

        Parameters
        ----------
        X : array-like of shape (n_samples, i, j, k), paths, images or VolumeSequence
            Training volumes.
        y : None
            Ignored.

        Returns
        -------
        self : MatchHistogram
            The fitted transformer.
        """
        self._check_params()
        X = self._check_X(X, reset=True)
        scaled = [self._scaled_landmarks(self._voxels(volume)) for volume in X]
        scaled = [landmarks for landmarks in scaled if landmarks is not None]
        percentiles = np.asarray(self.percentiles, float)
        self.landmarks_ = np.mean(scaled or [self._scale(percentiles)], axis=0)
        return self

    def transform(self, X):
        """Move the landmarks of every volume to the standard ones.

        Parameters
        ----------
        X : array-like of shape (n_samples, i, j, k), paths, images or VolumeSequence
            Volumes; left untouched.

        Returns
        -------
        Xt : ndarray of shape (n_samples, i, j, k) or VolumeSequence
            Transformed float32 volumes for an array; a lazy sequence for the others.
        """
        check_is_fitted(self)
        return super().transform(X)

    def _voxels(self, volume):
        if not isinstance(volume, Volume):
            return volume
        self._check_finite(volume)
        return volume.data

    def _scaled_landmarks(self, data):
        landmarks = find_landmarks(data, self.percentiles)
        return self._scale(landmarks) if landmarks[-1] > landmarks[0] else None

    def _scale(self, landmarks):
        fraction = (landmarks - landmarks[0]) / (landmarks[-1] - landmarks[0])
        return self.out_min + (self.out_max - self.out_min) * fraction

    def _check_params(self):
        check_out_range(self)
        percentiles = np.asarray(self.percentiles, float)
        increasing = percentiles.ndim == 1 and (np.diff(percentiles) > 0).all()
        if not increasing or len(percentiles) < 2 or not _in_range(percentiles):
            raise ValueError(
                "MatchHistogram: percentiles must be at least two increasing numbers "
                f"in [0, 100], got {self.percentiles!r}."
            )

    def _transform_volume(self, volume):
        self._check_finite(volume)
        own = find_landmarks(volume.data, self.percentiles)
        data = map_landmarks(volume.data, own, self.landmarks_)
        step = f"MatchHistogram(out_min={self.out_min}, out_max={self.out_max})"
        return volume.derive(data, step=step)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.requires_fit = True
        return tags


def _in_range(percentiles):
    return percentiles[0] >= 0 and percentiles[-1] <= 100
