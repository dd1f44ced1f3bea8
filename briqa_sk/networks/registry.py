"""Names of the networks."""

from briqa_sk._validation import resolve
from briqa_sk.networks.backbones import BACKBONES
from briqa_sk.networks.frequency import FrequencyFusion
from briqa_sk.networks.slices import POOLINGS, SliceNet

#: Name -> configuration.
NETWORKS = {
    **BACKBONES,
    "fusion": FrequencyFusion(),
    **{f"slices_{pooling}": SliceNet(pooling=pooling) for pooling in POOLINGS},
}


def network_names():
    """Return the names that ``module`` accepts, sorted."""
    return sorted(NETWORKS)


def resolve_network(value, *, caller):
    """Return the configuration that a name or an object stands for.

    Parameters
    ----------
    value : str, NetworkConfig or callable
        A name of :func:`network_names`, or ``(in_channels, n_outputs) -> nn.Module``.
    caller : str
        Opens the error message.

    Returns
    -------
    config : callable
        Builds the network when called.

    Raises
    ------
    ValueError
        If the name is unknown.
    TypeError
        If ``value`` is neither a name nor callable.
    """
    return resolve(value, NETWORKS, caller=caller, parameter="module")
