"""Write a file whole or not at all."""

import os
from contextlib import suppress
from pathlib import Path
from uuid import uuid4


def write_atomically(path, write):
    """Write a file so that nobody ever sees half of it.

    The content goes to a temporary file in the same folder, which takes the name only
    when it is complete. A full disk or an interrupt leaves what was there before.

    Parameters
    ----------
    path : str or os.PathLike
        The file.
    write : callable
        ``write(file)`` with a binary file open for writing.

    Raises
    ------
    OSError
        If the file can't be written; names ``path``, not the temporary file.

    Examples
    --------
    >>> import tempfile
    >>> target = Path(tempfile.mkdtemp()) / "grades.txt"
    >>> write_atomically(target, lambda file: file.write(b"0 1 2"))
    >>> target.read_text()
    '0 1 2'
    """
    path = Path(path)
    # Not tempfile.mkstemp: its files are private, and the umask that says what they
    # should be can't be read without changing it for all threads.
    temporary = os.fspath(path.with_name(f".{path.name}-{uuid4().hex}"))
    try:
        with open(temporary, "xb") as file:
            write(file)
        os.replace(temporary, path)
    except BaseException as error:
        with suppress(OSError):
            os.unlink(temporary)
        if getattr(error, "filename", None) == temporary:
            named = OSError(error.errno, error.strerror, os.fspath(path))
            raise named from error
        raise
