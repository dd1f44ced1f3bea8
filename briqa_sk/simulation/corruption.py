"""Apply parameters that are drawn already, from memory or from a table."""

import json
from dataclasses import dataclass

from briqa_sk.io import Volume
from briqa_sk.simulation._base import find_acquisition
from briqa_sk.simulation._voxels import corrupt_voxels, like, private_copy
from briqa_sk.simulation.registry import ARTIFACTS


@dataclass(frozen=True, eq=False)
class Corruption:
    """Apply artifacts whose parameters are drawn already.

    A step for :meth:`briqa_sk.VolumeSequence.map`; caches find its result again.

    Parameters
    ----------
    parameters : dict of str to dict
        Name of each artifact, in the order in which they arise, and its parameters, as
        :meth:`Artifact.draw` returned them or as JSON kept them. Under
        ``"acquisition"``, or among the parameters of each, what they share.
    artifacts : sequence of Artifact, default=()
        Artifacts of one's own among them. Other names are those of :data:`ARTIFACTS`.

    Raises
    ------
    ValueError
        If a name is unknown, or there is no acquisition, or more than one.

    Examples
    --------
    >>> import numpy as np
    >>> from briqa_sk.simulation import Corruption, Noise
    >>> again = Corruption({"noise": Noise(snr=4.0).draw(random_state=0)})
    >>> bool((again(np.ones((8, 8, 8))) == again(np.ones((8, 8, 8)))).all())
    True
    """

    parameters: dict
    artifacts: tuple = ()

    def __post_init__(self):
        known = self._known()
        unknown = [name for name in self._names() if name not in known]
        if unknown:
            raise ValueError(
                f"Corruption: parameters must be of the artifacts {', '.join(known)}, "
                f"got also {', '.join(unknown)}. Give artifacts of your own as objects."
            )
        if self.parameters:
            find_acquisition(self.parameters, caller="Corruption")

    def __call__(self, volume):
        """Return a corrupted copy of a volume.

        Parameters
        ----------
        volume : Volume, ndarray or Tensor of shape (i, j, k)
            Magnitude image, not negative; left untouched.

        Returns
        -------
        corrupted : Volume, ndarray or Tensor of shape (i, j, k)
            As the input, in float32. A Volume comes back as it is if there is nothing
            to apply.

        Raises
        ------
        ValueError
            If the volume is not a 3-D magnitude image, whether or not there is
            something to apply.
        """
        caller = type(self).__name__
        if not self.parameters:
            data = private_copy(volume, caller=caller)
            is_volume = isinstance(volume, Volume)
            return volume if is_volume else like(volume, data, steps=[])
        known = self._known()
        return corrupt_voxels(
            volume,
            [(known[name], self.parameters[name]) for name in self._names()],
            find_acquisition(self.parameters, caller=caller),
            spacing_mm=(1.0, 1.0, 1.0),
            caller=caller,
        )

    def _names(self):
        return [name for name in self.parameters if name != "acquisition"]

    def _known(self):
        return ARTIFACTS | {artifact.NAME: artifact for artifact in self.artifacts}


def read_parameters(record, names, *, caller):
    """Return the parameters of every row of a record, a dict each.

    Parameters
    ----------
    record : DataFrame
        From :meth:`ArtifactSimulator.draw`, or from a table that has the parameters as
        JSON.
    names : list of str
        Artifacts of which it must have the severities, too.
    caller : str
        Opens the error message.

    Returns
    -------
    parameters : list of dict
        From the name of each artifact to its parameters.

    Raises
    ------
    ValueError
        If a column is missing, or the text of a row is not JSON.
    TypeError
        If there is neither a dict nor text.
    """
    missing = [name for name in ["parameters", *names] if name not in record]
    if missing:
        raise ValueError(
            f"{caller}: the record must have the columns of draw, got one without "
            f"{', '.join(missing)}."
        )
    return [_read_row(parameters, caller) for parameters in record["parameters"]]


def _read_row(parameters, caller):
    try:
        read = json.loads(parameters) if isinstance(parameters, str) else parameters
    except json.JSONDecodeError as error:
        raise ValueError(
            f"{caller}: parameters of a record must be dicts, or JSON, got the text "
            f"{parameters!r}. Save tables with parameters.map(json.dumps)."
        ) from error
    if not isinstance(read, dict):
        raise TypeError(
            f"{caller}: parameters of a record must be dicts, or JSON, got {read!r}."
        )
    return read
