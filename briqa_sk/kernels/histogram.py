"""Landmarks of an intensity histogram, and the map from one set to another."""

import numpy as np

from briqa_sk.kernels.foreground import foreground_mask


def find_landmarks(data, percentiles):
    """Return intensity percentiles of the foreground.

    Parameters
    ----------
    data : ndarray of shape (i, j, k)
        Voxels.
    percentiles : sequence of float
        Increasing, in [0, 100].

    Returns
    -------
    landmarks : ndarray of shape (n_percentiles,), dtype float64
        Not decreasing.
    """
    return np.percentile(data[foreground_mask(data)].astype(float), percentiles)


def map_landmarks(data, own, standard):
    """Move the landmarks of a volume to standard places, linearly in between.

    Beyond the outer landmarks, the outer lines go on, so that no two intensities
    become one.

    Parameters
    ----------
    data : ndarray of shape (i, j, k)
        Voxels.
    own : ndarray of shape (n_landmarks,)
        Landmarks of the volume, not decreasing; of equal ones, the first counts.
    standard : ndarray of shape (n_landmarks,)
        Where they go.

    Returns
    -------
    mapped : ndarray of shape (i, j, k), dtype float32
        All voxels have the first standard value if the own landmarks are all equal.
    """
    own, first = np.unique(own, return_index=True)
    standard = np.asarray(standard)[first]
    if len(own) == 1:
        return np.full(data.shape, standard[0], np.float32)
    slopes = np.diff(standard) / np.diff(own)
    low, high = min(data.min(), own[0]), max(data.max(), own[-1])
    knots = np.concatenate([[low], own, [high]])
    values = np.concatenate(
        [
            [standard[0] + slopes[0] * (low - own[0])],
            standard,
            [standard[-1] + slopes[-1] * (high - own[-1])],
        ]
    )
    return np.interp(data, knots, values).astype(np.float32)
