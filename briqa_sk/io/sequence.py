"""Many scans, read one at a time."""

import os
from collections.abc import Iterator

import numpy as np
import pandas as pd
from nibabel.spatialimages import SpatialImage

from briqa_sk._validation import check_paths, check_volumes
from briqa_sk.io.images import ImageSource
from briqa_sk.io.steps import compute, source_identity
from briqa_sk.io.volume import Volume

_IMAGES = (Volume, SpatialImage)


class VolumeSequence:
    """An immutable, lazy sequence of volumes.

    It holds file names and the steps to apply to each; voxels exist only while one
    item is looked at, so memory is bounded by the batch and not by the data set. It
    slices like an array, so scikit-learn's splitters and searches can use it as X, and
    it is small to pickle.

    Parameters
    ----------
    sources : sequence of str or os.PathLike, or of Volume and nibabel image
        One per scan. A Volume is a scan that is in memory already; nibabel reads its
        images when they are looked at, each time anew, unless it has done so. Relative
        paths are resolved when a scan is read, in the working directory of that moment.
    columns : dict of str to array-like of shape (n_samples,), default=None
        What belongs to each scan, e.g. ``{"group": subject}``. Columns follow every
        slice and every resampling.

    Attributes
    ----------
    shape : tuple (n_samples,)
        The voxel axes are not part of it: scans may differ in size.
    columns : dict of str to ndarray of shape (n_samples,)
        A read-only copy of what was given.

    Examples
    --------
    >>> import numpy as np
    >>> scans = [Volume(np.full((2, 2, 2), value)) for value in range(4)]
    >>> X = VolumeSequence(scans, columns={"group": ["a", "a", "b", "b"]})
    >>> X[X.columns["group"] == "b"].map(lambda v: v.derive(v.data + 1, step="+1"))[0]
    Volume(shape=(2, 2, 2), spacing_mm=(1.0, 1.0, 1.0), history=('+1',))
    """

    def __init__(self, sources, columns=None):
        _refuse_one_volume(sources, caller="VolumeSequence")
        one_path = isinstance(sources, str | os.PathLike)
        sources = sources if one_path else list(sources)
        if one_path or not all(isinstance(source, _IMAGES) for source in sources):
            sources = check_paths(sources, caller="VolumeSequence")
        sources = [
            ImageSource.from_image(source)
            if isinstance(source, SpatialImage)
            else source
            for source in sources
        ]
        self._sources = _object_array(sources)
        self._steps = _object_array([()] * len(sources))
        self.columns = _check_columns(columns or {}, len(sources))

    @property
    def shape(self):
        """Tuple ``(n_samples,)``."""
        return self._sources.shape

    @property
    def paths(self):
        """List of the files, None for a scan that was given in memory."""
        return [s if isinstance(s, str) else s.path for s in self._sources]

    @property
    def steps(self):
        """List of the tuples of steps, one per scan."""
        return list(self._steps)

    def __len__(self):
        return len(self._sources)

    def __repr__(self):
        columns = f", columns={sorted(self.columns)}" if self.columns else ""
        return f"VolumeSequence(n_samples={len(self)}{columns})"

    def __iter__(self):
        return (self[index] for index in range(len(self)))

    def __getitem__(self, key):
        """Return a Volume for an integer, a VolumeSequence for anything else."""
        if isinstance(key, tuple) and len(key) == 2 and key[1] is Ellipsis:
            key = key[0]  # scikit-learn indexes with X[key, ...]
        key = _check_key(key)
        if isinstance(key, int):
            return compute(self._sources[key], self._steps[key])
        return self._replace(
            self._sources[key],
            self._steps[key],
            {name: column[key] for name, column in self.columns.items()},
        )

    def map(self, step, mask=None):
        """Add a step to the volumes, without running it.

        Parameters
        ----------
        step : callable
            ``step(volume) -> volume``; picklable, and deterministic. A step with a
            method ``load_or_compute(source, upstream, compute)`` decides by itself
            whether the steps before it run (see :class:`briqa_sk.CacheVolumes`). A
            first step with a method ``read(path)`` reads the file by itself (see
            :class:`briqa_sk.LoadVolumes`).
        mask : array-like of bool of shape (n_samples,) or None, default=None
            The scans that take the step; None means all.

        Returns
        -------
        sequence : VolumeSequence
            A new sequence; this one is unchanged.
        """
        chosen = np.ones(len(self), bool) if mask is None else np.asarray(mask)
        if chosen.dtype != bool or chosen.shape != self.shape:
            raise ValueError(
                "VolumeSequence: mask must have one boolean for each of the "
                f"{len(self)} scans, got {chosen.dtype} of shape {chosen.shape}."
            )
        longer = {}  # equal histories stay one object, however many scans share it
        steps = [
            longer.setdefault(id(before), (*before, step)) if takes else before
            for before, takes in zip(self._steps, chosen, strict=True)
        ]
        return self._replace(self._sources, _object_array(steps), self.columns)

    def map_each(self, steps):
        """Add to each volume a step of its own, without running it.

        Parameters
        ----------
        steps : sequence of callable or None of shape (n_samples,)
            As for :meth:`map`; None adds nothing.

        Returns
        -------
        sequence : VolumeSequence
            A new sequence; this one is unchanged.
        """
        if len(steps) != len(self):
            raise ValueError(
                "VolumeSequence: steps must be one for each of the "
                f"{len(self)} scans, got {len(steps)}."
            )
        longer = [
            before if step is None else (*before, step)
            for before, step in zip(self._steps, steps, strict=True)
        ]
        return self._replace(self._sources, _object_array(longer), self.columns)

    def split(self, index, is_late):
        """Return one volume before some of its steps, and those steps.

        Parameters
        ----------
        index : int
            Which scan.
        is_late : callable
            ``is_late(step) -> bool``; the first step for which it holds is not run,
            nor are the ones after it.

        Returns
        -------
        volume : Volume
            What the earlier steps make of the scan.
        late : tuple of callable
            The other steps; each takes and returns a Volume.
        """
        steps = self._steps[index]
        late = [number for number, step in enumerate(steps) if is_late(step)]
        cut = late[0] if late else len(steps)
        return compute(self._sources[index], steps[:cut]), steps[cut:]

    def with_columns(self, **columns):
        """Return the same scans with more, or other, columns.

        Parameters
        ----------
        **columns : array-like of shape (n_samples,)
            New columns by name.

        Returns
        -------
        sequence : VolumeSequence
            A new sequence; this one is unchanged.
        """
        merged = {**self.columns, **_check_columns(columns, len(self))}
        return self._replace(self._sources, self._steps, merged)

    def identity(self, index):
        """Return what one item is made of, for keys of caches and checkpoints.

        Parameters
        ----------
        index : int
            Which scan.

        Returns
        -------
        identity : tuple
            The file's path, size and modification time (or the voxels of a scan given
            in memory) and the steps.
        """
        return source_identity(self._sources[index]), self._steps[index]

    def _replace(self, sources, steps, columns):
        new = object.__new__(type(self))
        new._sources, new._steps, new.columns = sources, steps, dict(columns)
        for column in new.columns.values():
            column.flags.writeable = False
        return new


