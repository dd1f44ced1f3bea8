"""An augmentation of several artifacts, for those who learn some of them."""

from collections.abc import Mapping

import numpy as np
from sklearn.base import BaseEstimator, clone

from briqa_sk.estimators.grades import GradeEncoder
from briqa_sk.estimators.samples import check_augmented
from briqa_sk.estimators.severity import SeverityClassifier

_CALLER = "MultiArtifactClassifier"


class SharedAugment(BaseEstimator):
    """An augmentation of the artifacts of a table, as several heads see it.

    Parameters
    ----------
    augment : callable
        ``augment(volume, random_state=rng)`` returns a Volume, or a Volume and a dict
        from artifact, in any case, to grade. For a table with one column, a grade is
        enough.
    artifacts : list
        Names of all columns of the table.
    learned : list
        Names of those that are learned; the others are clutter.
    """

    def __init__(self, augment, artifacts, learned):
        self.augment = augment
        self.artifacts = artifacts
        self.learned = learned

    @property
    def needs_magnitude(self):
        """Whether to act before the steps that rescale intensities."""
        return getattr(self.augment, "needs_magnitude", False)

    def __call__(self, volume, *, random_state):
        """Return a Volume, or a Volume and what is said of the learned artifacts."""
        result = self.augment(volume, random_state=random_state)
        if not (isinstance(result, tuple) and len(result) == 2):
            return result  # the dataset judges its type
        volume, grades = result
        by_column = self._by_column(grades)
        return self._join(volume, [by_column.get(name) for name in self.learned])

    def possible_grades(self):
        """Return a list for each learned artifact, empty where nothing is said."""
        possible = {}
        if hasattr(self.augment, "possible_grades"):
            possible = self._by_column(self.augment.possible_grades())
        return [possible.get(name, []) for name in self.learned]

    def _join(self, volume, grades):
        return volume, grades

    def _by_column(self, grades):
        """Return what belongs to each column of the table."""
        if not isinstance(grades, Mapping):
            if len(self.artifacts) == 1:
                return {self.artifacts[0]: grades}
            raise TypeError(
                f"{_CALLER}: augment must return a Volume only where several artifacts "
                "are graded, or a Volume and a dict from artifact to grade, got "
                f"{grades!r} in place of the dict. Give ArtifactSimulator a list as "
                "target."
            )
        columns = {str(name).lower(): name for name in self.artifacts}
        named = {str(name).lower(): grade for name, grade in grades.items()}
        is_clear = len(columns) == len(self.artifacts) and len(named) == len(grades)
        if not (is_clear and named.keys() <= columns.keys()):
            raise ValueError(
                f"{_CALLER}: augment must grade columns of y, which differ in more "
                f"than case, {self.artifacts}, got {list(grades)}. Name only these as "
                "target of an ArtifactSimulator; its other artifacts are clutter."
            )
        return {columns[name]: grade for name, grade in named.items()}


class SeparateAugment(SharedAugment):
    """The same, as the estimator of one artifact sees it: ``learned`` is one name."""

    def possible_grades(self):
        """Return those of the artifact."""
        return super().possible_grades()[0]

    def _join(self, volume, grades):
        return volume if grades[0] is None else (volume, grades[0])


def bind_augmentations(estimator, kind, artifacts, learned):
    """Return an estimator whose augmentations know which artifacts are learned.

    Parameters
    ----------
    estimator : estimator
        Left as it is; whatever SeverityClassifier is in it has its ``augment`` looked
        at, also within a Pipeline or a search.
    kind : {SharedAugment, SeparateAugment}
        What the augmentations become.
    artifacts : list
        Names of all columns of the table.
    learned : dict
        Of those that are learned, the grades of the rated scans.

    Returns
    -------
    estimator : estimator
        The same object if nothing augments, otherwise a clone.

    Raises
    ------
    ValueError
        If the augmentation says beforehand that it grades what is no column, or may
        return a grade that its column does not have.
    TypeError
        If it says that it grades one artifact, and the table has several.
    """
    bound = {}
    for name, part in {"": estimator, **estimator.get_params()}.items():
        if isinstance(part, SeverityClassifier) and callable(part.augment):
            _check_possible(part, artifacts, learned)
            key = f"{name}__augment".removeprefix("__")
            bound[key] = kind(part.augment, artifacts, list(learned))
    return clone(estimator).set_params(**bound) if bound else estimator


def _check_possible(classifier, artifacts, learned):
    augment = SharedAugment(classifier.augment, artifacts, list(learned))
    for name, possible in zip(learned, augment.possible_grades(), strict=True):
        known = learned[name]
        grades = np.unique(np.asarray(known)).tolist()
        encoder = GradeEncoder(classifier.grades).fit(known, caller=_CALLER)
        ordered = [] if encoder.grades_ is None else grades
        check_augmented(possible, ordered, caller=f"{_CALLER} for {name!r}")
