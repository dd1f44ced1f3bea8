"""What is in the air: noise, ghosts, interference, or nothing."""

import math

import numpy as np

from briqa_sk.kernels.quality.sample import ratio, sample, spread_of

_RAYLEIGH_MEDIAN = math.sqrt(2 * math.log(2))  # of unit sigma
_BRIGHT_SIGMAS = 4.0  # one voxel of Rayleigh noise in 3000 is brighter


def background_metrics(head):
    """Measure the level of the air, what stands out of it, and ghosts of the head.

    Parameters
    ----------
    head : HeadAndAir
        A scan. Without air, all metrics are 0.

    Returns
    -------
    metrics : dict of str to float
        See the user guide.
    """
    air = sample(head.data[head.air])
    if air.size == 0:
        air = np.zeros(1, np.float32)
    median, spread = spread_of(air)
    blocks = head.coarse[head.coarse_air]
    block_median, block_top = np.percentile(blocks, [50, 95]) if blocks.size else (0, 0)
    floor = _BRIGHT_SIGMAS * median / _RAYLEIGH_MEDIAN
    top = float(np.percentile(air, 99))
    shadows = [shadow(head, axis) for axis in range(3)]
    return {
        "air_median": median,
        "air_spread": spread,
        "air_p99": top,
        "air_tail": ratio(top, median),
        "air_bright": float((air > floor).mean()),
        "air_uneven": float(block_top - block_median),
        **{f"gsr_{n}": ghost_to_signal(head, a) for a, n in enumerate("ijk")},
        "shadow_max": max(shadows),
    }


def ghost_to_signal(head, axis):
    """Return how much brighter air is half a field of view away from the head.

    Mean of the air where a copy of the head, moved by half the field of view along an
    axis, would lie, minus the mean of the other air, over the mean foreground.
    """
    moved = np.roll(head.head, head.head.shape[axis] // 2, axis=axis)
    return _excess(head, moved)


def shadow(head, axis):
    """Return how much brighter air is beside the head along an axis than elsewhere.

    A head that moves leaves ghosts and streaks along the phase axis only.
    """
    return _excess(head, head.head.any(axis=axis, keepdims=True))


def _excess(head, place):
    """Return the mean air at a place minus that elsewhere, 0 if there is none."""
    here, elsewhere = head.coarse_air & place, head.coarse_air & ~place
    if not (here.any() and elsewhere.any()):
        return 0.0
    means = [head.coarse[part].mean(dtype=np.float64) for part in (here, elsewhere)]
    return float(means[0] - means[1])
