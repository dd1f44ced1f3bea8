"""Test on what training has not seen: other sites, other subjects, other files."""

import gzip
import hashlib
import warnings
import zlib

import numpy as np
import pandas as pd
from sklearn.model_selection import LeaveOneGroupOut

from briqa_sk._validation import check_groups, check_paths
from briqa_sk.exceptions import BriqaWarning
from briqa_sk.io.formats import GZIP_MAGIC
from briqa_sk.metrics.lisa_table import name_some

__all__ = ["LeaveOneSiteOut", "check_no_leakage"]

_CHUNK_BYTES = 1 << 20


class LeaveOneSiteOut(LeaveOneGroupOut):
    """Test on each site in turn, after training on all others.

    The question is how a model does in a hospital that it has never seen. It is
    :class:`sklearn.model_selection.LeaveOneGroupOut`, and says which folds can't be
    scored: where a site has only fine scans, AUC is undefined, kappa and balanced
    accuracy mean nothing, and one such NaN hides the mean of all folds. There are two
    ways on. Scores of the pooled predictions, with
    :func:`~sklearn.model_selection.cross_val_predict`, need no class in any one site.
    Or skip these folds; their scans still train the models for the other sites.

    Parameters
    ----------
    one_class : {"warn", "skip"}, default="warn"
        What to do with a fold that has fewer than two classes to test on, or to train
        on: warn, or warn and leave the fold out. Labels that are NaN are no class, and
        of several columns one with two classes is enough. Without ``y`` there is
        nothing to judge.

    Warns
    -----
    BriqaWarning
        If there is such a fold; names its site.

    Examples
    --------
    >>> import numpy as np
    >>> sites = np.repeat(["Leuven", "Oslo", "Utah"], 4)
    >>> y = np.tile([0, 1], 6)
    >>> for train, test in LeaveOneSiteOut().split(sites, y, sites):
    ...     print(sites[test[0]], len(train))
    Leuven 8
    Oslo 8
    Utah 8
    """

    def __init__(self, one_class="warn"):
        self.one_class = one_class

    def split(self, X, y=None, groups=None):
        """Yield the indices of scans to train on and to test on, for each site.

        Parameters
        ----------
        X : array-like of shape (n_samples, ...)
            Only its length counts.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs), default=None
            Labels.
        groups : array-like of shape (n_samples,)
            Site of each scan.

        Yields
        ------
        train, test : ndarray of int
            Indices.

        Raises
        ------
        ValueError
            If there are no groups or there is one only, if a site is missing, if
            ``one_class`` is unknown, or if no fold is left.
        """
        good, bad = self._folds(X, y, groups)
        if bad:
            done = "left out" if self.one_class == "skip" else "kept"
            warnings.warn(
                "LeaveOneSiteOut: some folds can't be scored and are "
                f"{done}: {name_some([f'{site} ({why})' for site, why in bad])}. Score "
                "pooled predictions (cross_val_predict), or pass one_class='skip'.",
                BriqaWarning,
                stacklevel=2,
            )
        yield from good

    def get_n_splits(self, X=None, y=None, groups=None):
        """Return the number of folds.

        Parameters
        ----------
        X : object, default=None
            Not used.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs), default=None
            Labels; needed with ``one_class="skip"``.
        groups : array-like of shape (n_samples,)
            Site of each scan.

        Returns
        -------
        n_splits : int
            One per site, less those skipped.
        """
        groups = check_groups(groups, caller="LeaveOneSiteOut", what="site")
        if groups is None or self.one_class == "warn":
            return super().get_n_splits(X, y, groups)
        return len(self._folds(groups, y, groups)[0])

    def _folds(self, X, y, groups):
        """Return the folds to use, and the sites and faults of those in doubt."""
        if self.one_class not in ("warn", "skip"):
            raise ValueError(
                "LeaveOneSiteOut: one_class must be 'warn' or 'skip', got "
                f"{self.one_class!r}."
            )
        if y is None and self.one_class == "skip":
            raise ValueError(
                "LeaveOneSiteOut: y must be given where one_class='skip', got None."
            )
        groups = check_groups(groups, caller="LeaveOneSiteOut", what="site")
        good, bad = [], []
        for train, test in super().split(X, y, groups):
            why = None if y is None else _fault(pd.DataFrame(y), train, test)
            if why:
                bad.append((groups[test[0]], why))
            if not why or self.one_class == "warn":
                good.append((train, test))
        if not good:
            raise ValueError(
                "LeaveOneSiteOut: at least 1 site must have two classes, got "
                f"{name_some([f'{site} ({why})' for site, why in bad])}."
            )
        return good, bad


