"""Between which signals the brain lies in a scan, and which contrast the scan has."""

from dataclasses import dataclass

import numpy as np

from briqa_sk.kernels.levels import thinning

_CENTRAL = 0.7  # of the half axes of an ellipsoid as large as the head
_HOMOGENEOUS = 0.1  # relative slope per voxel at which a voxel counts half
_LEAST_VOXELS = 8  # along an axis whose slopes say whether a voxel is homogeneous
_BRAIN = (0.55, 1.6)  # signal of the brain over its median: fluid and fat lie outside
_PART = (0.05, 0.95)  # of the homogeneous brain
_MARGIN = 1.05
_BRIGHTEST = 1.2  # brain over its median with dark fluid: above lie fat and lesions
_FLUID_IS_BRIGHT = -0.03  # mean of the centre, relative to its homogeneous part
_GREY_IS_DARK = 0.7  # lowest signal of the brain over its median: in T1w it is lower


@dataclass(frozen=True)
class BrainSignal:
    """Signals of grey and white matter in one scan.

    Parameters
    ----------
    low, high : float
        Grey and white matter lie between them, whichever of the two is brighter.
    contrast : {"T1w", "T2w", "FLAIR"}
        What the scan looks like: with dark fluid and much contrast in the brain, with
        bright fluid, or with dark fluid and little contrast.
    """

    low: float
    high: float
    contrast: str


def brain_signal(signal, floor):
    """Find the signals of the brain in a scan of any contrast.

    The most homogeneous tissue in the middle of a head is brain, most of it white
    matter. Grey matter differs from it by less than fluid and fat do. Where most of
    the rest is brighter than it, fluid is bright.

    Parameters
    ----------
    signal : Tensor of shape (i, j, k)
        A scan without noise, 0 in air.
    floor : float
        Brightest value that counts as air.

    Returns
    -------
    brain : BrainSignal or None
        None where there is no tissue, or all tissue is alike.
    """
    values, weights = _central_tissue(signal, floor)
    if len(values) == 0:
        return None
    typical = _quantiles(values, weights, (0.5,))[0]
    is_brain = (values > _BRAIN[0] * typical) & (values < _BRAIN[1] * typical)
    low, high = _quantiles(values[is_brain], weights[is_brain], _PART)
    if not low < high:
        return None
    low, high = float(low / _MARGIN), float(high * _MARGIN)
    if float(np.clip(values / typical, 0.25, 2.5).mean()) - 1 > _FLUID_IS_BRIGHT:
        return BrainSignal(low, high, "T2w")
    high = min(high, _BRIGHTEST * float(typical))
    return BrainSignal(low, high, "T1w" if low < _GREY_IS_DARK * typical else "FLAIR")


def _central_tissue(signal, floor):
    """Return the signals of voxels in the middle, and how homogeneous each is."""
    step = thinning(signal.shape)[0].step
    inner = [
        slice(1, n - 1, step) if n >= _LEAST_VOXELS else slice(None)
        for n in signal.shape
    ]
    values = signal[tuple(inner)].cpu().numpy()
    is_tissue = values > floor
    places = np.argwhere(is_tissue)
    if len(places) == 0:
        return values[is_tissue], values[is_tissue]
    # The half axes of an ellipsoid are the root of 5 times its standard deviations.
    spread = np.maximum(np.sqrt(5) * places.std(axis=0), 1)
    away = (((places - places.mean(axis=0)) / spread) ** 2).sum(axis=1)
    slope = _squared_slope(signal, inner)[is_tissue][away < _CENTRAL**2]
    values = values[is_tissue][away < _CENTRAL**2]
    return values, 1 / (1 + slope / (_HOMOGENEOUS * values) ** 2)


def _squared_slope(signal, inner):
    """Return the squared length of the gradient at some voxels."""
    total = 0.0
    for axis, at in enumerate(inner):
        if at.start is None:
            continue
        ahead, behind = (
            signal[
                tuple(_moved(s, by) if a == axis else s for a, s in enumerate(inner))
            ]
            for by in (1, -1)
        )
        total = total + (0.5 * (ahead - behind)).square().cpu().numpy()
    return np.broadcast_to(total, signal[tuple(inner)].shape)


def _moved(part, by):
    return slice(part.start + by, part.stop + by, part.step)


def _quantiles(values, weights, shares):
    order = np.argsort(values)
    total = np.cumsum(weights[order], dtype=float)
    return values[order][np.searchsorted(total, np.multiply(shares, total[-1]))]
