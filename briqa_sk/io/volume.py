"""One scan in memory."""

from dataclasses import dataclass, replace

import numpy as np


@dataclass(frozen=True, eq=False, repr=False)
class Volume:
    """A 3-D image, where it lies in the head, and what was done to it.

    Axes are nibabel's ``i, j, k``, never transposed. A volume is a value: steps return
    a new one and leave this one alone.

    Parameters
    ----------
    data : ndarray of shape (i, j, k), dtype float32
        Voxels, arbitrary units; read-only.
    affine : ndarray of shape (4, 4), default=identity
        Voxel indices -> millimetres in RAS+ world space; a read-only copy. The default
        is a grid of 1 mm in RAS orientation.
    path : str or None, default=None
        The file it came from.
    source_affine : ndarray of shape (4, 4) or None, default=None
        Affine of the file; None means ``affine``.
    source_shape : tuple of int or None, default=None
        Shape of the file; None means the shape of ``data``.
    history : tuple of str, default=()
        One entry per step applied so far.

    Examples
    --------
    >>> import numpy as np
    >>> Volume(np.zeros((4, 5, 6)), np.diag([2.0, 2.0, 3.0, 1.0])).spacing_mm
    (2.0, 2.0, 3.0)
    """

    data: np.ndarray
    affine: np.ndarray = None
    path: str = None
    source_affine: np.ndarray = None
    source_shape: tuple = None
    history: tuple = ()

    def __post_init__(self):
        data = np.asarray(self.data, dtype=np.float32).view()
        if data.ndim != 3:
            raise ValueError(f"Volume: data must be 3-D, got shape {data.shape}.")
        data.flags.writeable = False
        affine = _frozen_affine(np.eye(4) if self.affine is None else self.affine)
        source_affine = affine
        if self.source_affine is not None:
            source_affine = _frozen_affine(self.source_affine)
        source_shape = data.shape if self.source_shape is None else self.source_shape
        for name, value in [
            ("data", data),
            ("affine", affine),
            ("source_affine", source_affine),
            ("source_shape", tuple(source_shape)),
        ]:
            object.__setattr__(self, name, value)  # the dataclass is frozen

    def __setstate__(self, state):
        # Pickling and copying lose the flag that makes arrays read-only.
        self.__dict__.update(state)
        self.__post_init__()

    @property
    def shape(self):
        """Shape (i, j, k) in voxels."""
        return self.data.shape

    @property
    def spacing_mm(self):
        """Voxel size along i, j and k in millimetres."""
        return tuple(float(s) for s in np.linalg.norm(self.affine[:3, :3], axis=0))

    def __repr__(self):
        return (
            f"Volume(shape={self.shape}, spacing_mm={self.spacing_mm}, "
            f"history={self.history})"
        )

    def __array__(self, dtype=None, copy=None):
        data = np.asarray(self.data, dtype=dtype)  # NumPy 1 has no copy=None
        return data.copy() if copy else data

    def derive(self, data, affine=None, *, step):
        """Return the volume that a step made of this one.

        Parameters
        ----------
        data : ndarray of shape (i, j, k)
            The new voxels.
        affine : ndarray of shape (4, 4) or None, default=None
            The new affine; None keeps this one.
        step : str
            Entry for the history.

        Returns
        -------
        volume : Volume
            Same origin, one more entry in the history.
        """
        return replace(
            self,
            data=data,
            affine=self.affine if affine is None else affine,
            history=(*self.history, step),
        )


def _frozen_affine(affine):
    affine = np.array(affine, dtype=float)
    if affine.shape != (4, 4):
        raise ValueError(f"Volume: affine must be 4 x 4, got shape {affine.shape}.")
    affine.flags.writeable = False
    return affine
