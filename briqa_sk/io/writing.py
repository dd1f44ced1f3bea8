"""Volumes out, as NIfTI files."""

import gzip

import nibabel as nib
import numpy as np

from briqa_sk.io.atomic import write_atomically
from briqa_sk.io.limits import RefusalError, check_voxels

_INT16_MAX = np.iinfo(np.int16).max
# A step is a float32 in the file, and loses digits where that is denormal.
_SMALLEST_SPAN = 65535 * float(np.finfo(np.float32).tiny)
_LEVEL = 1  # noise hardly compresses; higher levels cost time and save a few percent


def write_volume(volume, path):
    """Write a volume as a compressed NIfTI-1 file, whole or not at all.

    Voxels are stored in 16 bits, as scanners store them: whole numbers up to 32767 as
    they are, others in equal steps of 1 / 65535 of their range. Equal volumes give
    equal bytes on one machine, because nothing in the file tells the time. What is
    written can be read again.

    Parameters
    ----------
    volume : Volume
        The volume; its history is not kept.
    path : str or os.PathLike
        A file in a folder that exists, ``.nii.gz``.

    Raises
    ------
    ValueError
        If voxels are NaN, infinite or all the same, or a step would be too small.
    OSError
        If the file can't be written.

    Examples
    --------
    >>> import tempfile
    >>> from briqa_sk import Volume, read_volume
    >>> path = tempfile.mkdtemp() + "/scan.nii.gz"
    >>> write_volume(Volume(np.arange(8.0).reshape(2, 2, 2)), path)
    >>> read_volume(path).data.max()
    np.float32(7.0)
    """
    data = volume.data
    _check(data, path)
    if np.abs(data).max() <= _INT16_MAX and np.array_equal(data, np.rint(data)):
        data = data.astype(np.int16)
    image = nib.Nifti1Image(data, volume.affine, dtype=np.int16)
    image.header.set_xyzt_units("mm")
    content = gzip.compress(image.to_bytes(), compresslevel=_LEVEL, mtime=0)
    write_atomically(path, lambda file: file.write(content))


def _check(data, path):
    try:
        check_voxels(data)
        span = float(data.max()) - float(data.min())
        if span < _SMALLEST_SPAN:
            raise RefusalError(f"a range of {span:.3g}.", finding="constant")
    except RefusalError as error:
        raise ValueError(
            f"write_volume: {path} must get finite voxels in a range of at least "
            f"{_SMALLEST_SPAN:.1g}, got {error.detail}. Scale the scan, so that its "
            "mean is about 100."
        ) from error
