"""Keep preprocessed volumes on disk."""

import os
import pickle
import re
import warnings
from contextlib import suppress
from dataclasses import replace
from functools import lru_cache, partial
from numbers import Integral
from pathlib import Path
from types import CodeType, FunctionType

import joblib
import numpy as np
from safetensors import SafetensorError

from briqa_sk._version import __version__
from briqa_sk.base import VolumeTransformer
from briqa_sk.exceptions import BriqaWarning
from briqa_sk.io import VolumeSequence
from briqa_sk.io.atomic import write_atomically
from briqa_sk.io.steps import source_identity
from briqa_sk.preprocessing._entry import pack, unpack

_ENTRY = re.compile(r"[0-9a-f]{32}\.safetensors")
_UNFINISHED = re.compile(r"\.[0-9a-f]{32}\.safetensors-\w+")


class CacheVolumes(VolumeTransformer):
    """Compute the steps before this one once per file, and keep the volumes.

    An entry is found again by what it was made of: the file's path, size and time of
    modification, the class, parameters and fitted state of every step before this
    one, and the version of the package. So a changed file or parameter is computed
    anew and nothing needs to be cleared by hand. Of a step that is a function, its own
    code counts too, but not that of what it calls. Only sequences of files, or of
    volumes, are cached; an array passes through as it is.

    Parameters
    ----------
    directory : str or os.PathLike
        Folder of the entries; made when the first is written. Several processes may
        share it.
    max_bytes : int or None, default=None
        Size that the entries may have together; the ones used longest ago are
        removed first. None means no limit. A volume of 128 x 128 x 128 takes 8 MiB.

    Warns
    -----
    BriqaWarning
        If an entry is damaged (it is computed anew) or can't be written, as on a full
        disk (the volume is used without being kept).

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from briqa_sk import CacheVolumes, StandardizeIntensity, Volume
    >>> X = StandardizeIntensity().transform([Volume(np.arange(8.0).reshape(2, 2, 2))])
    >>> cache = CacheVolumes(tempfile.mkdtemp())
    >>> X = cache.fit_transform(X)
    >>> computed, loaded = X[0], X[0]
    >>> np.array_equal(computed.data, loaded.data), cache.clear()
    (True, 1)
    """

    def __init__(self, directory, max_bytes=None):
        self.directory = directory
        self.max_bytes = max_bytes

    def transform(self, X):
        """Cache the volumes of a sequence when they are looked at.

        Parameters
        ----------
        X : array-like of shape (n_samples, i, j, k), paths, images or VolumeSequence
            Volumes; left untouched.

        Returns
        -------
        Xt : ndarray of shape (n_samples, i, j, k) or VolumeSequence
            An array as it is, in float32; a lazy sequence for the others.

        Raises
        ------
        TypeError
            If a step before this one can't be pickled, as a lambda: an entry could not
            be found again.
        """
        self._check_params()
        X = self._check_X(X, reset=False)
        if not isinstance(X, VolumeSequence):
            return X
        for steps in {id(steps): steps for steps in X.steps}.values():
            _steps_key(steps)
        return X.map(self._as_step())

    def load_or_compute(self, source, upstream, compute):
        """Return the volume that some steps make of a source, from disk if it is there.

        Parameters
        ----------
        source : str or Volume
            A file, or a scan in memory.
        upstream : tuple of callable
            The steps before this one.
        compute : callable
            ``compute(source, upstream) -> Volume``.

        Returns
        -------
        volume : Volume
            The same whether it was loaded or computed.
        """
        path = Path(self.directory, f"{_key(source, upstream)}.safetensors")
        volume = self._load(path)
        if volume is None:
            volume = compute(source, upstream)
            # As it will be loaded: sums depend on the memory order in their last digit.
            volume = replace(volume, data=np.ascontiguousarray(volume.data))
            self._store(path, volume)
        return volume

    def clear(self):
        """Remove all entries, and what interrupted writes left behind.

        Returns
        -------
        n_removed : int
            Number of files removed.
        """
        paths = self._files(_ENTRY) + self._files(_UNFINISHED)
        for path in paths:
            path.unlink(missing_ok=True)
        return len(paths)

    def _load(self, path):
        try:
            volume = unpack(path)
        except FileNotFoundError:
            return None
        except (OSError, SafetensorError, ValueError, KeyError) as error:
            self._warn(f"the entry {path.name} is damaged and computed anew ({error})")
            return None
        with suppress(OSError):  # a folder that may only be read
            os.utime(path)  # the last use decides about what is removed first
        return volume

    def _store(self, path, volume):
        content = pack(volume)
        if self.max_bytes is not None and len(content) > self.max_bytes:
            return
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(path, lambda file: file.write(content))
        except OSError as error:
            self._warn(f"a volume is used without being kept ({error})")
        if self.max_bytes is not None:
            self._evict()

    def _evict(self):
        entries = []
        for path in self._files(_ENTRY):
            with suppress(FileNotFoundError):  # another process was faster
                status = path.stat()
                entries.append((status.st_mtime_ns, status.st_size, path))
        excess = sum(size for _, size, _ in entries) - self.max_bytes
        for _, size, path in sorted(entries):
            if excess <= 0:
                break
            path.unlink(missing_ok=True)
            excess -= size

    def _files(self, pattern):
        folder = Path(self.directory)
        paths = folder.iterdir() if folder.is_dir() else []
        return [path for path in paths if pattern.fullmatch(path.name)]

    def _warn(self, what):
        warnings.warn(
            f"CacheVolumes: {what} in {self.directory}.", BriqaWarning, stacklevel=4
        )

    def _as_step(self):
        step = super()._as_step()
        # The sequence may be read by a worker with another working directory.
        return step.set_params(directory=os.path.abspath(self.directory))

    def _check_params(self):
        if not isinstance(self.directory, str | os.PathLike) or not str(self.directory):
            raise TypeError(
                "CacheVolumes: directory must be a path (str or os.PathLike), "
                f"got {self.directory!r}."
            )
        if Path(self.directory).exists() and not Path(self.directory).is_dir():
            raise ValueError(
                f"CacheVolumes: directory must be a folder, got the file "
                f"{self.directory}. Choose another name."
            )
        limit = self.max_bytes
        if limit is not None and (not isinstance(limit, Integral) or limit < 0):
            raise ValueError(
                "CacheVolumes: max_bytes must be a whole number, at least 0, or None, "
                f"got {limit!r}."
            )

    def _transform_volume(self, volume):
        return volume


