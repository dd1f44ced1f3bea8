"""One network that grades several artifacts."""

from functools import partial

import numpy as np
from sklearn import get_config
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_consistent_length

from briqa_sk._random import draw_seed
from briqa_sk.estimators._artifacts import rated_grades
from briqa_sk.estimators._dataset import Samples
from briqa_sk.estimators._labels import ranks_of
from briqa_sk.estimators.severity import SeverityClassifier
from briqa_sk.losses.heads import UNRATED
from briqa_sk.sampling import resolve_batches
from briqa_sk.sampling.interleaved import InterleavedBatchSampler


class SharedEncoder(SeverityClassifier):
    """A SeverityClassifier with a head for each artifact.

    Every head is a linear layer on the same features. Batch b is what the batch plan
    of artifact b modulo their number asks for, and every head that has labels there
    learns from it; the loss is the mean over the heads. It has the parameters of
    :class:`SeverityClassifier`, whose lists of one artifact are lists over artifacts:
    ``grades_``, ``classes_`` and ``class_counts_``.
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
        self._check_params()
        with self._all_or_nothing():
            X = self._check_X(X, reset=True)
            check_consistent_length(X, y)
            labels, rank, is_ordered = self._check_table(y)
            samples = Samples(
                X,
                labels,
                rank,
                weight=self._check_weight(X, sample_weight),
                groups=self._check_groups(X, groups),
                is_ordered=is_ordered,
                plane=self._check_plane(X, plane),
            )
            self._fit_net(samples)
        return self

    def predict_proba(self, X):
        """Return the probabilities of each artifact's grades, a list of arrays."""
        pairs = zip(
            self._log_proba_by_rank(X), self.classes_, self.grades_, strict=True
        )
        return [np.exp(log[:, ranks_of(own, order)]) for log, own, order in pairs]

    def predict(self, X):
        """Return the most probable grades of each artifact, a list of arrays."""
        pairs = zip(self.classes_, self.predict_proba(X), strict=True)
        return [classes[proba.argmax(axis=1)] for classes, proba in pairs]

    def _check_table(self, y):
        """Set what is learned from the labels; return them, ranks, who has an order."""
        labels = np.full(y.shape, None, dtype=object)
        rank = np.full(y.shape, UNRATED, dtype=np.int64)
        self.grades_, self.classes_, self.class_counts_ = [], [], []
        is_ordered = []
        for number, name in enumerate(y.columns):
            rated, known = rated_grades(y[name])
            grades = self._order(known)
            labels[rated, number] = np.asarray(known)
            rank[rated, number] = ranks_of(np.asarray(known), grades)
            self.grades_.append(grades)
            self.classes_.append(np.unique(grades))
            self.class_counts_.append(np.bincount(rank[rated, number]))
            is_ordered.append(self._is_ordered(known))
        return labels, rank, is_ordered

    def _orders(self, samples):
        pairs = zip(self.grades_, samples.is_ordered, strict=True)
        return [grades.tolist() if ordered else () for grades, ordered in pairs]

    def _make_batches(self, samples, seed):
        plan = resolve_batches(self.batches, caller=self._caller)
        members = [np.flatnonzero(rank != UNRATED) for rank in samples.rank.T]
        samplers = [
            plan(
                samples.y[rated, number],
                self.batch_size,
                self.grades_[number],
                draw_seed([seed, number]),
            )
            for number, rated in enumerate(members)
        ]
        return InterleavedBatchSampler(samplers, members)

    def _net_options(self):
        return {"callbacks__valid_acc": None}  # skorch's own, for one output

    def _criterion_maker(self):
        config = self._criterion_config()
        makers = [partial(config, counts) for counts in self.class_counts_]
        return self._with_plane_head(makers, [1 / len(makers)] * len(makers))

    def _log_proba_by_rank(self, X):
        X = self._check_X(X, reset=False)
        heads = self.net_.log_proba_of_heads(self._plain_set(Samples.unlabelled(X)))
        return heads[: len(self.grades_)]


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
