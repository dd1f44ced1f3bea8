"""Which axis of a scan is read out, which is phase-encoded, and which has slices."""

from numbers import Integral

import numpy as np

#: What the axes of an acquisition do, in the order in which they are preferred.
ROLES = ("readout", "phase", "slice")
MIN_VOXELS = 8  # along an axis in which an artifact acts
_THICK = 2.0  # voxels longer than this, relative to the shortest edge, are slices


def check_axis(axis, *, caller):
    """Raise ``ValueError`` unless an axis is None or one of a volume's three."""
    is_axis = isinstance(axis, Integral) and not isinstance(axis, bool)
    if axis is not None and (not is_axis or not -3 <= axis <= 2):
        raise ValueError(
            f"{caller}: axis must be 0, 1 or 2 (or -3 to -1), or None to draw it, got "
            f"{axis!r}."
        )


def assign_axes(acquisition, shape, spacing_mm):
    """Return what each axis of a scan does, and whether it was acquired in slices.

    Parameters
    ----------
    acquisition : dict
        From :meth:`Acquisition.draw`.
    shape : tuple of 3 int
        Voxels along i, j, k.
    spacing_mm : sequence of 3 float
        Voxel size.

    Returns
    -------
    axes : dict of str to int
        Of ``"readout"``, ``"phase"`` and ``"slice"``. Readout and phase are one axis
        only where no other has 8 voxels.
    is_2d : bool
        Whether slices were acquired one by one.
    """
    given, preferred = acquisition["given"], acquisition["axes"]
    in_plane = {given[role] for role in ("readout", "phase") if role in given}
    rest = [axis for axis in preferred[::-1] if axis not in in_plane]
    # Few voxels, or long ones, are slices; the last preferred axis, if all are alike.
    likeness = [(min(shape[a], MIN_VOXELS), -_thickness(a, spacing_mm)) for a in rest]
    slices = given.get("slice", rest[likeness.index(min(likeness))])
    is_2d = acquisition["mode"] == "2d" or (
        acquisition["mode"] is None
        and (shape[slices] < MIN_VOXELS or _thickness(slices, spacing_mm) > _THICK)
    )
    axes = {"slice": slices, **{r: given[r] for r in ROLES if r in given}}
    for role in ("phase", "readout"):
        if role not in axes:
            axes[role] = _free_axis(preferred, set(axes.values()), shape)
    return axes, is_2d


def thin_axes(axes, is_2d, spacing_mm):
    """Return the axes that are not across slices, nor along voxels as long as these.

    Parameters
    ----------
    axes : dict of str to int
        From :func:`assign_axes`.
    is_2d : bool
        Likewise.
    spacing_mm : sequence of 3 float
        Voxel size.

    Returns
    -------
    axes : list of int
        At least one.
    """
    across = {axes["slice"]} if is_2d else set()
    across |= {axis for axis in range(3) if _thickness(axis, spacing_mm) > 1}
    return [axis for axis in range(3) if axis not in across]


def _free_axis(preferred, taken, shape):
    """Return an axis that is long enough: one that is free, or else one that is not."""
    order = [*(a for a in preferred if a not in taken), *preferred]
    long_enough = [axis for axis in order if shape[axis] >= MIN_VOXELS]
    return (long_enough or order)[0]


def _thickness(axis, spacing_mm):
    """Return how much longer a voxel is than its shortest edge, 1 if hardly."""
    ratio = spacing_mm[axis] / min(spacing_mm)
    return float(np.where(ratio > _THICK, ratio, 1.0))
