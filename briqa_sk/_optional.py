"""Import an extra, or say how to install it."""

from importlib import import_module

from briqa_sk.exceptions import MissingExtraError


def import_extra(module, *, extra, caller):
    """Import an optional dependency.

    Parameters
    ----------
    module : str
        Dotted name of the module.
    extra : str
        Name of the extra in ``setup.py`` that installs it.
    caller : str
        Who needs it; opens the error message.

    Returns
    -------
    module : module
        The imported module.

    Raises
    ------
    MissingExtraError
        If the module is not installed.
    """
    try:
        return import_module(module)
    except ImportError as error:
        raise MissingExtraError(
            f"{caller}: needs {module}, which is not installed. "
            f"Run: pip install 'briqa_sk[{extra}]'."
        ) from error
