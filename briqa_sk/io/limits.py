"""What a scan must satisfy before, and after, its voxels are read."""

import numpy as np

#: Voxels that one scan may hold: 512 MiB as float32, more than a head at 0.5 mm.
MAX_VOXELS = 512**3

#: Voxel sizes, in millimetres, that an image of a living thing can have.
SPACING_RANGE_MM = (1e-4, 1e3)

# |determinant| of the unit axes: 1 for a right-angled grid, 0 for a flat one.
_MIN_VOLUME_OF_UNIT_AXES = 1e-3


class RefusalError(Exception):
    """A finding on its way to the caller, who knows the path.

    Parameters
    ----------
    text : str
        What exactly was found, with a full stop; :attr:`detail` goes without it.
    finding : str
        A key of :data:`briqa_sk.exceptions.FINDINGS`.
    """

    def __init__(self, text, *, finding):
        super().__init__(text)
        self.finding = finding
        self.detail = text.removesuffix(".")


def check_shape(shape, max_voxels):
    """Return a header's shape as three axes, or refuse it.

    Parameters
    ----------
    shape : tuple of int
        As the header says; trailing axes of length 1 are dropped down to three axes.
    max_voxels : int
        Largest number of voxels.

    Returns
    -------
    shape : tuple of int
        Three positive axes.
    """
    kept = tuple(int(n) for n in shape)
    while len(kept) > 3 and kept[-1] == 1:
        kept = kept[:-1]
    if len(kept) != 3 or min(kept) < 1:
        raise RefusalError(
            f"shape {tuple(int(n) for n in shape)}.", finding="wrong_dimensions"
        )
    # Python integers: the product of three header fields overflows in NumPy.
    n_voxels = kept[0] * kept[1] * kept[2]
    if n_voxels > max_voxels:
        raise RefusalError(
            f"shape {kept}, more than {max_voxels} voxels.", finding="too_large"
        )
    return kept


def check_dtype(dtype):
    """Refuse voxels that are not one real number each."""
    if dtype.names is not None or dtype.kind not in "biuf":
        kind = "".join(dtype.names) if dtype.names else dtype.name
        raise RefusalError(f"voxels of type {kind}.", finding="colour_image")


def check_affine(affine):
    """Refuse an affine that does not place every voxel at its own point.

    Parameters
    ----------
    affine : ndarray of shape (4, 4)
        Voxel indices -> millimetres.
    """
    if not np.isfinite(affine).all():
        raise RefusalError(
            "an affine with NaN or infinite entries.", finding="bad_affine"
        )
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    low, high = SPACING_RANGE_MM
    if not ((spacing > low) & (spacing < high)).all():
        raise RefusalError(f"voxels of {_sizes(spacing)} mm.", finding="bad_affine")
    if abs(np.linalg.det(affine[:3, :3] / spacing)) < _MIN_VOLUME_OF_UNIT_AXES:
        raise RefusalError("a singular affine.", finding="bad_affine")


def check_voxels(data):
    """Refuse voxels that are not all finite, or all the same.

    Parameters
    ----------
    data : ndarray of shape (i, j, k), dtype float32
        Voxels.
    """
    # The extremes of a volume with NaN are NaN: two passes, and no mask in memory.
    low, high = data.min(), data.max()
    if not (np.isfinite(low) and np.isfinite(high)):
        n_bad = int(data.size - np.count_nonzero(np.isfinite(data)))
        raise RefusalError(
            f"NaN or inf in {n_bad} of {data.size} voxels.", finding="non_finite"
        )
    if low == high:
        raise RefusalError(
            f"the value {float(low):g} in all voxels.", finding="constant"
        )


def _sizes(spacing):
    return " x ".join(f"{size:g}" for size in spacing)
