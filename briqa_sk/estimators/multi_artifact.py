"""Grade several artifacts."""

from numbers import Integral

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, ClassifierMixin, MultiOutputMixin
from sklearn.utils.validation import check_consistent_length, check_is_fitted

from briqa_sk.estimators._artifacts import (
    as_grade_table,
    is_one_artifact,
    macro_f1,
    match_artifacts,
    rated_grades,
    side_by_side,
)
from briqa_sk.estimators._fitting import ArtifactFitting
from briqa_sk.estimators._metadata import warn_once
from briqa_sk.estimators.severity import SeverityClassifier
from briqa_sk.io import as_volumes

ENCODERS = ("separate", "shared")


class MultiArtifactClassifier(
    MultiOutputMixin, ClassifierMixin, ArtifactFitting, BaseEstimator
):
    """Grade the severity of several artifacts from the same volumes.

    One estimator per artifact, each with the network or the loss that suits it, or one
    network with a head per artifact for the price of one artifact. Scans need not be
    rated for every artifact.

    Parameters
    ----------
    estimator : estimator or None, default=None
        What is cloned for each artifact; a Pipeline too. None means
        :class:`SeverityClassifier` with its defaults. Its ``augment`` may return
        ``(Volume, grades)``, with a dict from artifact to grade.
    encoder : {"separate", "shared"}, default="separate"
        One network for each artifact, or one for all. The shared one sees batches
        balanced for each artifact in turn, every head learns from each scan that is
        rated for it, and the loss is the mean over the heads. It needs a
        SeverityClassifier, or a Pipeline that ends in one.
    candidates : list or None, default=None
        Networks and losses, by name or as configurations, and whole estimators. For
        each artifact, the one with the best ``scoring`` in cross-validation within the
        training data is fitted to all of it. Networks and losses replace those of
        ``estimator``. Only with ``encoder="separate"``.
    n_folds : int, default=3
        Folds of this cross-validation, at least 2, stratified by grade. They share no
        subject when ``groups`` are known; otherwise scans are split, with a warning.
    scoring : str or callable, default="f1_macro"
        What candidates are compared by: a scorer, or its name in scikit-learn.
    n_jobs : int or None, default=None
        Processes that fit candidates and artifacts side by side.
    verbose : int, default=0
        1 says whose turn it is before a separate network is fitted.

    Attributes
    ----------
    artifacts_ : list
        Names of the columns of y; "artifact_0" and so on if it had none.
    classes_ : list of ndarray of shape (n_classes,)
        For each artifact, its grades, sorted.
    class_counts_ : list of ndarray of shape (n_classes,)
        For each artifact, number of training scans of each grade.
    estimators_ : list of estimator or None
        For each artifact, what grades it; None where ``shared_`` does. For an artifact
        of one grade it predicts this one.
    shared_ : estimator
        What grades with ``encoder="shared"``, with lists over artifacts.
    selection_ : DataFrame
        With ``candidates``, a row for each artifact and candidate: ``artifact``,
        ``candidate``, the score of each fold (NaN for one that could not be had),
        their ``mean`` over the folds that all candidates have a score of, and whether
        it was ``chosen``. Of equal ones, the first is.
    cv_results_ : dict of list
        The columns of ``selection_``.

    See Also
    --------
    SeverityClassifier : One artifact.

    Notes
    -----
    An artifact of one grade only gets a constant prediction, and one warning names all
    of these. Where candidates cannot be compared in ``n_folds``, because there are
    fewer subjects or scans of a grade, or a score is NaN, fewer folds decide, or the
    first candidate is taken, and one warning names the artifacts.

    Given a 1-D ``y``, it is a classifier of this one artifact: ``classes_`` and
    ``predict_proba`` are arrays and ``predict`` is 1-D, as in scikit-learn's forests.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from briqa_sk.estimators import MultiArtifactClassifier, SeverityClassifier
    >>> X = np.random.default_rng(0).normal(size=(6, 8, 8, 8))
    >>> Y = pd.DataFrame(
    ...     {"Noise": [0, 1, 2, 0, 1, 2], "Zipper": [0, 0, 1, 1, None, None]}
    ... )
    >>> clf = MultiArtifactClassifier(SeverityClassifier(max_epochs=1)).fit(X, Y)
    >>> [proba.shape for proba in clf.predict_proba(X)]
    [(6, 3), (6, 2)]
    >>> pd.DataFrame(clf.predict(X), columns=clf.artifacts_).shape
    (6, 2)
    """

    #: Parameters that prediction does not need; a model file may leave them out.
    _training_only = ("candidates", "scoring")

    def __init__(
        self,
        estimator=None,
        *,
        encoder="separate",
        candidates=None,
        n_folds=3,
        scoring="f1_macro",
        n_jobs=None,
        verbose=0,
    ):
        self.estimator = estimator
        self.encoder = encoder
        self.candidates = candidates
        self.n_folds = n_folds
        self.scoring = scoring
        self.n_jobs = n_jobs
        self.verbose = verbose

    def fit(self, X, y, *, sample_weight=None, groups=None, plane=None):
        """Choose among the candidates, and train.

        Parameters
        ----------
        X : array-like of shape (n_samples, i, j, k), paths, or VolumeSequence
            Volumes.
        y : DataFrame or array-like of shape (n_samples, n_artifacts)
            Severity grades. NaN, None or ``pandas.NA`` is not rated: for that artifact,
            the scan is left out. Rows belong to scans by position.
        sample_weight : array-like of shape (n_samples,) or None, default=None
            How much each scan counts in the loss.
        groups : array-like of shape (n_samples,) or None, default=None
            Subject of each scan. None reads the column ``group`` of a VolumeSequence.
        plane : array-like of shape (n_samples,) or None, default=None
            Scan planes, for a ``SeverityClassifier(plane_head=True)``.

        Returns
        -------
        self : MultiArtifactClassifier
            The fitted classifier.

        Raises
        ------
        ValueError
            If an artifact is not rated in any scan, its grades can't be fitted, or a
            subject is missing.
        TypeError
            If the estimator takes no ``sample_weight`` or ``plane`` and one is given,
            or can't share an encoder.
        """
        self._check_params()
        X = self._check_X(X, reset=True)
        table = as_grade_table(y, caller=type(self).__name__)
        check_consistent_length(X, table)
        artifacts = [rated_grades(table[name]) for name in table.columns]
        metadata = self._check_metadata(
            X, sample_weight=sample_weight, groups=groups, plane=plane
        )
        learns = self._find_learnable(table.columns, artifacts)
        fitted = self._fit_constant(artifacts)
        if learns.any():
            fit = self._fit_shared if self.encoder == "shared" else self._fit_separate
            fit(fitted, X, table, np.flatnonzero(learns), metadata)
        for stale in ("shared_", "cv_results_"):
            vars(self).pop(stale, None)
        vars(self).update(fitted)
        self.artifacts_ = list(table.columns)
        classes = self._ask_each(lambda estimator: estimator.classes_)
        self.classes_ = classes[0] if is_one_artifact(y) else classes
        return self

    def predict_proba(self, X):
        """Probability of each grade of each artifact.

        Parameters
        ----------
        X : array-like of shape (n_samples, i, j, k), paths, or VolumeSequence
            Volumes.

        Returns
        -------
        proba : list of ndarray of shape (n_samples, n_classes)
            One array per artifact; its columns follow its ``classes_``.
        """
        proba = self._ask(X, "predict_proba")
        return proba if isinstance(self.classes_, list) else proba[0]

    def predict(self, X):
        """Most probable grade of each artifact.

        Parameters
        ----------
        X : array-like of shape (n_samples, i, j, k), paths, or VolumeSequence
            Volumes.

        Returns
        -------
        Y : ndarray of shape (n_samples, n_artifacts)
            Grades, in the caller's own labels; columns follow ``artifacts_``.
        """
        table = side_by_side(self._ask(X, "predict"))
        return table if isinstance(self.classes_, list) else table[:, 0]

    def score(self, X, y, sample_weight=None):
        """Macro F1, averaged over the artifacts.

        Parameters
        ----------
        X : array-like of shape (n_samples, i, j, k), paths, or VolumeSequence
            Volumes.
        y : DataFrame or array-like of shape (n_samples, n_artifacts)
            True grades. Columns of a DataFrame are found by name, in any order. Scans
            that are not rated are left out; an artifact that no scan is rated for is
            left out of the mean, with a warning.
        sample_weight : array-like of shape (n_samples,) or None, default=None
            Weight of each scan.

        Returns
        -------
        score : float
            In [0, 1].

        Raises
        ------
        ValueError
            If the artifacts are not those of ``fit``, or no scan is rated.
        """
        check_is_fitted(self)
        caller = type(self).__name__
        table = match_artifacts(y, self.artifacts_, caller=caller)
        check_consistent_length(X, table)
        scores = macro_f1(table, self._ask(X, "predict"), sample_weight)
        unrated = [name for name, score in scores.items() if np.isnan(score)]
        if len(unrated) == len(scores):
            raise ValueError(
                f"{caller}: y must rate at least 1 scan, got none for {unrated}."
            )
        if unrated:
            warn_once(
                f"{caller}: no scan is rated for {unrated}; the score is the mean over "
                "the other artifacts."
            )
        return float(np.nanmean(list(scores.values())))

    @property
    def selection_(self):
        """How the candidates did, and which were chosen."""
        check_is_fitted(self, "cv_results_")
        return pd.DataFrame(self.cv_results_)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = True
        return tags

    @property
    def _estimator(self):
        return SeverityClassifier() if self.estimator is None else self.estimator

    def _check_X(self, X, *, reset):
        return as_volumes(X, caller=type(self).__name__)

    def _check_params(self):
        name = type(self).__name__
        if self.encoder not in ENCODERS:
            raise ValueError(
                f"{name}: encoder must be one of {', '.join(ENCODERS)}, got "
                f"{self.encoder!r}."
            )
        if self.encoder == "shared" and self.candidates is not None:
            raise ValueError(
                f"{name}: candidates must be None with encoder='shared', which has one "
                f"network and one loss for all artifacts, got {self.candidates!r}."
            )
        if not isinstance(self.n_folds, Integral) or self.n_folds < 2:
            raise ValueError(
                f"{name}: n_folds must be a whole number of at least 2, got "
                f"{self.n_folds!r}."
            )

    def _ask(self, X, method):
        check_is_fitted(self)
        X = self._check_X(X, reset=False)
        return self._ask_each(lambda estimator: getattr(estimator, method)(X))
