"""Tell what a file holds from its first bytes, whatever its name says."""

import struct

from briqa_sk.io.limits import RefusalError

#: Bytes that :func:`sniff` wants to see: a NIfTI-2 header with its extension flag.
SNIFF_BYTES = 544

GZIP_MAGIC = b"\x1f\x8b"

_MGH_HEADER_BYTES = 284
_MGH_VOXEL_TYPES = (0, 1, 3, 4)  # uint8, int32, float32, int16

# (offset, bytes there, what the file seems to be)
_SIGNATURES = (
    (128, b"DICM", "a DICOM file"),
    (0, b"CDF\x01", "a MINC 1 file"),
    (0, b"CDF\x02", "a MINC 1 file"),
    (0, b"\x89HDF\r\n\x1a\n", "an HDF5 file, perhaps MINC 2"),
    (0, b"# === DATA DESCRIPTION FILE", "a Philips PAR header"),
    (0, b"NRRD", "an NRRD file"),
    (0, b"ObjectType", "a MetaImage header"),
    (0, b"\x89PNG", "a PNG picture"),
    (0, b"\xff\xd8\xff", "a JPEG picture"),
    (0, b"%PDF", "a PDF document"),
    (0, b"PK\x03\x04", "a zip archive"),
    (0, b"BZh", "a bzip2 archive"),
    (0, b"\x28\xb5\x2f\xfd", "a Zstandard archive"),
    (257, b"ustar", "a tar archive"),
)


def sniff(start):
    """Return the kind of image and its byte order.

    Parameters
    ----------
    start : bytes
        The first :data:`SNIFF_BYTES` bytes of the file, after decompression; all of
        them if there are fewer.

    Returns
    -------
    kind : {"nifti1", "nifti2", "mgh"}
        Format of the header.
    byte_order : {"<", ">"}
        Of header and voxels.

    Raises
    ------
    RefusalError
        If it is anything else; the detail says what it seems to be.

    Examples
    --------
    >>> sniff(struct.pack(">5i", 1, 2, 2, 2, 1) + bytes(264))
    ('mgh', '>')
    """
    if not start:
        raise RefusalError("0 bytes.", finding="empty")
    _refuse_pointers(start)
    found = _nifti(start) or _mgh(start)
    if not found:
        other = "text" if _is_text(start) else "unknown binary data"
        raise RefusalError(f"{_signature(start) or other}.", finding="not_an_image")
    return found


def _signature(start):
    for offset, signature, name in _SIGNATURES:
        if start[offset : offset + len(signature)] == signature:
            return name
    return None


def _refuse_pointers(start):
    if start.startswith(b"version https://git-lfs"):
        raise RefusalError("a Git LFS pointer.", finding="annex_pointer")
    if b"annex/objects/" in start and _is_text(start):
        raise RefusalError("a git-annex pointer.", finding="annex_pointer")


def _nifti(start):
    """Return what sizeof_hdr and magic say; the magic alone is a damaged header."""
    for byte_order in "<>":
        size = struct.unpack(f"{byte_order}i", start[:4].ljust(4, b"\xff"))[0]
        if size not in (348, 540):
            continue
        if len(start) < size:
            raise RefusalError(
                f"{len(start)} of {size} bytes of the header.", finding="truncated"
            )
        magic = start[344:348] if size == 348 else start[4:8]
        if magic[:3] in (b"n+1", b"n+2"):
            return ("nifti1" if size == 348 else "nifti2"), byte_order
        pair = magic[:3] in (b"ni1", b"ni2")
        which = "a NIfTI header without voxels" if pair else "an Analyze 7.5 header"
        # DICOM leaves its first 128 bytes free, and some writers put Analyze there.
        raise RefusalError(f"{_signature(start) or which}.", finding="not_an_image")
    if start[344:348] == b"n+1\0" or start[4:8] == b"n+2\0":
        raise RefusalError("a NIfTI header of the wrong length.", finding="unreadable")
    return None


def _mgh(start):
    if len(start) < 24 or start[:4] != b"\0\0\0\1":
        return None
    *dims, voxel_type = struct.unpack(">5i", start[4:24])
    if min(dims) < 0 or voxel_type not in _MGH_VOXEL_TYPES:
        return None
    if len(start) < _MGH_HEADER_BYTES:
        raise RefusalError(
            f"{len(start)} of {_MGH_HEADER_BYTES} bytes of the header.",
            finding="truncated",
        )
    return "mgh", ">"


def _is_text(start):
    return all(byte >= 32 or byte in b"\t\n\r" for byte in start)
