"""Scans in, a table of image quality metrics out."""

import joblib
import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from tqdm.auto import tqdm

from briqa_sk.io import Volume, VolumeSequence, as_volumes
from briqa_sk.kernels.quality import METRICS, quality_metrics


class ImageQualityMetrics(TransformerMixin, BaseEstimator):
    """Measure each scan by 59 numbers that follow its artifacts.

    Signal-to-noise and contrast-to-noise ratios, entropy focus, energy in the air,
    ghosts, spectral peaks, lines, bands, position, symmetry and more: MRIQC's
    definitions [1]_ where no segmentation is needed, and an Otsu-type foreground
    elsewhere. A random forest on them is the baseline of this package, which a network
    has to beat. Scans are read one at a time, and nothing is learnt in ``fit``.

    All numbers are finite, do not depend on the scale of the voxels, and count lengths
    in voxels or in shares of the field of view. What cannot be measured, such as the
    air of a scan without any, is 0, and a ratio to nothing is 1e5. Where voxels are
    negative, the 0.1st percentile of the volume becomes 0, so that a standardized scan
    gets its magnitudes back. In a constant volume, all metrics are 0.

    Parameters
    ----------
    n_jobs : int or None, default=None
        Scans that are measured at once, as everywhere in joblib. None means 1.
    verbose : int, default=0
        1 shows a progress bar.

    References
    ----------
    .. [1] O. Esteban et al., "MRIQC: advancing the automatic prediction of image
       quality in MRI from unseen sites", PLOS ONE 12(9), 2017.

    Examples
    --------
    >>> from sklearn.ensemble import RandomForestClassifier
    >>> from sklearn.pipeline import make_pipeline
    >>> from briqa_sk.datasets import make_graded_heads
    >>> from briqa_sk import ImageQualityMetrics
    >>> X, y, _ = make_graded_heads(6, shape=(24, 28, 24), random_state=0)
    >>> metrics = ImageQualityMetrics().set_output(transform="pandas")
    >>> metrics.fit_transform(X)[["snr_dietrich", "efc"]].shape
    (12, 2)
    >>> forest = RandomForestClassifier(class_weight="balanced", random_state=0)
    >>> baseline = make_pipeline(ImageQualityMetrics(), forest).fit(X[:9], y[:9])
    >>> baseline.predict(X[9:]).shape
    (3,)
    """

    def __init__(self, *, n_jobs=None, verbose=0):
        self.n_jobs = n_jobs
        self.verbose = verbose

    def fit(self, X, y=None):
        """Check the input.

        Parameters
        ----------
        X : array-like of shape (n_samples, i, j, k), paths, images or VolumeSequence
            Volumes.
        y : None
            Ignored.

        Returns
        -------
        self : ImageQualityMetrics
            The transformer.
        """
        self._check_X(X, reset=True)
        return self

    def transform(self, X):
        """Measure every scan on its own.

        Parameters
        ----------
        X : array-like of shape (n_samples, i, j, k), paths, images or VolumeSequence
            Volumes, as a scanner stored them; left untouched.

        Returns
        -------
        table : ndarray of shape (n_samples, n_metrics), dtype float64
            Finite numbers, one row per scan in the order of ``X``. After
            ``set_output(transform="pandas")`` a DataFrame with the names of the
            metrics.

        Raises
        ------
        ValueError
            If a volume has NaN or infinite voxels.
        UnreadableVolumeError
            If a file cannot be read; see its ``finding``.
        """
        X = self._check_X(X, reset=False)
        # A slice of a sequence is small to send to a worker, which reads the scan.
        one_each = (X[index : index + 1] for index in range(len(X)))
        rows = joblib.Parallel(n_jobs=self.n_jobs, return_as="generator")(
            joblib.delayed(_measure)(one) for one in one_each
        )
        # None: no bar where nobody watches, as in a log file.
        quiet = None if self.verbose else True
        bar = {"desc": "measure", "unit": "scan", "disable": quiet}
        return np.array(list(tqdm(rows, total=len(X), **bar)))

    def get_feature_names_out(self, input_features=None):
        """Return the names of the metrics, in the order of the columns.

        Parameters
        ----------
        input_features : None
            Ignored: voxels have no names.

        Returns
        -------
        names : ndarray of shape (n_metrics,), dtype object
            The same for all scans.
        """
        return np.array(METRICS, dtype=object)

    def _check_X(self, X, *, reset):
        return as_volumes(X, caller=type(self).__name__)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = True
        tags.requires_fit = False
        tags.transformer_tags.preserves_dtype = []
        return tags


def _measure(one):
    """Return the metrics of the only scan of a sequence or of an array."""
    volume = one[0] if isinstance(one, VolumeSequence) else Volume(one[0])
    if not np.isfinite([volume.data.min(), volume.data.max()]).all():
        raise ValueError(
            "ImageQualityMetrics: a volume must be finite, got NaN or inf in "
            f"{volume.path or 'a scan in memory'}. Fill the voxels, or leave the scan "
            "out."
        )
    return list(quality_metrics(volume.data).values())