def check_no_leakage(parts, *, groups=None, paths=None):
    """Raise an error if a subject or a file is in two parts of a split.

    A model that has seen a subject, or the very same scan under another name, is tested
    on its memory. Files are compared by their content, uncompressed, so a copy that was
    renamed or compressed anew is still found; every file is read once for it.

    Parameters
    ----------
    parts : sequence of array-like of int or bool
        The scans of each part: ``[train, test]``, or the test scans of every fold.
    groups : array-like of shape (n_samples,) or None, default=None
        Subject of each scan.
    paths : sequence of str or os.PathLike of length n_samples, or None, default=None
        File of each scan.

    Raises
    ------
    ValueError
        If a scan, a subject or the content of a file is in two parts; names them. If
        neither ``groups`` nor ``paths`` is given, or their lengths differ. If a subject
        is missing. If a part is a whole fold, train and test scans, as a splitter
        yields them.
    OSError
        If a file can't be read.

    Examples
    --------
    >>> from sklearn.model_selection import GroupKFold
    >>> subjects = ["a", "a", "b", "b", "c", "c"]
    >>> folds = list(GroupKFold(3).split(subjects, groups=subjects))
    >>> check_no_leakage([test for train, test in folds], groups=subjects)
    >>> check_no_leakage([[0, 2, 4], [1, 3]], groups=subjects)
    Traceback (most recent call last):
    ...
    ValueError: check_no_leakage: a subject must be in one part, got in several: a, b.
    """
    groups = check_groups(groups, caller="check_no_leakage")
    given = [values for values in (groups, paths) if values is not None]
    lengths = {len(values) for values in given}
    if len(lengths) != 1:
        raise ValueError(
            "check_no_leakage: groups, paths or both must be given, for the same "
            f"scans, got {len(given)} of them with lengths {sorted(lengths)}."
        )
    everything = np.arange(lengths.pop())
    parts = [everything[_as_index(part)] for part in parts]
    _refuse("a scan", _in_several(parts, everything))
    if groups is not None:
        _refuse("a subject", _in_several(parts, groups))
    if paths is not None:
        paths = np.asarray(check_paths(paths, caller="check_no_leakage"), dtype=object)
        contents = np.full(len(paths), "", dtype=object)
        for index in np.concatenate(parts):
            contents[index] = hash_content(paths[index])
        shared = [contents == content for content in _in_several(parts, contents)]
        _refuse("a file", [" = ".join(paths[same]) for same in shared])


def hash_content(path):
    """Return a hash of what a file holds, uncompressed if it is compressed by gzip.

    Parameters
    ----------
    path : str or os.PathLike
        The file.

    Returns
    -------
    content : str
        Equal for equal content. Of a damaged gzip file: of its bytes as they are.
    """
    with open(path, "rb") as file:
        is_compressed = file.read(len(GZIP_MAGIC)) == GZIP_MAGIC
        file.seek(0)
        if is_compressed:
            try:
                return _hash_stream(gzip.GzipFile(fileobj=file))
            except (OSError, EOFError, zlib.error):
                file.seek(0)
        return _hash_stream(file)


def _hash_stream(file):
    content = hashlib.blake2b(digest_size=16)
    while chunk := file.read(_CHUNK_BYTES):
        content.update(chunk)
    return content.hexdigest()


def _as_index(part):
    part = list(part)
    if any(np.ndim(scan) for scan in part):
        raise ValueError(
            "check_no_leakage: a part must be one list of scans, got several lists in "
            "one. Pass train and test scans of one fold, or the test scans of each."
        )
    return np.array(part) if part else np.array([], dtype=int)


def _in_several(parts, values):
    """Return the values that occur in more than one part, sorted as text."""
    parts_of = {}
    for number, part in enumerate(parts):
        for value in values[part]:
            parts_of.setdefault(value, set()).add(number)
    return sorted((v for v, where in parts_of.items() if len(where) > 1), key=str)


def _refuse(what, found):
    if found:
        raise ValueError(
            f"check_no_leakage: {what} must be in one part, got in several: "
            f"{name_some(found)}."
        )


def _fault(y, train, test):
    """Say what is missing to learn or to score, or return None."""
    if y.iloc[test].nunique().max() < 2:
        return "one class to test on"
    if y.iloc[train].nunique().max() < 2:
        return "one class to train on"
    return None
