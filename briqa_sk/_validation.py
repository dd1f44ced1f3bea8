"""The only judge of shapes, dtypes, grades and names."""

import os
import warnings
from numbers import Integral, Real

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, clone
from sklearn.utils.validation import column_or_1d

from briqa_sk.exceptions import BriqaWarning

VOLUMES_NDIM = 4  # (n_samples, i, j, k)

# Between what is scaled and what is not: see warn_if_unscaled.
_SMALLEST_RMS, _LARGEST_RMS = 1e-3, 15.0


def check_volumes(X, *, caller):
    """Return ``X`` as finite float32 volumes, or say exactly what is wrong.

    Parameters
    ----------
    X : array-like of shape (n_samples, i, j, k)
        Volumes, in any real dtype.
    caller : str
        Name to put at the front of the error message.

    Returns
    -------
    X : ndarray of shape (n_samples, i, j, k), dtype float32
        The same array when it already has this dtype; a copy otherwise.

    Raises
    ------
    ValueError
        If ``X`` is not 4-D, is empty, or holds NaN or infinite voxels.
    TypeError
        If ``X`` does not hold real numbers.

    Examples
    --------
    >>> import numpy as np
    >>> check_volumes(np.zeros((2, 8, 8, 8)), caller="demo").dtype
    dtype('float32')
    """
    X = _as_real_array(X, caller)
    if X.ndim != VOLUMES_NDIM:
        hint = " Add a sample axis with X[None]." if X.ndim == VOLUMES_NDIM - 1 else ""
        raise ValueError(
            f"{caller}: X must be 4-D (n_samples, i, j, k), got shape {X.shape}.{hint}"
        )
    if X.size == 0:
        raise ValueError(
            f"{caller}: X must hold at least 1 voxel, got shape {X.shape}."
        )
    # The sum of a volume is finite only if its voxels are, and needs no mask in memory;
    # float64 because finite float32 voxels can add up to infinity.
    finite = np.isfinite(X.sum(axis=(1, 2, 3), dtype=np.float64))
    if not finite.all():
        bad = np.flatnonzero(~finite)
        raise ValueError(
            f"{caller}: X must be finite, got NaN or inf in {bad.size} of {len(X)} "
            f"volumes (first: index {bad[0]}). Remove them, or fill the voxels "
            "before the pipeline."
        )
    return X


def _as_real_array(X, caller):
    shapes = _shapes_of(X)
    if len(shapes) > 1:
        raise ValueError(
            f"{caller}: arrays must have one shape, got {shapes[0]} and {shapes[-1]}. "
            "Pass the paths, or [Volume(x) for x in X], to a pipeline with CropOrPad."
        )
    try:
        array = np.asarray(X)
    except ValueError as error:
        raise ValueError(
            f"{caller}: X must hold volumes of one shape, got a ragged sequence. Pass "
            "the paths, or a list of Volume, to a pipeline with CropOrPad."
        ) from error
    if array.dtype.kind not in "biuf":
        raise TypeError(
            f"{caller}: X must hold real numbers or paths (str or os.PathLike), "
            f"got dtype {array.dtype}."
        )
    return array.astype(np.float32, copy=False)


def _shapes_of(X):
    """Return the different shapes in a list of arrays; none of an array."""
    if getattr(X, "ndim", 1) != 1 or not hasattr(X, "__len__"):
        return []
    return sorted({tuple(item.shape) for item in X if hasattr(item, "shape")})


