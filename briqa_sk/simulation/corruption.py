"""From severities to parameters, and from parameters to a corrupted scan."""

import zlib
from dataclasses import dataclass
from numbers import Integral, Real

import numpy as np

from briqa_sk._random import make_generator
from briqa_sk.simulation.registry import ARTIFACTS


@dataclass(frozen=True)
class Corruption:
    """Apply artifacts whose parameters are drawn already.

    A step for :meth:`briqa_sk.VolumeSequence.map`; caches find its result again.

    Parameters
    ----------
    parameters : dict of str to dict
        Name of each artifact, in the order of acquisition, and its parameters, as
        :meth:`Artifact.draw` returned them or as JSON kept them.

    Examples
    --------
    >>> import numpy as np
    >>> from briqa_sk.simulation import Corruption, Noise
    >>> again = Corruption({"noise": Noise(snr=4.0).draw(random_state=0)})
    >>> bool((again(np.ones((8, 8, 8))) == again(np.ones((8, 8, 8)))).all())
    True
    """

    parameters: dict

    def __call__(self, volume):
        """Return a corrupted copy of a volume.

        Parameters
        ----------
        volume : Volume, ndarray or Tensor of shape (i, j, k)
            Magnitude image; left untouched.

        Returns
        -------
        corrupted : Volume, ndarray or Tensor of shape (i, j, k)
            As the input; the input itself if there is nothing to apply.
        """
        for name, parameters in self.parameters.items():
            volume = ARTIFACTS[name].apply(volume, parameters)
        return volume


@dataclass(frozen=True)
class CorruptionPlan:
    """Which artifacts a scan may get, how strong, and how often.

    Parameters
    ----------
    artifacts : list of Artifact
        In any order.
    ranges : dict of str to sequence of (float, float)
        Strengths of each severity, by the name of the artifact.
    prior : SeverityPrior
        Probabilities of the severities.
    """

    artifacts: list
    ranges: dict
    prior: object

    @property
    def names(self):
        """Names of the artifacts."""
        return [artifact.NAME for artifact in self.artifacts]

    def check(self, *, caller):
        """Raise ``ValueError`` for an artifact given twice or ranges out of order."""
        if len(set(self.names)) != len(self.names) or not self.names:
            raise ValueError(
                f"{caller}: artifacts must name at least one, each once, got "
                f"{self.names}."
            )
        unknown = sorted(set(self.ranges) - set(self.names))
        if unknown:
            raise ValueError(
                f"{caller}: ranges must be of the artifacts {', '.join(self.names)}, "
                f"got also {', '.join(unknown)}."
            )
        for name, ranges in self.ranges.items():
            _check_ranges(name, ranges, caller)

    def check_severities(self, severities, *, caller):
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
                    f"{caller}: severities must be of the artifacts "
                    f"{', '.join(self.names)}, got {name!r}."
                )
            if not isinstance(severity, Integral) or not 0 <= severity < n_severities:
                raise ValueError(
                    f"{caller}: the severity of {name} must be a whole number from 0 "
                    f"to {n_severities - 1}, got {severity!r}."
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
        for artifact in self.artifacts:
            name = artifact.NAME
            rng = make_generator([seed, zlib.crc32(name.encode())])
            low, high = self.ranges[name][severities[name]]
            strengths[name] = float(rng.uniform(low, high))
            if strengths[name] > 0:
                parameters[name] = artifact.draw(strengths[name], random_state=rng)
        return {
            **severities,
            **{f"{name}_strength": value for name, value in strengths.items()},
            "seed": seed,
            "parameters": {n: parameters[n] for n in ARTIFACTS if n in parameters},
        }


def _check_ranges(name, ranges, caller):
    pairs = [np.ravel(pair).tolist() for pair in ranges]
    flat = [value for pair in pairs for value in pair]
    numbers = all(isinstance(v, Real) and 0 <= v <= 1 for v in flat)
    if len(pairs) < 2 or any(len(p) != 2 for p in pairs) or not numbers:
        raise ValueError(
            f"{caller}: ranges of {name} must be at least two pairs of strengths in "
            f"[0, 1], one for each severity, got {ranges!r}."
        )
    if flat != sorted(flat):
        raise ValueError(
            f"{caller}: ranges of {name} must rise with severity and not overlap, got "
            f"{ranges!r}."
        )
