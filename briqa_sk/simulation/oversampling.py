"""Lift rare grades by corrupting clean scans: an imbalanced-learn sampler."""

import numpy as np
import pandas as pd
from imblearn.over_sampling.base import BaseOverSampler
from imblearn.utils import check_target_type
from sklearn.utils.validation import check_consistent_length

from briqa_sk._random import draw_seed, make_generator
from briqa_sk._validation import check_grades
from briqa_sk.io import VolumeSequence, as_volumes
from briqa_sk.simulation._base import Artifact
from briqa_sk.simulation._plan import CorruptionPlan
from briqa_sk.simulation.acquisition import Acquisition
from briqa_sk.simulation.registry import resolve_artifact


class SimulatedArtifactSampler(BaseOverSampler):
    """Make scans of rare grades out of clean ones.

    Where :class:`~imblearn.over_sampling.RandomOverSampler` shows the same few severe
    scans again and again, and SMOTE averages voxels, this corrupts scans of the best
    grade by the physics of one artifact, to the severity that is rare. Each copy has
    its own draw. Given files, nothing is read: a copy is the same file with one step
    more. Put it into :class:`imblearn.pipeline.Pipeline`, before steps that rescale
    intensities; it acts in ``fit`` only, so validation folds stay real.

    Parameters
    ----------
    artifact : str or Artifact, default="motion"
        What the grades are about, by name or as an object.
    sampling_strategy : float, str, dict or callable, default="auto"
        As everywhere in imbalanced-learn; ``"auto"`` lifts all grades to the most
        frequent one. If the best grade is to be lifted itself, its scans are repeated
        as they are.
    ranges : sequence of (float, float) or None, default=None
        Strengths of each grade, from best to worst. None: ``artifact.RANGES``.
    acquisition : Acquisition or None, default=None
        What is known of the acquisition; the rest is drawn, for each copy anew.
    grades : sequence or None, default=None
        All grades from best to worst, as many as there are ranges; text needs it. None:
        the categories of an ordered pandas categorical; numbers 0, 1, 2 ... are
        severities; other numbers rank themselves.
    random_state : int, Generator, RandomState or None, default=None
        Seeds the choice of the sources and the corruptions.

    Attributes
    ----------
    sampling_strategy_ : dict
        Grade -> number of copies made.
    severities_ : dict
        Grade -> severity.
    sample_indices_ : ndarray of shape (n_samples_new,)
        For every scan that came out, the index of the one that went in.
    record_ : DataFrame of shape (n_copies, ...)
        What was done to each copy, as :meth:`ArtifactSimulator.draw` has it; a copy of
        the best grade has no parameters.

    See Also
    --------
    ArtifactSimulator : Corrupts all scans, or training scans anew in each epoch.

    Examples
    --------
    >>> import numpy as np
    >>> from briqa_sk.datasets import make_head_phantom
    >>> from briqa_sk.simulation import SimulatedArtifactSampler
    >>> heads = [make_head_phantom(16, random_state=seed) for seed in range(5)]
    >>> sampler = SimulatedArtifactSampler("noise", random_state=0)
    >>> X, y = sampler.fit_resample(heads, [0, 0, 0, 1, 2])
    >>> y
    [0, 0, 0, 1, 2, 1, 1, 2, 2]
    >>> X[5].history[-1], X[8].history[-1]
    ('noise: snr=10.39', 'noise: snr=2.404')
    """

    _parameter_constraints = {
        **BaseOverSampler._parameter_constraints,
        "artifact": [str, Artifact],
        "ranges": ["array-like", None],
        "acquisition": [Acquisition, None],
        "grades": ["array-like", None],
        "random_state": ["random_state", np.random.Generator],
    }

    def __init__(
        self,
        artifact="motion",
        *,
        sampling_strategy="auto",
        ranges=None,
        acquisition=None,
        grades=None,
        random_state=None,
    ):
        super().__init__(sampling_strategy=sampling_strategy)
        self.artifact = artifact
        self.ranges = ranges
        self.acquisition = acquisition
        self.grades = grades
        self.random_state = random_state

    def fit_resample(self, X, y, **params):
        """Add corrupted copies.

        Parameters
        ----------
        X : array-like of shape (n_samples, i, j, k), paths, or VolumeSequence
            Magnitude images; left untouched.
        y : array-like of shape (n_samples,)
            Grades.
        **params : dict
            Refused: what belongs to each scan must be a column of a VolumeSequence. A
            Pipeline without metadata routing drops them before they come here.

        Returns
        -------
        X_resampled : ndarray of shape (n_samples_new, i, j, k) or VolumeSequence
            First the scans that came in, then the copies; a copy has the columns of
            its source.
        y_resampled : array-like of shape (n_samples_new,)
            Their grades, in the type of ``y``.

        Raises
        ------
        ValueError
            If there is only one grade, no scan of the best grade, or a grade has no
            range.
        TypeError
            If metadata are passed.
        """
        if params:
            raise TypeError(
                f"{type(self).__name__}: metadata of each scan can't pass a sampler, "
                f"because it adds scans, got {', '.join(sorted(params))}. Give them as "
                "columns of a VolumeSequence."
            )
        if isinstance(y, pd.Categorical):  # imbalanced-learn keeps that of a Series
            X, y = super().fit_resample(self._as_volumes(X), pd.Series(y))
            return X, y.array
        return super().fit_resample(self._as_volumes(X), y)

    def _as_volumes(self, X):
        return as_volumes(X, caller=type(self).__name__)

    def _check_X_y(self, X, y):
        grades = self.grades
        if grades is None and getattr(getattr(y, "dtype", None), "ordered", False):
            grades = y.dtype.categories.tolist()
        y, is_one_hot = check_target_type(y, indicate_one_vs_all=True)
        X = self._as_volumes(X)
        check_consistent_length(X, y)
        self.severities_ = self._severities(y, grades)
        return X, np.asarray(y), is_one_hot

    def _fit_resample(self, X, y):
        rng = make_generator(self.random_state)
        clean = np.flatnonzero([self.severities_[grade] == 0 for grade in y])
        sources, grades, rows = [], [], []
        for grade, n_copies in self.sampling_strategy_.items():
            self._check_sources(clean, grade, n_copies)
            sources.extend(_take_turns(clean, n_copies, rng))
            grades.extend([grade] * n_copies)
            rows.extend(
                self._draw(self.severities_[grade], rng) for _ in range(n_copies)
            )
        self.record_ = pd.DataFrame(rows)
        kept = np.arange(len(X))
        self.sample_indices_ = np.concatenate([kept, np.array(sources, dtype=np.intp)])
        y = np.concatenate([y, np.array(grades, dtype=y.dtype)])
        return self._corrupt(X, [row["parameters"] for row in rows]), y

    def _corrupt(self, X, parameters):
        """Return the scans and their copies."""
        plan = self._plan()
        steps = [plan.make_step(drawn) if drawn else None for drawn in parameters]
        steps = [None] * (len(self.sample_indices_) - len(steps)) + steps
        longer = X[self.sample_indices_]
        if isinstance(X, VolumeSequence):
            return longer.map_each(steps)
        for index, step in enumerate(steps):
            if step is not None:
                longer[index] = step(longer[index])
        return longer

    def _draw(self, severity, rng):
        plan = self._plan()
        return plan.draw_row({plan.names[0]: severity}, draw_seed(rng))

    def _plan(self):
        caller = type(self).__name__
        artifact = resolve_artifact(self.artifact, caller=caller)
        ranges = None if self.ranges is None else {artifact.NAME: self.ranges}
        return CorruptionPlan.of(
            [artifact], ranges, acquisition=self.acquisition, caller=caller
        )

    def _severities(self, y, grades):
        """Return grade -> severity, or raise ``ValueError``."""
        caller = type(self).__name__
        (ranges,) = self._plan().ranges.values()
        seen = check_grades(
            y, grades, ordinal_for="the strength of an artifact", caller=caller
        ).tolist()
        order = seen if grades is None else np.asarray(grades).tolist()
        if grades is None and set(seen) <= set(range(len(ranges))):
            order = list(range(len(ranges)))
        if len(order) != len(ranges):
            raise ValueError(
                f"{caller}: grades must be as many as the {len(ranges)} ranges of "
                f"strength, from best to worst, got {order}."
            )
        return {grade: severity for severity, grade in enumerate(order)}

    def _check_sources(self, clean, grade, n_copies):
        if n_copies and not len(clean):
            raise ValueError(
                f"{type(self).__name__}: y must have scans of the best grade to make "
                f"others of, got none, and {n_copies} more wanted of grade {grade!r}."
            )

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = True
        tags.input_tags.sparse = False
        tags.input_tags.dataframe = False
        tags.input_tags.positive_only = True
        tags.sampler_tags.sample_indices = True
        return tags


def _take_turns(candidates, n, rng):
    """Return ``n`` of the candidates; none is taken twice before all were once."""
    if not n:
        return []
    rounds = [rng.permutation(candidates) for _ in range(-(-n // len(candidates)))]
    return np.concatenate(rounds)[:n].tolist()
