"""The one door to MONAI's networks."""

from importlib import import_module

from briqa_sk.networks._batch_norm import replace_batch_norms


def build_monai(name, **arguments):
    """Build a 3-D network of MONAI that trains on a last batch of one, too.

    Parameters
    ----------
    name : str
        Class in ``monai.networks.nets``.
    **arguments
        Its arguments.

    Returns
    -------
    module : torch.nn.Module
        The network, with random weights.
    """
    # Here and not at the top: importing MONAI takes up to some seconds, and who trains
    # the compact network should not wait for it.
    nets = import_module("monai.networks.nets")
    module = getattr(nets, name)(spatial_dims=3, **arguments)
    replace_batch_norms(module)
    return module
