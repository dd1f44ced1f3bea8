"""Which artifacts a scan may get, and from severities to parameters."""

import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from numbers import Integral

import numpy as np

from briqa_sk._random import make_generator
from briqa_sk.simulation.acquisition import Acquisition
from briqa_sk.simulation.corruption import Corruption
from briqa_sk.simulation.registry import ARTIFACTS, resolve_artifact


@dataclass(frozen=True)
class CorruptionPlan:
    """Which artifacts a scan may get, how strong, and how often.

    Parameters
    ----------
    artifacts : list of Artifact
        In any order.
    ranges : dict of str to sequence of (float, float)
        Strengths of each severity, by the name of the artifact.
    prior : SeverityPrior or None
        Probabilities of the severities; None if they are not drawn.
    acquisition : Acquisition
        Of each scan, with all that the artifacts need.
    caller : str
        Opens the error messages.
    """

    artifacts: list
    ranges: dict
    prior: object
    acquisition: object
    caller: str

    @classmethod
    def of(cls, artifacts, ranges, prior=None, *, acquisition=None, caller):
        """Make a plan of what a user gave.

        Parameters
        ----------
        artifacts : sequence of str or Artifact
            Which, each once.
        ranges : dict of str to sequence of (float, float) or None
            Strengths of some artifacts; others have their own ``RANGES``.
        prior : SeverityPrior or None, default=None
            See :meth:`check_prior`.
        acquisition : Acquisition or None, default=None
            What is known of it; None draws all that the artifacts leave open.
        caller : str
            Opens the error messages.

        Returns
        -------
        plan : CorruptionPlan
            Everything but the prior is checked.

        Raises
        ------
        ValueError
            If an artifact is unknown, is given twice or has impossible parameters,
            ranges are out of order, or artifacts contradict the acquisition.
        TypeError
            If there is no sequence of artifacts, no dict of ranges, or no Acquisition.
        """
        if isinstance(artifacts, str) or not isinstance(artifacts, Iterable):
            raise TypeError(
                f"{caller}: artifacts must be a sequence of names or artifacts, got "
                f"{artifacts!r}. Put it in a list."
            )
        if not isinstance(ranges, Mapping | None):
            raise TypeError(
                f"{caller}: ranges must be a dict from the name of an artifact to "
                f"pairs of strengths, got {ranges!r}."
            )
        artifacts = [
            resolve_artifact(artifact, caller=caller) for artifact in artifacts
        ]
        default = {artifact.NAME: artifact.RANGES for artifact in artifacts}
        ranges = default | dict(ranges or {})
        acquisition = _shared_acquisition(acquisition, artifacts, caller)
        plan = cls(artifacts, ranges, prior, acquisition, caller)
        plan._check()
        return plan

    @property
    def names(self):
        """Names of the artifacts."""
        return [artifact.NAME for artifact in self.artifacts]

    def _check(self):
        if len(set(self.names)) != len(self.names) or not self.names:
            raise ValueError(
                f"{self.caller}: artifacts must name at least one, each once, got "
                f"{self.names}."
            )
        for artifact in self.artifacts:
            artifact.check_takes_strength(caller=self.caller)
        unknown = sorted(set(self.ranges) - set(self.names))
        if unknown:
            raise ValueError(
                f"{self.caller}: ranges must be of the artifacts "
                f"{', '.join(self.names)}, got also {', '.join(unknown)}."
            )
        for name, ranges in self.ranges.items():
            _check_ranges(name, ranges, self.caller)

    def check_prior(self):
        """Raise ``ValueError`` unless each severity has its probability."""
        counts = self.prior.counts
        missing = [name for name in self.names if name not in counts]
        if missing:
            raise ValueError(
                f"{self.caller}: probabilities must be given for every artifact, got "
                f"none for {', '.join(missing)}. Give a dict that has them."
            )
        for name in self.names:
            if len(counts[name]) != len(self.ranges[name]):
                raise ValueError(
                    f"{self.caller}: probabilities of {name} must be "
                    f"{len(self.ranges[name])}, one for each severity, got "
                    f"{len(counts[name])}: {counts[name]!r}."
                )

    def label_severities(self, target, grades):
        """Return a label for each severity of each artifact that is graded.

        Parameters
        ----------
        target : str, list or tuple of str, or None
            Which; None is the only one.
        grades : sequence or None
            The labels; None are the numbers.

        Returns
        -------
        labels : dict of str to list
            By name.

        Raises
        ------
        ValueError
            If it can't be told what is graded, or labels are too few or too many.
        """
        if target is None and len(self.names) == 1:
            target = self.names[0]
        graded = list(target) if isinstance(target, list | tuple) else [target]
        if not graded or any(name not in self.names for name in graded):
            raise ValueError(
                f"{self.caller}: target must name the artifact that is graded, one of "
                f"{', '.join(self.names)}, or be a list of several for a "
                f"MultiArtifactClassifier, got {target!r}."
            )
        return {name: self._labels_of(name, grades) for name in graded}

    def _labels_of(self, name, grades):
        n_severities = len(self.ranges[name])
        labels = list(range(n_severities) if grades is None else grades)
        if len(labels) != n_severities:
            raise ValueError(
                f"{self.caller}: grades must be {n_severities}, one for each severity "
                f"of {name}, got {len(labels)}: {labels}."
            )
        return labels

    def check_severities(self, severities):
        """Return the severity of every artifact, 0 for those not named.

        Raises
        ------
        ValueError
            If an artifact or a severity does not exist.
        """
        for name, severity in severities.items():
            n_severities = len(self.ranges.get(name, ()))
            if not n_severities:
                raise ValueError(
                    f"{self.caller}: severities must be of the artifacts "
                    f"{', '.join(self.names)}, got {name!r}."
                )
            if not isinstance(severity, Integral) or not 0 <= severity < n_severities:
                raise ValueError(
                    f"{self.caller}: the severity of {name} must be a whole number "
                    f"from 0 to {n_severities - 1}, got {severity!r}."
                )
        return {name: int(severities.get(name, 0)) for name in self.names}

    def draw_severities(self, rng):
        """Return a severity for every artifact."""
        drawn = self.prior.draw(1, self.names, rng)[0]
        return dict(zip(self.names, drawn.tolist(), strict=True))

    def draw_row(self, severities, seed):
        """Return the record of one scan.

        Parameters
        ----------
        severities : dict of str to int
            Of every artifact.
        seed : int
            Of the scan. Each artifact has its own stream, so that adding one leaves
            the others as they are.

        Returns
        -------
        row : dict
            See :meth:`ArtifactSimulator.draw`.
        """
        strengths, parameters = {}, {}
        acquisition = self.acquisition.draw(
            random_state=make_generator([seed, zlib.crc32(b"acquisition")])
        )
        for artifact in self.artifacts:
            name = artifact.NAME
            rng = make_generator([seed, zlib.crc32(name.encode())])
            low, high = self.ranges[name][severities[name]]
            strengths[name] = float(rng.uniform(low, high))
            if strengths[name] > 0:
                parameters[name] = artifact.draw(
                    strengths[name], acquisition=acquisition, random_state=rng
                )
                parameters["acquisition"] = parameters[name].pop("acquisition")
        # One's own artifacts come last.
        order = dict.fromkeys(["acquisition", *ARTIFACTS, *self.names])
        return {
            **severities,
            **{f"{name}_strength": value for name, value in strengths.items()},
            "seed": seed,
            "parameters": {n: parameters[n] for n in order if n in parameters},
        }

    def make_step(self, parameters):
        """Return what applies drawn parameters."""
        own = [
            artifact
            for artifact in self.artifacts
            if artifact.NAME in parameters
            and type(artifact) is not type(ARTIFACTS.get(artifact.NAME))
        ]
        return Corruption(parameters, tuple(own))