def warn_if_unscaled(data, *, caller):
    """Warn if voxels are far from the range that networks are initialised for.

    Layers are initialised for inputs of about unit size. The root mean square of a
    standardized volume is 1, or a few where the air is far below a standardized
    foreground; of one in [0, 1] it is less than 1, and of scans as scanners store them
    20 to 1000, rarely less or more. So the line is drawn at 15. Below 0.001, as for
    scans in physical units, a first layer sees little but its own bias.

    Parameters
    ----------
    data : array-like
        Voxels of the first batch, in memory of the CPU.
    caller : str
        Opens the message.

    Warns
    -----
    BriqaWarning
        If the root mean square is above 15, or below 0.001 and not 0.

    Examples
    --------
    >>> warn_if_unscaled(np.full((2, 1, 4, 4, 4), 0.5), caller="demo")
    """
    data = np.asarray(data)
    rms = np.linalg.norm(data.ravel(order="K")) / np.sqrt(data.size)
    if rms > _LARGEST_RMS or 0 < rms < _SMALLEST_RMS:
        warnings.warn(
            f"{caller}: voxels should be about 1 in size in front of a network, got a "
            f"root mean square of {rms:.3g}. Put StandardizeIntensity before it.",
            BriqaWarning,
            stacklevel=3,
        )


def check_paths(paths, *, caller):
    """Return a list of paths, each str or ``os.PathLike``, as str.

    Raises
    ------
    TypeError
        If an item is neither.
    ValueError
        If there is no item.
    """
    if isinstance(paths, str | os.PathLike):
        raise TypeError(
            f"{caller}: X must be a sequence of paths, got one path, {paths!r}. "
            "Put it in a list."
        )
    paths = list(paths)
    if not paths:
        raise ValueError(f"{caller}: X must hold at least 1 path, got none.")
    for index, path in enumerate(paths):
        if not isinstance(path, str | os.PathLike):
            raise TypeError(
                f"{caller}: paths must be str or os.PathLike, got "
                f"{type(path).__name__} at index {index}."
            )
    return [os.fspath(path) for path in paths]


def resolve(value, registry, *, caller, parameter):
    """Return the configuration object that a name or an object stands for.

    Parameters
    ----------
    value : str or callable
        A key of ``registry``, or a configuration object, which is returned as it is.
    registry : dict
        Name -> configuration object; the object found is cloned.
    caller, parameter : str
        Who asks, and for which constructor parameter; both open the error message.

    Returns
    -------
    config : callable
        The configuration object.

    Raises
    ------
    ValueError
        If a name is unknown; the message lists the names.
    TypeError
        If ``value`` is neither a name nor callable.
    """
    if isinstance(value, str):
        if value not in registry:
            raise ValueError(
                f"{caller}: {parameter} must be one of {', '.join(sorted(registry))}, "
                f"or a configuration object, got {value!r}."
            )
        return clone(registry[value])
    is_config_class = isinstance(value, type) and issubclass(value, BaseEstimator)
    if is_config_class or not callable(value):
        hint = f" Write {value.__name__}()." if is_config_class else ""
        raise TypeError(
            f"{caller}: {parameter} must be a name ({', '.join(sorted(registry))}) or "
            f"a configuration object, got {value!r}.{hint}"
        )
    return value


def check_grades(y, grades=None, *, ordinal_for=None, caller):
    """Return the classes of ``y`` from best to worst.

    Parameters
    ----------
    y : array-like of shape (n_samples,)
        Labels of any type: numbers, text, or an ordered pandas categorical.
    grades : sequence or None, default=None
        Every label that may occur, from best to worst.
    ordinal_for : str or None, default=None
        What needs the order, e.g. ``"criterion='corn'"``. None: the order does not
        matter and text labels may stand in any.
    caller : str
        Opens the error message.

    Returns
    -------
    ordered : ndarray of shape (n_classes,)
        The labels that occur in ``y``, from best to worst.

    Raises
    ------
    ValueError
        If a label is missing, if ``grades`` repeats a name or lacks a label of ``y``,
        or if an order is needed and ``y`` is text without ``grades``.
    """
    dtype = getattr(y, "dtype", None)
    if grades is None and getattr(dtype, "ordered", False):
        grades = list(dtype.categories)
    seen = np.unique(as_labels(y, caller=caller))
    if grades is None:
        if ordinal_for is not None and seen.dtype.kind not in "biuf":
            raise ValueError(
                f"{caller}: grades must give the order of the labels from best to "
                f"worst, because {ordinal_for} depends on it, got text labels "
                f"{seen.tolist()} and grades=None."
            )
        return seen
    grades = [g.item() if isinstance(g, np.generic) else g for g in grades]
    if len(set(grades)) != len(grades):
        raise ValueError(f"{caller}: grades must not repeat a label, got {grades}.")
    unknown = sorted(set(seen.tolist()) - set(grades))
    if unknown:
        raise ValueError(
            f"{caller}: every label of y must be in grades={grades}, got also "
            f"{unknown}."
        )
    kept = [grade for grade in grades if grade in seen]
    return np.asarray(kept, dtype=seen.dtype)


