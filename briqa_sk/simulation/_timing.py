"""When the lines and the slices of a scan are acquired."""

import numpy as np

_NEAREST = 1e-3  # relative distance from the centre that still counts as apart from it


def line_times(acquisition, n_lines):
    """Return when each line along the phase axis is acquired.

    Parameters
    ----------
    acquisition : dict
        From :meth:`Acquisition.draw`; it has the order of the lines.
    n_lines : int
        How many.

    Returns
    -------
    times : ndarray of shape (n_lines,)
        In the order of the FFT, as fractions of the acquisition.
    """
    row = np.fft.fftfreq(n_lines, 1 / n_lines).astype(int) + n_lines // 2
    order = acquisition["line_order"]
    if order == "centric":
        keys = (np.abs(row - n_lines // 2),)
    elif order == "interleaved":
        keys = (row, row % acquisition["n_segments"])
    else:
        keys = (row,)
    rank = np.empty(n_lines)
    rank[np.lexsort(keys)] = np.arange(n_lines)
    return (rank + 0.5) / n_lines


def time_of_line(acquisition, distance, turn):
    """Return a time at which a line at some distance from the centre is acquired.

    Parameters
    ----------
    acquisition : dict
        From :meth:`Acquisition.draw`.
    distance : float
        From the centre of k-space, 1 at its ends.
    turn : float
        In [0, 1): chooses among the times at which lines so far from the centre are
        acquired, on both sides and in each segment.

    Returns
    -------
    time : float
        As a fraction of the acquisition.
    """
    if acquisition["line_order"] == "centric":
        return max(distance, _NEAREST)
    is_interleaved = acquisition["line_order"] == "interleaved"
    n_segments = acquisition["n_segments"] if is_interleaved else 1
    turn = turn * 2 * n_segments
    side = 1 if int(turn) % 2 else -1
    return (int(turn) // 2 + 0.5 + side * max(distance, _NEAREST) / 2) / n_segments


def slice_packages(acquisition, n_slices, n_packages):
    """Return which slices are acquired together, package after package.

    Parameters
    ----------
    acquisition : dict
        From :meth:`Acquisition.draw`; it has the order of the slices.
    n_slices : int
        How many.
    n_packages : int
        At most; with as many as slices, each slice is acquired on its own.

    Returns
    -------
    packages : list of ndarray of int
        Indices of the slices.
    """
    order = np.arange(n_slices)
    if acquisition["slice_order"] == "descending":
        order = order[::-1].copy()
    elif acquisition["slice_order"] == "interleaved":
        order = np.argsort(order % min(2, n_packages), kind="stable")
    return np.array_split(order, min(n_packages, n_slices))
