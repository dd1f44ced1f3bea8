"""The first step of a pipeline over files."""

from numbers import Integral

from briqa_sk.base import VolumeTransformer
from briqa_sk.io import VolumeSequence, as_volumes, read_volume
from briqa_sk.io.limits import MAX_VOXELS
from briqa_sk.kernels import reorient
from briqa_sk.preprocessing.spatial import check_orientation


class LoadVolumes(VolumeTransformer):
    """Turn paths or nibabel images into a lazy sequence of volumes with known axes.

    Scanners store the same head with different axes; a network must see one. Nothing
    is read before a volume of the sequence is looked at, so a missing or damaged file
    is found then, not in ``fit``.

    Parameters
    ----------
    orientation : str or None, default="RAS"
        Axes of the volumes: the three ends towards which ``i``, ``j`` and ``k`` grow,
        each R or L, A or P, S or I. None keeps the axes of each file.
    max_voxels : int, default=512**3
        Paths of files whose header promises more are refused before they are read.

    See Also
    --------
    Reorient : The same for volumes in memory.
    CacheVolumes : Keep what the steps made of each file.

    Examples
    --------
    >>> import tempfile, nibabel, numpy as np
    >>> from briqa_sk import LoadVolumes
    >>> voxels = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    >>> path = tempfile.mkdtemp() + "/scan.nii.gz"
    >>> nibabel.save(nibabel.Nifti1Image(voxels, np.diag([-1.0, 1, 2, 1])), path)
    >>> LoadVolumes().fit_transform([path])[0]
    Volume(shape=(2, 3, 4), spacing_mm=(1.0, 1.0, 2.0), history=('LoadVolumes(RAS)',))
    """

    def __init__(self, orientation="RAS", max_voxels=MAX_VOXELS):
        self.orientation = orientation
        self.max_voxels = max_voxels

    def read(self, path):
        """Read one file within the limit, in its own axes.

        Parameters
        ----------
        path : str or os.PathLike
            The file.

        Returns
        -------
        volume : Volume
            As :func:`briqa_sk.read_volume` returns it.
        """
        return read_volume(path, max_voxels=self.max_voxels)

    def _check_params(self):
        if self.orientation is not None:
            check_orientation(self.orientation, caller="LoadVolumes")
        if not isinstance(self.max_voxels, Integral) or self.max_voxels < 1:
            raise ValueError(
                "LoadVolumes: max_voxels must be a whole number above 0, "
                f"got {self.max_voxels!r}."
            )

    def _check_X(self, X, *, reset):
        X = as_volumes(X, caller="LoadVolumes")
        if not isinstance(X, VolumeSequence):
            raise TypeError(
                "LoadVolumes: X must hold paths, nibabel images or Volumes, got "
                f"{type(X).__name__} of shape {X.shape}. Leave LoadVolumes out of a "
                "pipeline over arrays."
            )
        return X

    def _transform_volume(self, volume):
        if self.orientation is None:
            return volume.derive(volume.data, step="LoadVolumes(None)")
        data, affine = reorient(volume.data, volume.affine, self.orientation)
        return volume.derive(data, affine, step=f"LoadVolumes({self.orientation})")
