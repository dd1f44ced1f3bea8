"""The tensors of a net, to be saved, and put back after they were judged."""

import torch

PARTS = ("module", "criterion")


def export_tensors(net):
    """Return the tensors of a net on the CPU, by name."""
    return {
        f"{part}.{name}": tensor.cpu()
        for part in PARTS
        for name, tensor in getattr(net, f"{part}_").state_dict().items()
    }


def has_shapes_of(tensors, make_module, make_criterion):
    """Whether tensors are those of a network and a criterion, by name and by shape.

    The network is built without memory, so a file can't make it large.

    Parameters
    ----------
    tensors : dict of str to Tensor
        As :func:`export_tensors` returns them.
    make_module : callable
        ``(in_channels, n_outputs) -> nn.Module``.
    make_criterion : callable
        ``() -> Criterion``.

    Returns
    -------
    fits : bool
        Whether they can be imported.
    """
    criterion = make_criterion()
    with torch.device("meta"):
        module = make_module(1, criterion.n_outputs)
    expected = {
        f"{part}.{name}": tensor.shape
        for part, network in zip(PARTS, (module, criterion), strict=True)
        for name, tensor in network.state_dict().items()
    }
    return expected == {name: tensor.shape for name, tensor in tensors.items()}


def import_tensors(net, tensors):
    """Put the tensors of :func:`export_tensors` into an equal net."""
    for part in PARTS:
        prefix = f"{part}."
        state = {
            name.removeprefix(prefix): tensor
            for name, tensor in tensors.items()
            if name.startswith(prefix)
        }
        getattr(net, f"{part}_").load_state_dict(state)
