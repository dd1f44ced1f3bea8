"""Where networks run."""

import torch


def resolve_device(device, *, caller):
    """Return ``device``, with ``"auto"`` replaced by the GPU if there is one.

    Parameters
    ----------
    device : str or torch.device
        E.g. ``"auto"``, ``"cpu"`` or ``"cuda:1"``.
    caller : str
        Opens the error message.

    Returns
    -------
    device : str or torch.device
        A device that is there.

    Raises
    ------
    ValueError
        If torch knows no such device, or there is none.
    """
    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError, TypeError) as error:
        raise ValueError(
            f"{caller}: device must be 'auto' or a device of this machine, such as "
            f"'cpu', got {device!r}."
        ) from error
    return device
