"""Artifacts by name, in the order in which they arise."""

from briqa_sk._validation import resolve
from briqa_sk.metrics import LISA_ARTIFACTS as LISA_COLUMNS
from briqa_sk.simulation._base import Artifact
from briqa_sk.simulation.banding import Banding
from briqa_sk.simulation.bias_field import BiasField
from briqa_sk.simulation.contrast import Contrast
from briqa_sk.simulation.distortion import Distortion
from briqa_sk.simulation.ghosting import Ghosting
from briqa_sk.simulation.gibbs import GibbsRinging
from briqa_sk.simulation.low_resolution import LowResolution
from briqa_sk.simulation.motion import Motion
from briqa_sk.simulation.noise import Noise
from briqa_sk.simulation.positioning import Positioning
from briqa_sk.simulation.spike import Spike
from briqa_sk.simulation.zipper import Zipper

#: Name -> artifact, in the order of acquisition: what the tissue is, where it lies,
#: how its signal is encoded, what is received along with it.
ARTIFACTS = {
    artifact.NAME: artifact
    for artifact in (
        Contrast(),
        Positioning(),
        Distortion(),
        Banding(),
        BiasField(),
        Motion(),
        Ghosting(),
        LowResolution(),
        GibbsRinging(),
        Zipper(),
        Spike(),
        Noise(),
    )
}

#: The seven of them that the LISA challenge grades, in the order of its tables, where
#: they are written with a capital.
LISA_ARTIFACTS = tuple(name.lower() for name in LISA_COLUMNS)


def resolve_artifact(artifact, *, caller):
    """Return the artifact that a name or an object stands for.

    Parameters
    ----------
    artifact : str or Artifact
        A key of :data:`ARTIFACTS`, or an artifact with parameters of its own, or of a
        class of one's own.
    caller : str
        Opens the error message.

    Returns
    -------
    artifact : Artifact
        A copy, for a name.

    Raises
    ------
    ValueError
        If there is no artifact of this name.
    TypeError
        If it is neither a name nor an artifact.
    """
    artifact = resolve(artifact, ARTIFACTS, caller=caller, parameter="artifact")
    if not isinstance(artifact, Artifact) or None in (artifact.NAME, artifact.PHYSICAL):
        raise TypeError(
            f"{caller}: artifact must be a name, or an Artifact that has a NAME and a "
            f"PHYSICAL, got {artifact!r}."
        )
    return artifact
