"""Read one NIfTI or MGH file, or say exactly what is wrong with it."""

import gzip as stdlib_gzip
import logging
import os
import stat
import zlib

import numpy as np
from nibabel.freesurfer.mghformat import MGHError, MGHHeader
from nibabel.nifti1 import Nifti1Header
from nibabel.nifti2 import Nifti2Header
from nibabel.spatialimages import HeaderDataError

from briqa_sk.exceptions import FINDINGS, UnreadableVolumeError
from briqa_sk.io.formats import GZIP_MAGIC, SNIFF_BYTES, sniff
from briqa_sk.io.limits import (
    MAX_VOXELS,
    RefusalError,
    check_affine,
    check_dtype,
    check_shape,
    check_voxels,
)
from briqa_sk.io.volume import Volume

try:  # three times as fast as the standard library
    from isal import igzip as gzip
    from isal.igzip_lib import IsalError as DeflateError
except ImportError:
    gzip, DeflateError = stdlib_gzip, zlib.error

_HEADERS = {"nifti1": Nifti1Header, "nifti2": Nifti2Header, "mgh": MGHHeader}
_DEFLATE_MAX_RATIO = 1032  # one compressed byte never stands for more bytes than this
_CHUNK_BYTES = 1 << 20
_SILENT = logging.Logger("header repairs", level=logging.CRITICAL + 1)

ADVICE = {
    "missing": "Check the path.",
    "unreadable": "Check the path and its permissions, or convert the scan again.",
    "empty": "Copy it again.",
    "annex_pointer": "Fetch the scan with git annex get or git lfs pull.",
    "not_an_image": "Convert it to .nii.gz.",
    "truncated": "Copy it again.",
    "checksum": "Copy it again.",
    "too_large": "Raise max_voxels if it is a real scan.",
    "wrong_dimensions": "Split it into 3-D volumes.",
    "colour_image": "Take the grey scan that it was made from.",
    "bad_affine": "Repair the header's sform and qform.",
    "non_finite": "Fill the voxels, or leave the scan out.",
    "constant": "Leave the scan out.",
}


def read_volume(path, *, max_voxels=MAX_VOXELS):
    """Read one scan, with its voxels scaled and its whole file verified.

    The content decides about the format, not the name. The header is judged before
    anything of the size of the voxels is allocated, and a compressed file is read to
    its last byte, so that its checksum is known to hold.

    Parameters
    ----------
    path : str or os.PathLike
        A NIfTI-1, NIfTI-2 or MGH file, compressed with gzip or not.
    max_voxels : int, default=512**3
        Largest number of voxels to accept.

    Returns
    -------
    volume : Volume
        Voxels in the axes of the file, float32, with slope and intercept applied. The
        affine is the sform, else the qform, else the voxel sizes with the origin at
        the centre of the grid (what nibabel does when a file has neither), after
        nibabel's repairs of voxel sizes and codes; an MGH file has one only.

    Raises
    ------
    UnreadableVolumeError
        For everything that can be wrong with the file; its ``finding`` is a key of
        :data:`briqa_sk.exceptions.FINDINGS`. Bytes after the end of a gzip stream,
        other than zeros, count as damage.
    TypeError
        If ``path`` is not a path.

    Examples
    --------
    >>> from briqa_sk import read_volume
    >>> from briqa_sk.exceptions import UnreadableVolumeError
    >>> try:
    ...     read_volume("no_such_scan.nii.gz")
    ... except UnreadableVolumeError as error:
    ...     print(error.finding)
    missing
    """
    path = os.fspath(path)
    try:
        data, affine = _read(path, max_voxels)
    except (RefusalError, EOFError, OSError, DeflateError, zlib.error) as error:
        finding, detail = diagnose(path, error)
        raise UnreadableVolumeError(
            f"read_volume: {path} must be one intact 3-D image, got {detail} "
            f"({FINDINGS[finding]}). {ADVICE[finding]}",
            path=path,
            finding=finding,
            detail=detail,
        ) from error
    return Volume(data, affine, path=path)


def _read(path, max_voxels):
    try:
        status = os.stat(path)
    except ValueError as error:  # a NUL in the path
        raise RefusalError(f"a path with {error}.", finding="unreadable") from error
    if not stat.S_ISREG(status.st_mode):  # a pipe would wait for ever
        what = "a directory" if stat.S_ISDIR(status.st_mode) else "no regular file"
        raise RefusalError(f"{what}.", finding="unreadable")
    with open(path, "rb") as file:
        compressed = file.read(2) == GZIP_MAGIC
        file.seek(0)
        if not compressed:
            return _read_stream(file, max_voxels, status.st_size)
        most_bytes = status.st_size * _DEFLATE_MAX_RATIO
        try:
            with gzip.open(file) as stream:
                return _read_stream(stream, max_voxels, most_bytes)
        except EOFError:  # isal may say so before it hands over the last voxels
            file.seek(0)
            with stdlib_gzip.open(file) as stream:
                return _read_stream(stream, max_voxels, most_bytes)


