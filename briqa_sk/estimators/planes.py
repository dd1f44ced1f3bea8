"""In which plane a scan was taken, for a head that learns to tell."""

import os
import re
import warnings

import nibabel
import numpy as np
import pandas as pd
from nibabel.filebasedimages import ImageFileError
from nibabel.spatialimages import HeaderDataError
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import column_or_1d

from briqa_sk.exceptions import BriqaWarning
from briqa_sk.io import VolumeSequence
from briqa_sk.losses.heads import UNRATED

#: Axial, coronal, sagittal, as the files of the LISA challenge name them.
PLANES = ("axi", "cor", "sag")
_NAMES = {
    **{plane: plane for plane in PLANES},
    "axial": "axi",
    "coronal": "cor",
    "sagittal": "sag",
}
#: The plane whose slices are stacked along R-L, A-P and S-I.
_ALONG = ("sag", "cor", "axi")
_IN_FILE_NAME = re.compile(rf"_({'|'.join(PLANES)})(?=\.|$)", re.IGNORECASE)
UNUSED_PLANE = "plane is given, but no plane head learns it. Set plane_head=True."
#: How much thicker slices must be than pixels are wide to be taken for slices.
_THICKER = 1.01


def plane_numbers(X, plane, *, caller):
    """Return the number of each scan's plane, -1 where it is not known.

    Parameters
    ----------
    X : ndarray of shape (n_samples, i, j, k) or VolumeSequence
        Scans.
    plane : ndarray of shape (n_samples,) or None
        See :func:`find_planes`.
    caller : str
        Opens the messages.

    Returns
    -------
    numbers : ndarray of shape (n_samples,), dtype int64
        Index into :data:`PLANES`.

    Raises
    ------
    ValueError
        If no plane is known.
    """
    numbers = np.array([_number_of(name) for name in find_planes(X, plane)])
    unknown = np.flatnonzero(numbers == UNRATED)
    if unknown.size == len(numbers):
        raise ValueError(
            f"{caller}: plane_head=True needs scan planes, but neither plane, nor a "
            "column 'plane', nor file names, nor voxel sizes tell that of any of the "
            f"{len(numbers)} scans. Pass plane to fit."
        )
    if unknown.size:
        warnings.warn(
            f"{caller}: the plane of {unknown.size} of {len(numbers)} scans is not "
            f"known (first: index {unknown[0]}). The plane head does not learn from "
            "them.",
            BriqaWarning,
            stacklevel=5,
        )
    return numbers


def as_planes(plane):
    """Return the plane of each scan as a 1-D array of objects."""
    # As objects: numpy would write a NaN among text as the text "nan".
    return column_or_1d(np.asarray(plane, dtype=object))


def ignores_plane(estimator):
    """Whether an estimator, of a Pipeline its last step, has its plane head off."""
    last = estimator[-1] if isinstance(estimator, Pipeline) else estimator
    return not getattr(last, "plane_head", True)


def find_planes(X, plane=None):
    """Find out in which plane each scan was taken.

    What is given counts first, then the column ``plane`` of a VolumeSequence, then the
    file name as in the LISA challenge (``..._axi.nii.gz``), then the affine of the
    file: the slices are stacked along the axis of the largest voxel size.

    Parameters
    ----------
    X : ndarray of shape (n_samples, i, j, k) or VolumeSequence
        Scans.
    plane : array-like of shape (n_samples,) or None, default=None
        Names, in any case; NaN, None or "" where they are to be found out.

    Returns
    -------
    planes : list of str or None
        "axi", "cor" or "sag"; None where nothing tells.

    Raises
    ------
    ValueError
        If a name is none of a plane.
    """
    is_sequence = isinstance(X, VolumeSequence)
    if plane is None and is_sequence:
        plane = X.columns.get("plane")
    planes = [None] * len(X) if plane is None else [_named(name) for name in plane]
    if is_sequence:
        paths = X.paths
        for index in [i for i, name in enumerate(planes) if name is None]:
            planes[index] = _from_name(paths[index]) or _from_affine(
                _affine_of(X, index, paths[index])
            )
    return planes


def _number_of(name):
    return UNRATED if name is None else PLANES.index(name)


def _named(value):
    name = "" if pd.isna(value) else str(value).strip().lower()
    if not name:
        return None
    if name not in _NAMES:
        raise ValueError(
            "plane_head: plane must be axi, cor or sag in any case, or missing, got "
            f"{str(value)!r}."
        )
    return _NAMES[name]


def _from_name(path):
    found = _IN_FILE_NAME.search(os.path.basename(path or ""))
    return found[1].lower() if found else None


def _affine_of(X, index, path):
    """Return the affine of a scan as it was stored, or None for a damaged header."""
    if path is None or not os.path.isfile(path):
        return X.split(index, lambda step: True)[0].source_affine
    try:
        return nibabel.load(path).affine  # reads the header only
    except (ImageFileError, HeaderDataError, OSError, ValueError):
        return None  # whoever reads the voxels says what is wrong


def _from_affine(affine):
    if affine is None:
        return None
    *_, second, largest = np.sort(np.linalg.norm(affine[:3, :3], axis=0))
    if not largest > _THICKER * second:
        return None
    slices = np.linalg.norm(affine[:3, :3], axis=0).argmax()
    return _ALONG[np.abs(affine[:3, slices]).argmax()]
