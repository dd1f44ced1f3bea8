"""One scan while it is corrupted: what all of its artifacts share."""

import zlib
from functools import cached_property

import numpy as np
from nibabel.orientations import io_orientation

from briqa_sk.kernels import signal_levels
from briqa_sk.kernels.coarse import CoarseGrid
from briqa_sk.kernels.noise import middle_slabs, noise_level
from briqa_sk.simulation._axes import MIN_VOXELS, assign_axes, thin_axes
from briqa_sk.simulation.field_map import FieldMap

_SAMPLE_VOXELS = 100_000  # that tell one scan from another


class Scan:
    """One acquisition of one head.

    What is measured in a scan (its levels, its noise, its field) is measured once,
    before it is corrupted.

    Parameters
    ----------
    data : Tensor of shape (i, j, k), dtype float32
        The clean scan.
    spacing_mm : tuple of 3 float
        Voxel size.
    acquisition : dict
        From :meth:`Acquisition.draw`.
    affine : ndarray of shape (4, 4) or None, default=None
        Voxel indices -> RAS millimetres. None: the axes are those of the world.

    Attributes
    ----------
    shape : tuple of 3 int
        Voxels along i, j, k.
    spacing_mm : tuple of 3 float
        Voxel size.
    acquisition : dict
        As given.
    is_2d : bool
        Whether it was acquired slice by slice.
    fine_axes : list of int
        Axes along which neighbours are alike: not across slices.
    levels : SignalLevels
        Of the clean scan.
    sigma : float
        Standard deviation of the noise in tissue.
    field_map : FieldMap
        Of the main field.
    """

    def __init__(self, data, spacing_mm, acquisition, affine=None):
        self.shape = tuple(data.shape)
        self.spacing_mm = tuple(float(mm) for mm in spacing_mm)
        self.acquisition = acquisition
        self.levels = signal_levels(data.cpu().numpy())
        self._affine = np.eye(4) if affine is None else affine
        self._axes, self.is_2d = assign_axes(acquisition, self.shape, self.spacing_mm)
        self._fingerprint, self._n_streams = _fingerprint(data), 0
        self.fine_axes = thin_axes(self._axes, self.is_2d, self.spacing_mm)
        # Copies, because the voxels are overwritten.
        self._slabs = middle_slabs(data).clone()
        self._grid = CoarseGrid(self.shape, self.spacing_mm)
        self._means = self._grid.average(data)

    def axis(self, role, *, caller, n_least=MIN_VOXELS):
        """Return the axis of a role.

        Parameters
        ----------
        role : {"readout", "phase", "slice"}
            What the axis does.
        caller : str
            Opens the error message.
        n_least : int, default=8
            Voxels that it must have.

        Returns
        -------
        axis : int
            0, 1 or 2.

        Raises
        ------
        ValueError
            If the axis has fewer voxels.
        """
        axis = self._axes[role]
        if self.shape[axis] < n_least:
            raise ValueError(
                f"{caller}: a volume must have at least {n_least} voxels along its "
                f"{role} axis {axis}, got shape {self.shape}."
            )
        return axis

    @cached_property
    def sigma(self):
        """Standard deviation of the noise in tissue."""
        return noise_level(self._slabs, self.levels.floor)

    @cached_property
    def field_map(self):
        """Map of the main field, from the anatomy of the clean scan."""
        return FieldMap(
            self._means,
            self._grid,
            self.acquisition["field"],
            self.levels,
            io_orientation(self._affine),
        )

    def fresh_bits(self):
        """Return random bits for noise that is received, others at each call.

        They follow from the seed of the acquisition and from the voxels of the clean
        scan, so that they are the same again when a record is replayed, and independent
        in two scans of one head.

        Returns
        -------
        bits : numpy.random.SFC64
            The stream.
        """
        self._n_streams += 1
        seed = self.acquisition["seed"]
        return np.random.SFC64([seed, self._fingerprint, self._n_streams])


def _fingerprint(data):
    """Return a number that tells the voxels of one scan from those of another."""
    sample = data.reshape(-1)[:: max(1, data.numel() // _SAMPLE_VOXELS)]
    return zlib.crc32(np.ascontiguousarray(sample.cpu().numpy()))