def _read_stream(stream, max_voxels, most_bytes):
    """Return voxels and affine of a stream that can't hold more than some bytes."""
    start = stream.read(SNIFF_BYTES)
    kind, byte_order = sniff(start)
    shape, dtype, affine, offset, slope, inter = _parse_header(kind, byte_order, start)
    check_dtype(dtype)
    shape = check_shape(shape, max_voxels)
    check_affine(affine)
    n_bytes = shape[0] * shape[1] * shape[2] * dtype.itemsize
    if offset + n_bytes > most_bytes:
        raise RefusalError(
            f"{n_bytes} bytes of voxels promised, fewer there.", finding="truncated"
        )
    stream.seek(offset)
    raw = np.empty(n_bytes, np.uint8)
    _fill(stream, raw)
    _finish(stream)
    # The first axis varies fastest in the file; the array keeps that order.
    data = _scale(raw.view(dtype).reshape(shape, order="F"), slope, inter)
    check_voxels(data)
    return data, affine


def _parse_header(kind, byte_order, start):
    """Return shape, dtype, affine, offset of the voxels, slope and intercept."""
    try:
        if kind == "mgh":
            header = MGHHeader(start[:284], check=False)
            affine = header.get_affine()
        else:
            size = 348 if kind == "nifti1" else 540
            header = _HEADERS[kind](start[:size], byte_order, check=False)
            affine = _nifti_affine(header)
        shape = header.get_data_shape()
        offset = _voxel_offset(header)
        slope, inter = header.get_slope_inter()
        dtype = header.get_data_dtype()
    except (HeaderDataError, MGHError, ValueError, KeyError, OverflowError) as error:
        raise RefusalError(
            f"a broken header ({error}).", finding="unreadable"
        ) from error
    return shape, dtype, affine, offset, slope, inter


def _nifti_affine(header):
    try:
        repaired = header.copy()  # offset and type of the voxels are judged as they are
        repaired.check_fix(logger=_SILENT, error_level=logging.CRITICAL)
        return repaired.get_best_affine()
    except (HeaderDataError, ValueError) as error:
        raise RefusalError(
            f"an impossible qform ({error}).", finding="bad_affine"
        ) from error


def _voxel_offset(header):
    offset = int(header.get_data_offset())
    first = getattr(header, "single_vox_offset", 0)
    if offset == 0:  # never set by some writers
        return first
    if offset < first:
        raise ValueError(f"voxels start at byte {offset}, inside the header.")
    return offset


def _fill(stream, raw):
    view, filled = memoryview(raw), 0
    while filled < len(raw):
        n_read = stream.readinto(view[filled:])
        if not n_read:
            raise RefusalError(
                f"{filled} of {len(raw)} bytes of voxels.", finding="truncated"
            )
        filled += n_read


def _finish(stream):
    """Read on to the end of a gzip stream, where its checksum is compared."""
    if not isinstance(stream, stdlib_gzip.GzipFile):
        return
    try:
        while stream.read(_CHUNK_BYTES):
            pass
    except EOFError as error:
        raise RefusalError(
            "all voxels, but no whole gzip stream.", finding="checksum"
        ) from error


def _scale(voxels, slope, inter):
    """Return float32 voxels; integers too wide for float32 are scaled in float64."""
    if slope is None or (slope == 1 and inter == 0):
        with np.errstate(over="ignore", invalid="ignore"):  # ends as non_finite
            return voxels.astype(np.float32, order="K", copy=False)
    data = voxels.astype(np.result_type(voxels.dtype, np.float32), order="K")
    with np.errstate(over="ignore", invalid="ignore"):
        data *= slope
        data += inter
        return data.astype(np.float32, order="K", copy=False)


def diagnose(path, error):
    """Return finding and detail of whatever stopped the reading of a file.

    Parameters
    ----------
    path : str or None
        The file; None for an image in memory.
    error : Exception
        What stopped it.

    Returns
    -------
    finding, detail : str
        A key of :data:`briqa_sk.exceptions.FINDINGS`, and what exactly was found.
    """
    if isinstance(error, RefusalError):
        return error.finding, error.detail
    if isinstance(error, EOFError):
        return "truncated", "a gzip stream without its end"
    if isinstance(error, stdlib_gzip.BadGzipFile | DeflateError | zlib.error):
        return "checksum", f"what gzip calls {str(error)!r}"
    if not isinstance(error, FileNotFoundError | NotADirectoryError):
        return "unreadable", error.strerror or str(error).partition("\n")[0]
    if not os.path.islink(path):
        return "missing", "no file"
    target = os.readlink(path)
    annexed = "annex/objects/" in target.replace(os.sep, "/")
    return "annex_pointer" if annexed else "missing", f"a broken link to {target}"