def _key(source, upstream):
    return joblib.hash((source_identity(source), _steps_key(upstream), __version__))


def _steps_key(upstream):
    """Return hashes of the steps: their classes, parameters and fitted state."""
    return [
        _step_key(_Same(step))
        for step in upstream
        if not isinstance(step, CacheVolumes)  # it returns what it is given
    ]


class _Same:
    """Equal if it is the same object: a step never changes, but may not be hashable."""

    def __init__(self, step):
        self.step = step

    def __hash__(self):
        return id(self.step)

    def __eq__(self, other):
        return self.step is other.step


@lru_cache(maxsize=128)
def _step_key(same):
    step = same.step
    try:
        return joblib.hash((step, _code_of(step)))
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise TypeError(
            f"CacheVolumes: every step before it must be picklable, got {step!r}. "
            "Write it as a function of a module, or as a class."
        ) from error


def _code_of(step):
    """Return what a plain function does: a pickle, and so its hash, holds its name."""
    while isinstance(step, partial):
        step = step.func
    if not isinstance(step, FunctionType):
        return None
    return _code_facts(step.__code__), step.__defaults__, step.__kwdefaults__


def _code_facts(code):
    constants = [
        _code_facts(constant) if isinstance(constant, CodeType) else constant
        for constant in code.co_consts
    ]
    return code.co_code, code.co_names, constants
