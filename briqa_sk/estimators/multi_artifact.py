"""Grade several artifacts."""

import sys
from numbers import Integral

import numpy as np
import pandas as pd
from sklearn import get_config
from sklearn.base import BaseEstimator, ClassifierMixin, MultiOutputMixin, clone
from sklearn.pipeline import Pipeline
from sklearn.utils.metaestimators import available_if
from sklearn.utils.parallel import Parallel, delayed
from sklearn.utils.validation import (
    check_consistent_length,
    check_is_fitted,
    column_or_1d,
)
from tqdm.auto import tqdm

from briqa_sk._validation import check_groups
from briqa_sk.estimators.augmentation import (
    SeparateAugment,
    SharedAugment,
    bind_augmentations,
)
from briqa_sk.estimators.checkpoint import remove_checkpoints
from briqa_sk.estimators.grades import (
    GradeEncoder,
    as_grade_table,
    is_one_artifact,
    macro_f1,
    match_artifacts,
    rated_grades,
    side_by_side,
)
from briqa_sk.estimators.planes import (
    PLANES,
    UNUSED_PLANE,
    as_planes,
    ignores_plane,
)
from briqa_sk.estimators.samples import Samples
from briqa_sk.estimators.selection import (
    accepted_names,
    fit_clone,
    make_candidates,
    make_folds,
    score_candidates,
    tabulate,
    warn_once,
)
from briqa_sk.estimators.severity import (
    SeverityClassifier,
    count_classes,
    kept_on_error,
)
from briqa_sk.estimators.trainer import fit_network
from briqa_sk.io import VolumeSequence, as_volumes
from briqa_sk.losses.heads import UNRATED

ENCODERS = ("separate", "shared")


class ConstantGrade(ClassifierMixin, BaseEstimator):
    """Predict one grade for every scan, without a look at it.

    scikit-learn's ``DummyClassifier`` does the same; it keeps part of what it learned
    in private attributes, which a model file does not take along.
    """

    def fit(self, X, y):
        """Remember the only grade of y."""
        encoder = GradeEncoder().fit(y)
        self.classes_, self.grades_ = encoder.classes_, encoder.grades_
        return self

    def predict(self, X):
        """Return the grade, once for each scan."""
        return np.repeat(self.classes_, len(X))

    def predict_proba(self, X):
        """Return ones, (n_samples, 1)."""
        return np.ones((len(X), 1))


