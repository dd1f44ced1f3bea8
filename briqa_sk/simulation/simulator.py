"""Corrupt scans by artifacts of drawn severity, and keep a record."""

from numbers import Integral

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_non_negative

from briqa_sk._random import draw_seed, make_generator
from briqa_sk.base import VolumeOutputMixin
from briqa_sk.io import VolumeSequence, as_volumes
from briqa_sk.simulation._plan import CorruptionPlan
from briqa_sk.simulation.corruption import read_parameters
from briqa_sk.simulation.priors import LISA_2025, SeverityPrior
from briqa_sk.simulation.registry import LISA_ARTIFACTS


class ArtifactSimulator(VolumeOutputMixin, BaseEstimator):
    """Draw artifacts and their severities, apply them, and record what was done.

    Each scan gets each artifact with the probabilities of its severities; within a
    severity, the strength is uniform. Artifacts are applied in the order in which they
    arise in a scanner: tissue contrast, the position of the head, distortion, signal
    formation, motion, interference, noise. What is drawn does not depend on voxels, so
    the record of a thousand files is there before the first one is read.

    It is a transformer of arrays, Volumes and VolumeSequences, and an augmentation:
    ``SeverityClassifier(augment=ArtifactSimulator(["motion"]))`` corrupts each
    training scan anew in each epoch and raises its grade to the one simulated. There
    it acts before the steps of a pipeline that rescale intensities, such as
    StandardizeIntensity, because the physics needs magnitudes.

    Parameters
    ----------
    artifacts : sequence of str or Artifact, default=None
        Which, by name or with parameters of their own. None: the seven artifacts of
        the LISA challenge. Those of one's own classes are applied last.
    probabilities : SeverityPrior, dict of str to sequence of float, default=None
        For each artifact, the probabilities of severity 0, 1, 2. None: frequencies
        and co-occurrence as in LISA 2025, for its seven artifacts.
    ranges : dict of str to sequence of (float, float), default=None
        For some artifacts, the strengths of each severity, in place of ``RANGES`` of
        the artifact. Any number of severities is possible.
    target : str, list of str or None, default=None
        As an augmentation: the artifact that is graded; a list for a
        :class:`MultiArtifactClassifier`. None: the only one. Others are clutter.
    grades : sequence or None, default=None
        As an augmentation: the labels of severity 0, 1, 2. None: the numbers. Two may
        have the same label: ``[0, 1, 1]``.
    acquisition : Acquisition or None, default=None
        What is known of the acquisition, which all artifacts of a scan share; the rest
        is drawn, for each scan anew.
    random_state : int, Generator, RandomState or None, default=None
        Seed. With an int, every call draws the same.

    Examples
    --------
    >>> from briqa_sk.datasets import make_head_phantom
    >>> from briqa_sk.simulation import ArtifactSimulator
    >>> simulator = ArtifactSimulator(
    ...     ["noise"], probabilities={"noise": (0.5, 0.0, 0.5)}, random_state=0
    ... )
    >>> heads = [make_head_phantom(16, random_state=seed) for seed in range(4)]
    >>> record = simulator.draw(len(heads))
    >>> record["noise"].tolist()
    [2, 2, 0, 2]
    >>> simulator.replay(heads, record)[0].history
    ('T1w phantom', 'noise: snr=2.606')
    """

    #: As an augmentation, act before the steps that rescale intensities.
    needs_magnitude = True

    def __init__(
        self,
        artifacts=None,
        *,
        probabilities=None,
        ranges=None,
        target=None,
        grades=None,
        acquisition=None,
        random_state=None,
    ):
        self.artifacts = artifacts
        self.probabilities = probabilities
        self.ranges = ranges
        self.target = target
        self.grades = grades
        self.acquisition = acquisition
        self.random_state = random_state

    def fit(self, X, y=None):
        """Check the parameters and the input.

        Parameters
        ----------
        X : array-like of shape (n_samples, i, j, k), paths, or VolumeSequence
            Magnitude images.
        y : None
            Ignored.

        Returns
        -------
        self : ArtifactSimulator
            The simulator.
        """
        plan = self._plan()
        plan.check_prior()
        if not (self.target is None and self.grades is None):
            plan.label_severities(self.target, self.grades)
        X = self._check_X(X, reset=True)
        if not isinstance(X, VolumeSequence):
            check_non_negative(
                X,
                "ArtifactSimulator, which needs magnitudes: simulate before "
                "StandardizeIntensity",
            )
        return self

    def draw(self, n_scans, *, random_state=None):
        """Draw severities, strengths and parameters of some scans.

        Parameters
        ----------
        n_scans : int
            How many.
        random_state : int, Generator, RandomState or None, default=None
            Seed; None takes that of the simulator.

        Returns
        -------
        record : DataFrame of n_scans rows
            The severity of each artifact under its name, its ``..._strength``, the
            ``seed`` of the scan, with which :meth:`corrupt` does the same, and
            ``parameters``: a dict from the name of each artifact that acts, in the
            order in which they arise, to its parameters; first of all, if there is
            one, those of the ``acquisition`` that they share. Row i is the same
            whatever the number of scans.
        """
        plan = self._plan()
        plan.check_prior()
        root = draw_seed(self.random_state if random_state is None else random_state)
        rows = []
        for index in range(n_scans):
            seed = draw_seed([root, index])
            severities = plan.draw_severities(make_generator(seed))
            rows.append(plan.draw_row(severities, seed))
        return pd.DataFrame(rows)

    def replay(self, X, record):
        """Corrupt scans as a record says.

        Parameters
        ----------
        X : array-like of shape (n_samples, i, j, k), paths, or VolumeSequence
            Magnitude images; left untouched.
        record : DataFrame of n_samples rows
            From :meth:`draw`, or the columns of one in a table, with the parameters as
            JSON.

        Returns
        -------
        Xt : ndarray of shape (n_samples, i, j, k) or VolumeSequence
            float32 volumes for an array; for the others a lazy sequence, with the
            severity of each artifact as a column.

        Raises
        ------
        ValueError
            If the record does not have one row per scan, or lacks a column.
        """
        plan = self._plan()
        X = self._check_X(X, reset=False)
        if len(record) != len(X):
            raise ValueError(
                "ArtifactSimulator: the record must have one row for each of the "
                f"{len(X)} scans, got {len(record)}."
            )
        parameters = read_parameters(record, plan.names, caller=plan.caller)
        steps = [plan.make_step(drawn) for drawn in parameters]
        if isinstance(X, VolumeSequence):
            severities = {name: record[name].to_numpy() for name in plan.names}
            return X.map_each(steps).with_columns(**severities)
        return np.stack([step(data) for step, data in zip(steps, X, strict=True)])

    def transform(self, X):
        """Draw and corrupt.

        Parameters
        ----------
        X : array-like of shape (n_samples, i, j, k), paths, or VolumeSequence
            Magnitude images; left untouched.

        Returns
        -------
        Xt : ndarray of shape (n_samples, i, j, k) or VolumeSequence
            See :meth:`replay`.
        """
        X = self._check_X(X, reset=False)
        return self.replay(X, self.draw(len(X)))

    def corrupt(self, volume, severities=None, *, random_state=None):
        """Corrupt one scan, to chosen severities.

        Parameters
        ----------
        volume : Volume or ndarray of shape (i, j, k)
            Magnitude image; left untouched.
        severities : dict of str to int or None, default=None
            Severity by artifact; an artifact that is not named stays away. None draws
            them.
        random_state : int, Generator, RandomState or None, default=None
            Seed; None takes that of the simulator. An int is the ``seed`` of the
            record, so that of another record makes the same again.

        Returns
        -------
        corrupted : Volume or ndarray of shape (i, j, k)
            As the input, in float32.
        record : dict
            A row of :meth:`draw`.
        """
        plan = self._plan()
        seed = self.random_state if random_state is None else random_state
        seed = int(seed) if isinstance(seed, Integral) else draw_seed(seed)
        if severities is None:
            plan.check_prior()
            severities = plan.draw_severities(make_generator(seed))
        severities = plan.check_severities(severities)
        row = plan.draw_row(severities, seed)
        return plan.make_step(row["parameters"])(volume), row

    def __call__(self, volume, *, random_state=None):
        """Corrupt a training scan; see ``augment`` of SeverityClassifier.

        Parameters
        ----------
        volume : Volume or ndarray of shape (i, j, k)
            Magnitude image; left untouched.
        random_state : int, Generator, RandomState or None, default=None
            Seed; None takes that of the simulator.

        Returns
        -------
        corrupted : Volume or ndarray of shape (i, j, k)
            As the input, in float32.
        grade : int, or a label of ``grades``
            Severity of the target; for a list as target, a dict of them by name.
        """
        labels = self._plan().label_severities(self.target, self.grades)
        corrupted, record = self.corrupt(volume, random_state=random_state)
        return corrupted, self._as_target(
            {name: own[record[name]] for name, own in labels.items()}
        )

    def possible_grades(self):
        """Return the grades that a training scan may get, for checks before training.

        Returns
        -------
        grades : list
            Those of every severity of the target that has a chance; for a list as
            target, a dict of them by name.

        Raises
        ------
        ValueError
            If the parameters are impossible for an augmentation.
        """
        plan = self._plan()
        plan.check_prior()
        possible = {}
        for name, own in plan.label_severities(self.target, self.grades).items():
            chances = zip(own, plan.prior.counts[name], strict=True)
            possible[name] = [grade for grade, chance in chances if chance > 0]
        return self._as_target(possible)

    def _as_target(self, graded):
        """Return a dict for a list of targets, or what it holds of the only one."""
        is_list = isinstance(self.target, list | tuple)
        return graded if is_list else next(iter(graded.values()))

    def _plan(self):
        artifacts = LISA_ARTIFACTS if self.artifacts is None else self.artifacts
        prior = LISA_2025 if self.probabilities is None else self.probabilities
        if not isinstance(prior, SeverityPrior):
            prior = SeverityPrior(prior)
        return CorruptionPlan.of(
            artifacts,
            self.ranges,
            prior,
            acquisition=self.acquisition,
            caller=type(self).__name__,
        )

    def _check_X(self, X, *, reset):
        return as_volumes(X, caller=type(self).__name__)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = True
        tags.input_tags.positive_only = True
        tags.requires_fit = False
        # What a scan gets depends on its place among the others.
        tags.non_deterministic = True
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags
