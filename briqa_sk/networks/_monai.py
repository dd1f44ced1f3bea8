"""The one door to MONAI's networks."""

from importlib import import_module

from briqa_sk.networks._batch_norm import replace_batch_norms


def build_monai(name, spatial_dims, **arguments):
    """Build a network of MONAI that trains on a last batch of one, too.

    Parameters
    ----------
    name : str
        Class in ``monai.networks.nets``.
    spatial_dims : {2, 3}
        For images or for volumes.
    **arguments
        Its other arguments.

    Returns
    -------
    module : torch.nn.Module
        The network, with random weights.
    """
    # Here and not at the top: importing MONAI takes up to some seconds, and who trains
    # the compact network should not wait for it.
    nets = import_module("monai.networks.nets")
    module = getattr(nets, name)(spatial_dims=spatial_dims, **arguments)
    replace_batch_norms(module)
    return module