class MultiArtifactClassifier(MultiOutputMixin, ClassifierMixin, BaseEstimator):
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
    grades_ : list of ndarray of shape (n_classes,) or None
        For each artifact, its grades from best to worst; None if they have no order, or
        its estimator knows of none.
    class_counts_ : list of ndarray of shape (n_classes,)
        For each artifact, number of training scans of each of its ``classes_``.
    estimators_ : list of estimator or None
        For each artifact, what grades it; None where the shared network does. For an
        artifact of one grade it predicts this one.
    history_ : skorch.history.History
        With ``encoder="shared"``, what happened in each epoch.
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
    #: What a model file takes along beside the public attributes.
    _also_fitted = ("_shared",)

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
        for stale in ("_shared", "cv_results_"):
            vars(self).pop(stale, None)
        vars(self).update(fitted)
        self.artifacts_ = list(table.columns)
        classes = self._apply_each(lambda estimator: estimator.classes_)
        grades = self._apply_each(lambda estimator: _grades_of(estimator))
        is_one = is_one_artifact(y)
        self.classes_ = classes[0] if is_one else classes
        self.grades_ = grades[0] if is_one else grades
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
        proba = self._apply(X, "predict_proba")
        return proba if isinstance(self.classes_, list) else proba[0]

    def decision_function(self, X):
        """Confidence in each grade of each artifact, on a logarithmic scale.

        Parameters
        ----------
        X : array-like of shape (n_samples, i, j, k), paths, or VolumeSequence
            Volumes.

        Returns
        -------
        scores : list of ndarray of shape (n_samples, n_classes) or (n_samples,)
            Log-probabilities of each artifact; of two classes, the log-odds of the
            second.
        """
        log_proba = [_log(proba) for proba in self._apply(X, "predict_proba")]
        scores = [
            log[:, 1] - log[:, 0] if log.shape[1] == 2 else log for log in log_proba
        ]
        return scores if isinstance(self.classes_, list) else scores[0]

    @available_if(lambda self: not ignores_plane(self._estimator))
    def predict_plane(self, X):
        """Most probable scan plane; needs plane heads.

        Parameters
        ----------
        X : array-like of shape (n_samples, i, j, k), paths, or VolumeSequence
            Volumes.

        Returns
        -------
        plane : ndarray of shape (n_samples,)
            "axi", "cor" or "sag"; of several networks, what most of them say.
        """
        check_is_fitted(self)
        X = self._check_X(X, reset=False)
        networks = [getattr(self, "_shared", None), *self.estimators_]
        votes = [
            _predict_plane(network, X)
            for network in networks
            if network is not None and not ignores_plane(network)
        ]
        if not votes:
            raise ValueError(
                f"{type(self).__name__}: predict_plane must have a network with a "
                "plane head, got artifacts of one grade only."
            )
        counts = np.sum([vote[:, None] == PLANES for vote in votes], axis=0)
        return np.array(PLANES)[counts.argmax(axis=1)]

    def predict(self, X):
        """Most probable grade of each artifact.

        Parameters
        ----------
        X : array-like of shape (n_samples, i, j, k), paths, or VolumeSequence
            Volumes.

        Returns
        -------
        Y : ndarray of shape (n_samples, n_artifacts)
            Grades, in the caller's own labels; columns follow ``artifacts_``. Text
            beside numbers makes it an array of objects.
        """
        table = side_by_side(self._apply(X, "predict"))
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
        scores = macro_f1(table, self._apply(X, "predict"), sample_weight)
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
    def history_(self):
        """What happened in each epoch of the shared network."""
        check_is_fitted(self, "_shared")
        return _last_step(self._shared).history_

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

    def set_params(self, **params):
        """Set parameters; a ``prior`` of the estimator reaches what is fitted, too.

        Parameters
        ----------
        **params : dict
            Parameters, such as ``estimator__prior="training"``.

        Returns
        -------
        self : MultiArtifactClassifier
            The classifier.
        """
        super().set_params(**params)
        fitted = [getattr(self, "_shared", None), *getattr(self, "estimators_", ())]
        for name, value in params.items():
            inner = name.removeprefix("estimator__")
            if inner == name or inner.rpartition("__")[2] != "prior":
                continue
            for estimator in fitted:
                if estimator is not None and inner in estimator.get_params():
                    estimator.set_params(**{inner: value})
        return self

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

    def _apply(self, X, method):
        check_is_fitted(self)
        X = self._check_X(X, reset=False)
        return self._apply_each(lambda estimator: getattr(estimator, method)(X))

    def _check_metadata(self, X, **given):
        given["groups"] = check_groups(given["groups"], caller=type(self).__name__)
        metadata = {
            name: as_planes(values) if name == "plane" else column_or_1d(values)
            for name, values in given.items()
            if values is not None
        }
        for name, values in metadata.items():
            if len(values) != len(X):
                raise ValueError(
                    f"{type(self).__name__}: {name} must have one value for each of "
                    f"the {len(X)} scans, got {len(values)}."
                )
        return metadata

    def _check_accepted(self, estimators, metadata):
        """Refuse metadata that would be dropped, and warn of what nobody looks at."""
        for estimator in estimators:
            dropped = {*metadata} - {"groups", *accepted_names(estimator, metadata)}
            if dropped:
                raise TypeError(
                    f"{type(self).__name__}: every estimator must take what is passed "
                    f"to fit, got {sorted(dropped)}, which "
                    f"{type(estimator).__name__} does not take. With metadata routing, "
                    "it and its steps take what they request."
                )
        if "plane" in metadata and all(ignores_plane(e) for e in estimators):
            warn_once(f"{type(self).__name__}: {UNUSED_PLANE}")

    def _find_learnable(self, names, artifacts):
        """Return whether each artifact has more than one grade."""
        n_grades = np.array([len(np.unique(grades)) for _, grades in artifacts])
        if not n_grades.all():
            unrated = [name for name, n in zip(names, n_grades, strict=True) if n == 0]
            raise ValueError(
                f"{type(self).__name__}: every artifact must be rated in some scan, "
                f"got no grade at all for {unrated}. Leave these columns out."
            )
        single = [name for name, n in zip(names, n_grades, strict=True) if n == 1]
        if single:
            warn_once(
                f"{type(self).__name__}: only one class is known of {single}, so it is "
                "what will be predicted for every scan."
            )
        return n_grades > 1

    def _fit_constant(self, artifacts):
        """Return what is known before a network is trained."""
        fitted = {"class_counts_": [], "estimators_": []}
        for _, grades in artifacts:
            counts = np.unique(np.asarray(grades), return_counts=True)[1]
            fitted["class_counts_"].append(counts)
            fitted["estimators_"].append(ConstantGrade().fit(None, grades))
        return fitted

    def _fit_shared(self, fitted, X, table, learnable, metadata):
        estimator = share_encoder(clone(self._estimator), caller=type(self).__name__)
        self._check_accepted([estimator], metadata)
        artifacts, table = list(table), table.iloc[:, learnable]
        learned = {name: rated_grades(table[name])[1] for name in table}
        # Whole numbers must stay so when the rows of their gaps are left out.
        whole = [name for name in table if learned[name].dtype.kind == "i"]
        table = table.astype(dict.fromkeys(whole, "Int64"))
        estimator = bind_augmentations(estimator, SharedAugment, artifacts, learned)
        rated = np.flatnonzero(table.notna().any(axis=1))
        shared, warned, checkpoints = fit_clone(
            estimator, X, table.iloc[rated], metadata, rated
        )
        warn_once(*warned)
        remove_checkpoints(checkpoints)
        fitted["_shared"] = shared
        for number in learnable:
            fitted["estimators_"][number] = None

    def _fit_separate(self, fitted, X, table, learnable, metadata):
        artifacts = {
            table.columns[number]: rated_grades(table.iloc[:, number])
            for number in learnable
        }
        candidates = [self._estimator]
        if self.candidates is not None:
            candidates = make_candidates(
                self._estimator, self.candidates, caller=type(self).__name__
            )
        self._check_accepted(candidates, metadata)
        bound = [
            [
                bind_augmentations(c, SeparateAugment, list(table), {name: grades})
                for c in candidates
            ]
            for name, (_, grades) in artifacts.items()
        ]
        chosen, checkpoints = [own[0] for own in bound], []
        if self.candidates is not None:
            chosen, fitted["cv_results_"], checkpoints = self._choose(
                X, artifacts, bound, metadata
            )
        results = Parallel(n_jobs=self.n_jobs)(
            delayed(fit_clone)(estimator, X, grades, metadata, rated)
            for estimator, (rated, grades) in zip(
                chosen, self._labels_by_artifact(artifacts), strict=True
            )
        )
        warn_once(*(text for _, texts, _ in results for text in texts))
        for number, (estimator, _, more) in zip(learnable, results, strict=True):
            fitted["estimators_"][number] = estimator
            checkpoints += more
        remove_checkpoints(checkpoints)

    def _labels_by_artifact(self, artifacts):
        """Yield what each artifact is fitted to; say whose turn it is, if asked to."""
        for number, (name, labels) in enumerate(artifacts.items(), start=1):
            if self.verbose:
                tqdm.write(f"{name} ({number} of {len(artifacts)})", file=sys.stderr)
            yield labels

    def _choose(self, X, artifacts, candidates, metadata):
        """Return the best of each artifact, the table of scores, and checkpoints."""
        folds, problems = self._make_folds(X, artifacts, metadata.get("groups"))
        scores, checkpoints = score_candidates(
            candidates,
            X,
            list(artifacts.values()),
            metadata,
            folds=folds,
            scoring=self.scoring,
            n_jobs=self.n_jobs,
        )
        labels = [c if isinstance(c, str) else repr(c) for c in self.candidates]
        best, results, more = tabulate(scores, list(artifacts), labels, self.n_folds)
        problems += more
        if problems:
            warn_once(
                f"{type(self).__name__}: candidates are compared as well as the data "
                f"allow: {'; '.join(problems)}."
            )
        chosen = [own[number] for own, number in zip(candidates, best, strict=True)]
        return chosen, results, checkpoints

    def _make_folds(self, X, artifacts, groups):
        if groups is None and isinstance(X, VolumeSequence):
            groups = X.columns.get("group")
            groups = check_groups(groups, caller=type(self).__name__)
        folds, problems = [], []
        if groups is None:
            problems.append(
                "scans of one subject may be in the training and in the test part, "
                "because groups are not known"
            )
        for name, (rated, grades) in artifacts.items():
            own = None if groups is None else groups[rated]
            splits, problem = make_folds(grades, own, self.n_folds)
            folds.append(splits)
            if problem:
                problems.append(f"{name!r} {problem}")
        return folds, problems

    def _apply_each(self, function):
        """Return the answer of what grades each artifact; a shared one has a list."""
        shared = iter(function(self._shared) if hasattr(self, "_shared") else ())
        return [
            next(shared) if estimator is None else function(estimator)
            for estimator in self.estimators_
        ]


