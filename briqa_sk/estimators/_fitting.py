"""One estimator for each artifact, or one for all."""

import sys

import numpy as np
from sklearn.base import clone
from sklearn.utils.parallel import Parallel, delayed
from sklearn.utils.validation import column_or_1d
from tqdm.auto import tqdm

from briqa_sk._validation import check_groups
from briqa_sk.estimators._artifacts import rated_grades
from briqa_sk.estimators._augment import (
    SeparateAugment,
    SharedAugment,
    tell_artifacts,
)
from briqa_sk.estimators._checkpoint import remove_checkpoints
from briqa_sk.estimators._constant import ConstantGrade
from briqa_sk.estimators._metadata import accepted_names, fit_clone, warn_once
from briqa_sk.estimators._plane import UNUSED_PLANE, as_planes, ignores_plane
from briqa_sk.estimators._selection import (
    make_candidates,
    make_folds,
    score_candidates,
    tabulate,
)
from briqa_sk.estimators._shared import share_encoder
from briqa_sk.io import VolumeSequence


class ArtifactFitting:
    """Mixin that fits what a table of grades needs.

    ``_fit_shared`` and ``_fit_separate`` add what they learn to a dict of fitted
    attributes, so that a fit that fails leaves the classifier as it was.
    """

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
        estimator = tell_artifacts(estimator, SharedAugment, artifacts, learned)
        rated = np.flatnonzero(table.notna().any(axis=1))
        shared, warned, kept = fit_clone(
            estimator, X, table.iloc[rated], metadata, rated
        )
        warn_once(*warned)
        remove_checkpoints(kept)
        fitted["shared_"] = shared
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
        told = [
            [
                tell_artifacts(c, SeparateAugment, list(table), {name: grades})
                for c in candidates
            ]
            for name, (_, grades) in artifacts.items()
        ]
        chosen, kept = [own[0] for own in told], []
        if self.candidates is not None:
            chosen, fitted["cv_results_"], kept = self._choose(
                X, artifacts, told, metadata
            )
        results = Parallel(n_jobs=self.n_jobs)(
            delayed(fit_clone)(estimator, X, grades, metadata, rated)
            for estimator, (rated, grades) in zip(
                chosen, self._in_turn(artifacts), strict=True
            )
        )
        warn_once(*(text for _, texts, _ in results for text in texts))
        for number, (estimator, _, more) in zip(learnable, results, strict=True):
            fitted["estimators_"][number] = estimator
            kept += more
        remove_checkpoints(kept)

    def _in_turn(self, artifacts):
        """Yield what each artifact is fitted to; say whose turn it is, if asked to."""
        for number, (name, labels) in enumerate(artifacts.items(), start=1):
            if self.verbose:
                tqdm.write(f"{name} ({number} of {len(artifacts)})", file=sys.stderr)
            yield labels

    def _choose(self, X, artifacts, candidates, metadata):
        """Return the best of each artifact, the table of scores, and checkpoints."""
        folds, problems = self._make_folds(X, artifacts, metadata.get("groups"))
        scores, kept = score_candidates(
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
        return chosen, results, kept

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

    def _ask_each(self, question):
        """Return the answer of what grades each artifact; a shared one has a list."""
        shared = iter(question(self.shared_) if hasattr(self, "shared_") else ())
        return [
            next(shared) if estimator is None else question(estimator)
            for estimator in self.estimators_
        ]
