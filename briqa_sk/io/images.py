"""nibabel's images as the sources of a sequence."""

import zlib
from dataclasses import dataclass

import numpy as np
from nibabel.arrayproxy import ArrayProxy

from briqa_sk.exceptions import FINDINGS, UnreadableVolumeError
from briqa_sk.io.limits import (
    MAX_VOXELS,
    RefusalError,
    check_affine,
    check_dtype,
    check_shape,
    check_voxels,
)
from briqa_sk.io.nifti import ADVICE, diagnose
from briqa_sk.io.volume import Volume


@dataclass(frozen=True, eq=False, repr=False)
class ImageSource:
    """Where the voxels of a nibabel image are, and where they lie in the head.

    A sequence holds this and not the image, because the pickle of an image is a whole
    file: it would read each scan, and round voxels to the type in the header.

    Parameters
    ----------
    voxels : ArrayProxy or ndarray
        Voxels that nibabel has not read yet, or has.
    affine : ndarray of shape (4, 4) or None
        Of the image, whatever the file says; None counts as 1 mm, RAS.
    path : str or None
        The file that voxels will be read from.
    """

    voxels: ArrayProxy | np.ndarray
    affine: np.ndarray
    path: str

    @classmethod
    def from_image(cls, image):
        """Return the source that stands for a nibabel image; nothing is read."""
        voxels, affine = image.dataobj, image.affine
        path = getattr(voxels, "file_like", None)
        if not (isinstance(voxels, ArrayProxy) and isinstance(path, str)):
            voxels, path = np.asanyarray(voxels), None
        return cls(voxels, None if affine is None else affine.copy(), path)

    def read(self):
        """Return the image as a Volume, judged as :func:`briqa_sk.read_volume` does.

        Returns
        -------
        volume : Volume
            Voxels as nibabel scales them.

        Raises
        ------
        UnreadableVolumeError
            For everything that can be wrong with it; see its ``finding``.
        """
        try:
            data = self._read_voxels()
        except (RefusalError, EOFError, OSError, zlib.error) as error:
            finding, detail = diagnose(self.path, error)
            raise UnreadableVolumeError(
                f"VolumeSequence: {self.path or 'a nibabel image'} must be one intact "
                f"3-D image, got {detail} ({FINDINGS[finding]}). {ADVICE[finding]}",
                path=self.path,
                finding=finding,
                detail=detail,
            ) from error
        return Volume(data, self.affine, path=self.path)

    def _read_voxels(self):
        check_dtype(self.voxels.dtype)
        shape = check_shape(self.voxels.shape, MAX_VOXELS)
        if self.affine is not None:
            check_affine(self.affine)
        data = np.asanyarray(self.voxels)
        # A memory map would follow later changes of the file.
        is_map = isinstance(data, np.memmap)
        with np.errstate(over="ignore", invalid="ignore"):  # ends as non_finite
            data = np.asarray(data.astype(np.float32, order="K", copy=is_map))
        data = data.reshape(shape)
        check_voxels(data)
        return data