def _shared_acquisition(acquisition, artifacts, caller):
    """Return an acquisition that also has what the artifacts need."""
    acquisition = Acquisition() if acquisition is None else acquisition
    if not isinstance(acquisition, Acquisition):
        raise TypeError(
            f"{caller}: acquisition must be an Acquisition, or None, got "
            f"{acquisition!r}."
        )
    for artifact in artifacts:
        acquisition = acquisition.with_needs(
            artifact._needs(), name=artifact.NAME, caller=caller
        )
    return acquisition


def _check_ranges(name, ranges, caller):
    try:
        pairs = np.asarray(ranges)
    except ValueError:  # pairs of different lengths
        pairs = np.empty(0)
    are_pairs = pairs.ndim == 2 and pairs.shape[1] == 2 and len(pairs) >= 2
    if not are_pairs or pairs.dtype.kind not in "iuf" or not _are_strengths(pairs):
        raise ValueError(
            f"{caller}: ranges of {name} must be at least two pairs of strengths in "
            f"[0, 1], one for each severity, got {ranges!r}."
        )
    if (np.diff(pairs.ravel()) < 0).any():
        raise ValueError(
            f"{caller}: ranges of {name} must rise with severity and not overlap, got "
            f"{ranges!r}."
        )


def _are_strengths(values):
    return ((values >= 0) & (values <= 1)).all()
