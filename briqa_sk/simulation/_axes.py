"""Which axis an artifact acts in."""

from numbers import Integral

MIN_VOXELS = 8  # along an axis in which an artifact acts
_THICK = 2.0  # voxels longer than this, relative to the shortest edge, are slices


def draw_axes(axis, rng):
    """Return axes in order of preference: the given one, or all three, shuffled.

    The stream advances by the same amount in both cases, so that an axis changes
    nothing else that is drawn.
    """
    shuffled = rng.permutation(3).tolist()
    return shuffled if axis is None else [axis]


def check_axis(axis, *, caller):
    """Raise ``ValueError`` unless an axis is None or one of a volume's three."""
    is_axis = isinstance(axis, Integral) and not isinstance(axis, bool)
    if axis is not None and (not is_axis or not -3 <= axis <= 2):
        raise ValueError(
            f"{caller}: axis must be 0, 1 or 2 (or -3 to -1), or None to draw it, got "
            f"{axis!r}."
        )


def acting_axis(axes, shape, spacing_mm, *, caller):
    """Return the axis in which an artifact acts, from an order of preference.

    Of several axes, those with fewer than 8 voxels are passed over, and so is the slice
    direction of a scan with thick slices: lines of k-space are acquired in the plane.

    Parameters
    ----------
    axes : list of int
        From :func:`draw_axes`.
    shape : tuple of 3 int
        Voxels along i, j, k.
    spacing_mm : tuple of 3 float
        Voxel size.
    caller : str
        Opens the error message.

    Returns
    -------
    axis : int
        0, 1 or 2.

    Raises
    ------
    ValueError
        If no axis has 8 voxels.
    """
    longest = [axis for axis in axes if shape[axis] >= MIN_VOXELS]
    if not longest:
        where = f"along axis {axes[0]}" if len(axes) == 1 else "along an axis"
        raise ValueError(
            f"{caller}: a volume must have at least {MIN_VOXELS} voxels {where}, got "
            f"shape {tuple(shape)}."
        )
    in_plane = _THICK * min(spacing_mm)
    fine = [axis for axis in longest if spacing_mm[axis] <= in_plane]
    chosen = fine if len(axes) > 1 and fine else longest
    return chosen[0] % 3