def as_volumes(X, *, caller):
    """Return ``X`` as a 4-D float32 array or as a VolumeSequence.

    Parameters
    ----------
    X : array-like of shape (n_samples, i, j, k), sequence, or VolumeSequence
        Volumes: voxels, or a sequence (such as a list, or a column of a DataFrame) of
        paths, of Volumes or of nibabel images.
    caller : str
        Opens the error message.

    Returns
    -------
    X : ndarray of shape (n_samples, i, j, k), dtype float32, or VolumeSequence
        Arrays are checked voxel by voxel; sequences when their items are read.
    """
    _refuse_containers(X, caller=caller)
    if getattr(X, "ndim", 1) == 1 and hasattr(X, "__len__") and len(X) == 0:
        raise ValueError(f"{caller}: X must hold at least 1 volume, got none.")
    if isinstance(X, VolumeSequence):
        return X
    if _holds(X, _IMAGES):
        return VolumeSequence(X)
    if _holds(X, str | os.PathLike) or isinstance(X, str | os.PathLike):
        return VolumeSequence(check_paths(X, caller=caller))
    return check_volumes(X, caller=caller)


def _refuse_one_volume(X, *, caller):
    if isinstance(X, _IMAGES):
        raise TypeError(
            f"{caller}: X must be a sequence of volumes, got one {type(X).__name__}. "
            "Put it in a list."
        )


def _refuse_containers(X, *, caller):
    """Raise ``TypeError`` for what holds scans, but is no sequence of them."""
    _refuse_one_volume(X, caller=caller)
    if isinstance(X, Iterator):  # looking into it would use it up
        raise TypeError(
            f"{caller}: X must be a sequence of volumes or paths, got a "
            f"{type(X).__name__}. Put its items in a list."
        )
    if isinstance(X, pd.DataFrame):
        raise TypeError(
            f"{caller}: X must be one column of paths, got a DataFrame with columns "
            f"{X.columns.tolist()}. Pass the column, such as df['path']."
        )
    first = X[0] if isinstance(X, list | tuple) and X else X
    if type(first).__module__.partition(".")[0] == "torchio":
        raise TypeError(
            f"{caller}: X must hold volumes or paths, got a torchio "
            f"{type(first).__name__}. Pass a list of paths, such as "
            "[subject['t1'].path, ...], or of Volume(image.numpy()[0], image.affine)."
        )


def _check_key(key):
    """Return an index as an int, a slice, or a 1-D array of integers or booleans."""
    if isinstance(key, slice):
        return key
    array = np.asarray(key)
    if array.shape == (0,):
        return array.astype(np.intp)
    if array.ndim > 1 or array.dtype.kind not in ("iub" if array.ndim else "iu"):
        raise IndexError(
            "VolumeSequence: an index must be a whole number, a slice, or a 1-D array "
            f"of whole numbers or booleans, got {array.dtype} of shape {array.shape}."
        )
    return array if array.ndim else int(array)


def _holds(X, kind):
    """Whether a sequence has an item of a kind; numeric arrays are not looked into."""
    dtype = getattr(X, "dtype", None)
    if dtype is not None and getattr(dtype, "kind", "O") in "biufc":
        return False
    return hasattr(X, "__iter__") and any(isinstance(item, kind) for item in X)


def _object_array(items):
    # numpy.array would look inside tuples and volumes; filling does not.
    array = np.empty(len(items), dtype=object)
    for index, item in enumerate(items):
        array[index] = item
    return array


def _as_column(values):
    # numpy would write a NaN among text as the text "nan".
    column, objects = np.array(values), np.array(values, dtype=object)
    return objects if column.dtype.kind == "U" and pd.isna(objects).any() else column


def _check_columns(columns, n_samples):
    columns = {name: _as_column(values) for name, values in columns.items()}
    for name, column in columns.items():
        if column.shape != (n_samples,):
            raise ValueError(
                f"VolumeSequence: column {name!r} must have one value for each of the "
                f"{n_samples} scans, got shape {column.shape}."
            )
        column.flags.writeable = False
    return columns
