"""Labels of any type, and the order of the grades that they name."""

import numpy as np
import pandas as pd
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import (
    _check_sample_weight,
    check_consistent_length,
    column_or_1d,
)

from briqa_sk._validation import check_grades, check_groups
from briqa_sk.estimators._dataset import Samples
from briqa_sk.io import VolumeSequence
from briqa_sk.losses import resolve_criterion
from briqa_sk.sampling import resolve_batches


class GradedLabels:
    """Mixin that judges y and learns its grades.

    It sets ``classes_``, sorted as everywhere in scikit-learn, ``grades_``, the same
    from best to worst, and ``class_counts_``. The network sees ranks: 0 is best.
    """

    def _check_y(self, X, y):
        """Return y as an array, and its grades from best to worst."""
        labels = self._check_labels(X, y)
        grades = self._order(y)
        check_classification_targets(labels)
        if len(grades) < 2:
            raise ValueError(
                f"{self._caller}: y must hold at least 2 classes, got 1 class: "
                f"{grades.tolist()[0]!r}. Nothing can be learned from one grade."
            )
        return labels, grades

    def _check_classes(self, classes, first):
        """Return the grades of a call of partial_fit, from best to worst."""
        name = self._caller
        if classes is None and first:
            raise ValueError(
                f"{name}: the first call of partial_fit must name all classes, got "
                "classes=None."
            )
        if classes is None:
            return self.grades_
        grades = self._order(classes)
        if len(grades) < 2 or len(grades) < len(classes):
            raise ValueError(
                f"{name}: classes must name at least 2 grades, each once, got "
                f"{np.asarray(classes).tolist()}."
            )
        if not first and not np.array_equal(grades, self.grades_):
            raise ValueError(
                f"{name}: classes must stay those of the first call, "
                f"{self.grades_.tolist()}, got {grades.tolist()}."
            )
        return grades

    def _is_ordered(self, labels):
        """Whether the grades have an order that means something."""
        dtype = getattr(labels, "dtype", None)
        numeric = np.asarray(labels).dtype.kind in "biuf"
        return self.grades is not None or numeric or getattr(dtype, "ordered", False)

    def _order(self, labels):
        name = self._caller
        criterion = resolve_criterion(self.criterion, caller=name)
        plan = resolve_batches(self.batches, caller=name)
        ordinal = [c for c in (criterion, plan) if getattr(c, "is_ordinal", False)]
        return check_grades(
            labels,
            self.grades,
            ordinal_for=type(ordinal[0]).__name__ if ordinal else None,
            caller=name,
        )

    def _check_labels(self, X, y):
        y = column_or_1d(y, warn=True)
        check_consistent_length(X, y)
        # Whole numbers in an array of objects are whole numbers.
        return pd.Series(y).infer_objects().to_numpy() if y.dtype == object else y

    def _check_labels_among(self, grades, X, y):
        """Return y as an array, all of whose labels are grades."""
        labels = self._check_labels(X, y)
        unknown = np.setdiff1d(labels, grades)
        if unknown.size:
            raise ValueError(
                f"{self._caller}: y must hold the classes {grades.tolist()} only, got "
                f"also {unknown.tolist()}."
            )
        return labels

    def _check_samples(self, X, y, grades, sample_weight, groups, *, keep_counts=False):
        """Set what is learned from the labels, and return all that training needs."""
        weight = self._check_weight(X, sample_weight)
        groups = self._check_groups(X, groups)
        self.grades_ = grades
        self.classes_ = np.unique(grades)
        rank = self._ranks_of(y)
        if not keep_counts:
            self.class_counts_ = np.bincount(rank, minlength=len(grades))
        return Samples(X, y, rank, weight, groups)

    def _check_groups(self, X, groups):
        """Return the subject of each scan, or None if nobody said."""
        if groups is None and isinstance(X, VolumeSequence):
            groups = X.columns.get("group")
        if groups is None:
            return None
        groups = check_groups(groups, caller=self._caller)
        self._check_one_per_scan(groups, "groups", X)
        return groups

    def _check_weight(self, X, sample_weight):
        """Return weights with mean 1, or None."""
        if sample_weight is None:
            return None
        weights = np.asarray(sample_weight)
        if weights.ndim == 1:
            self._check_one_per_scan(weights, "sample_weight", X)
        weight = _check_sample_weight(
            sample_weight, X, dtype=np.float64, ensure_non_negative=True
        )
        if not weight.any():  # newer scikit-learn says so itself
            raise ValueError(
                f"{self._caller}: sample_weight must hold a non-zero number, "
                "got 0 for every sample."
            )
        return weight / weight.mean()

    def _check_one_per_scan(self, values, parameter, X):
        if len(values) != len(X):
            raise ValueError(
                f"{self._caller}: {parameter} must have one value for each of "
                f"the {len(X)} scans, got {len(values)}. Past a sampler that adds "
                "scans, give it as a column of a VolumeSequence."
            )

    def _ranks_of(self, labels):
        """Return the rank of each label; 0 is best."""
        return ranks_of(labels, self.grades_)


def ranks_of(labels, grades):
    """Return the rank of each label among grades from best to worst."""
    order = np.argsort(grades)
    return order[np.searchsorted(grades, labels, sorter=order)]