class SharedEncoder(SeverityClassifier):
    """A SeverityClassifier with a head for each artifact.

    Every head is a linear layer on the same features. Batch b is what the batch plan
    of artifact b modulo their number asks for, and every head that has labels there
    learns from it; the loss is the mean over the heads. What one artifact has one of,
    it has a list of: ``grades_``, ``classes_``, ``class_counts_``, ``class_prior_`` and
    ``trained_prior_``.
    """

    _caller = "SeverityClassifier"  # the class that the user knows

    def fit(self, X, y, *, sample_weight=None, groups=None, plane=None):
        """Train the network.

        Parameters
        ----------
        X : array-like of shape (n_samples, i, j, k), paths, or VolumeSequence
            Preprocessed volumes.
        y : DataFrame of shape (n_samples, n_artifacts)
            Grades, at least two in each column; NaN where a scan is not rated. Each
            scan is rated at least once.
        sample_weight, groups, plane : array-like of shape (n_samples,) or None
            As for :class:`SeverityClassifier`.

        Returns
        -------
        self : SharedEncoder
            The fitted classifier.
        """
        training = self._check_params()
        with kept_on_error(self):
            X = self._check_X(X, reset=True)
            check_consistent_length(X, y)
            weight = self._check_weight(X, sample_weight)
            groups = self._check_groups(X, groups)
            rank = self._add_plane(X, self._learn_grades(y, weight), plane)
            self._check_prior()
            samples = Samples(X, rank, weight, groups)
            self.net_ = fit_network(
                samples, self._heads(), training, shape=self.volume_shape_
            )
        return self

    def predict_proba(self, X):
        """Return the probabilities of each artifact's grades, a list of arrays."""
        return [np.exp(log_proba) for log_proba in self._log_proba(X)]

    def predict(self, X):
        """Return the most probable grades of each artifact, a list of arrays."""
        pairs = zip(self.classes_, self._log_proba(X), strict=True)
        return [classes[log_proba.argmax(axis=1)] for classes, log_proba in pairs]

    @property
    def trained_prior_(self):
        """The prevalence that each head has learned to speak for."""
        check_is_fitted(self)
        return self._trained_priors()

    def _learn_grades(self, y, weight):
        """Set what is learned from the labels, and return their ranks."""
        rank = np.full(y.shape, UNRATED, dtype=np.int64)
        learned = []
        for number, name in enumerate(y.columns):
            rated, known = rated_grades(y[name])
            encoder, labels = self._fit_encoder(known), np.asarray(known)
            rank[rated, number] = encoder.transform(labels)
            own = None if weight is None else weight[rated]
            counts, share = count_classes(encoder.classes_, labels, own)
            learned.append((encoder.classes_, encoder.grades_, counts, share))
        names = ("classes_", "grades_", "class_counts_", "class_prior_")
        vars(self).update(
            zip(names, map(list, zip(*learned, strict=True)), strict=True)
        )
        return rank

    def _per_artifact(self):
        lists = (self.classes_, self.grades_, self.class_counts_, self.class_prior_)
        return list(zip(*lists, strict=True))