def as_labels(y, *, caller):
    """Return labels as an array without gaps, numbers in a numeric dtype.

    Parameters
    ----------
    y : array-like
        Labels of any type.
    caller : str
        Opens the error message.

    Returns
    -------
    labels : ndarray
        Of the shape of ``y``.

    Raises
    ------
    ValueError
        If a label is missing: None, NaN or ``pandas.NA``.
    """
    _refuse_missing(y, "y must have a grade for every scan", caller)
    labels = np.asarray(y)
    if labels.dtype == object and all(isinstance(label, Real) for label in labels.flat):
        return np.asarray(labels.tolist())
    return labels


def check_groups(groups, *, caller, what="subject"):
    """Return groups as an array, or None; ``ValueError`` if one is None, NaN or NA."""
    if groups is None:
        return None
    _refuse_missing(groups, f"every scan must have a {what}", caller)
    return column_or_1d(groups)


def _refuse_missing(values, must, caller):
    # As objects: numpy would write a NaN among text as the text "nan".
    missing = np.flatnonzero(pd.isna(np.asarray(values, dtype=object)))
    if missing.size:
        raise ValueError(
            f"{caller}: {must}, got {missing.size} missing (first: index "
            f"{missing[0]}). Remove these scans."
        )


def check_positive(value, parameter, *, caller, kind=Real):
    """Raise ``ValueError`` unless a value is a number of some kind, above 0."""
    if not isinstance(value, kind) or isinstance(value, bool) or not 0 < value < np.inf:
        what = "a whole number" if kind is Integral else "a number"
        raise ValueError(
            f"{caller}: {parameter} must be {what} above 0, got {value!r}."
        )


def check_real(value, parameter, *, caller):
    """Raise ``TypeError`` or ``ValueError`` unless a value is a finite real number."""
    if not isinstance(value, Real) or isinstance(value, bool):
        raise TypeError(f"{caller}: {parameter} must be a number, got {value!r}.")
    if not np.isfinite(value):
        raise ValueError(f"{caller}: {parameter} must be finite, got {value!r}.")


def as_triple(value, parameter, *, caller, kind=Real):
    """Return one number per axis, from one number or from three.

    Parameters
    ----------
    value : number or sequence of 3 numbers
        What the caller's user gave.
    parameter : str
        Its name.
    caller : str
        Opens the error message.
    kind : type, default=numbers.Real
        ``numbers.Integral`` for numbers of voxels.

    Returns
    -------
    triple : tuple of 3 numbers
        Each positive.

    Raises
    ------
    ValueError
        If there are not one or three numbers of this kind, all above 0 and finite.
    """
    triple = (
        (value,) * 3 if isinstance(value, Real) else tuple(np.ravel(value).tolist())
    )
    good = len(triple) == 3 and all(
        isinstance(n, kind) and not isinstance(n, bool) and 0 < n < np.inf
        for n in triple
    )
    if not good:
        what = "a whole number" if kind is Integral else "a number"
        raise ValueError(
            f"{caller}: {parameter} must be {what} above 0, or three of them, "
            f"got {value!r}."
        )
    return triple