def share_encoder(estimator, *, caller):
    """Return an estimator of one artifact as one of several that share a network.

    Parameters
    ----------
    estimator : SeverityClassifier or Pipeline
        A pipeline must end in a SeverityClassifier.
    caller : str
        Opens the error message.

    Returns
    -------
    shared : SharedEncoder or Pipeline
        Not fitted; it takes a DataFrame as y.

    Raises
    ------
    TypeError
        If it is another estimator.
    """
    if isinstance(estimator, Pipeline):
        name, last = estimator.steps[-1]
        return estimator.set_params(**{name: share_encoder(last, caller=caller)})
    if not isinstance(estimator, SeverityClassifier):
        raise TypeError(
            f"{caller}: encoder='shared' needs a SeverityClassifier, or a Pipeline "
            f"that ends in one, as estimator, got {type(estimator).__name__}."
        )
    names = SeverityClassifier._get_param_names()
    shared = SharedEncoder(**{name: getattr(estimator, name) for name in names})
    if get_config()["enable_metadata_routing"]:
        shared.set_fit_request(**estimator.get_metadata_routing().fit.requests)
    return shared


def _grades_of(estimator):
    """Return the grades from best to worst, or None if it knows of no order."""
    fitted = _last_step(estimator)
    fitted = _last_step(getattr(fitted, "best_estimator_", fitted))
    return getattr(fitted, "grades_", None)


def _last_step(estimator):
    return estimator[-1] if isinstance(estimator, Pipeline) else estimator


def _predict_plane(estimator, X):
    """Return the planes that a network, of a Pipeline its last step, sees in X."""
    if isinstance(estimator, Pipeline):
        X = estimator[:-1].transform(X)
    return _last_step(estimator).predict_plane(X)


def _log(proba):
    with np.errstate(divide="ignore"):
        return np.log(proba)
