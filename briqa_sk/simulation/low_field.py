"""What a scan would look like at low field."""

import math

import numpy as np

from briqa_sk._random import draw_seed, make_generator
from briqa_sk._validation import check_positive
from briqa_sk.io import Volume
from briqa_sk.kernels import (
    foreground_box,
    foreground_mask,
    reorient,
    signal_levels,
)
from briqa_sk.kernels.averaging import averaging_matrix, multiply_along
from briqa_sk.simulation._voxels import private_copy
from briqa_sk.simulation.contrast import Contrast
from briqa_sk.simulation.low_field_scanner import draw_low_field_scanner

SLICE_MM = 5.0
PIXEL_MM = 1.5
_SPACING_MM = (PIXEL_MM, PIXEL_MM, SLICE_MM)

#: RAS axes of the stored voxels, slices last, and the shape, by plane: the most
#: frequent grids of LISA 2025.
GRIDS = {
    "axi": ((0, 1, 2), (120, 146, 36)),
    "cor": ((0, 2, 1), (120, 120, 40)),
    "sag": ((1, 2, 0), (146, 120, 36)),
}

_SNR_PER_TESLA = 300.0
_HIGH_FIELD_TESLA = 3.0
_CONTRAST_LOSS = 0.3  # at 0.064 T; by eye, against scans of one head at 0.055 T and 3 T
_ABOVE_CROWN_MM = 12.0  # air between the crown and the edge of the field of view


def to_low_field(
    volume, *, field_tesla=0.064, plane="axi", snr=None, random_state=None, noise=True
):
    """Turn a high-field scan into one of a portable low-field scanner.

    The grid is that of the LISA challenge: slices of 5 mm, pixels of 1.5 mm, averaged
    over the extent of a voxel, with the head in the middle and the crown near the upper
    edge. What lies outside the scan is air. The scanner, which blurs the edges and
    correlates the noise, is drawn (:func:`draw_low_field_scanner`). Signal grows with
    the field and so, with noise from the body, does the signal-to-noise ratio (Hoult
    and Lauterbur 1979, *Journal of Magnetic Resonance* 34:425): 300 per tesla, which
    gives the 11 to 24 that brain scans at 0.055 T have. The relaxation times of tissues
    lie closer together at low field: 30 % of the contrast is lost at 0.064 T, none at
    3 T, and in between in proportion to the logarithm of the field, a rule of thumb.

    A receiver adds its noise last. To corrupt the scan by artifacts, make it without
    noise, corrupt it, and call :func:`add_low_field_noise` with the same seed.

    Parameters
    ----------
    volume : Volume
        Magnitude image of a head, not negative; left untouched.
    field_tesla : float, default=0.064
        Field strength to reach.
    plane : {"axi", "cor", "sag"}, default="axi"
        Of the slices: across S, A and R.
    snr : float or None, default=None
        Mean tissue signal over the standard deviation of the noise in each of the two
        receiver channels. None: 300 per tesla.
    random_state : int, Generator, RandomState or None, default=None
        Seeds the scanner and its noise.
    noise : bool, default=True
        Whether the scanner adds its noise.

    Returns
    -------
    volume : Volume
        Slices along the last axis, in float32.

    Raises
    ------
    ValueError
        If the plane is unknown, a number is not above 0, or the volume is no magnitude
        image.
    TypeError
        If it is not a Volume: a grid needs an affine.

    Examples
    --------
    >>> from briqa_sk.datasets import make_head_phantom
    >>> from briqa_sk.simulation import to_low_field
    >>> head = make_head_phantom(96, contrast="T2w", random_state=0)
    >>> to_low_field(head, plane="sag", random_state=0).shape
    (146, 120, 36)
    """
    caller = "to_low_field"
    _check(volume, field_tesla, snr, caller=caller)
    if plane not in GRIDS:
        raise ValueError(
            f"{caller}: plane must be one of {', '.join(GRIDS)}, got {plane!r}."
        )
    seed = draw_seed(random_state)
    contrast_rng, scanner_rng, _ = _streams(seed)
    data, affine = reorient(volume.data, volume.affine, "RAS")
    data = private_copy(data, caller=caller)
    loss = _contrast_loss(field_tesla)
    if loss > 0:
        data = Contrast(loss=loss)(data, random_state=contrast_rng)
    data, affine = regrid(data, affine, plane)
    data = draw_low_field_scanner(scanner_rng).blur(data, _SPACING_MM)
    step = f"low field: {field_tesla:g} T, {plane}"
    low = volume.derive(data.numpy(), affine, step=step)
    if not noise:
        return low
    return _receive(low, data, field_tesla, snr, low, seed)


def add_low_field_noise(
    volume, *, field_tesla=0.064, snr=None, reference=None, random_state=None
):
    """Add the noise of the scanner that :func:`to_low_field` draws from the same seed.

    Parameters
    ----------
    volume : Volume
        What ``to_low_field(..., noise=False)`` made, perhaps corrupted by artifacts;
        slices along the last axis. Left untouched.
    field_tesla : float, default=0.064
        Field strength.
    snr : float or None, default=None
        Mean tissue signal over the standard deviation of the noise in each of the two
        receiver channels. None: 300 per tesla.
    reference : Volume or None, default=None
        Scan whose tissue signal is meant: the one without artifacts, because a receiver
        is as loud with them. None: the volume itself.
    random_state : int, Generator, RandomState or None, default=None
        Seeds the scanner and its noise. A whole number, the same for both functions,
        gives both the same scanner.

    Returns
    -------
    volume : Volume
        In float32.

    Raises
    ------
    ValueError
        If a number is not above 0, or a volume is no magnitude image.
    TypeError
        If it is not a Volume: the size of a grain of noise is stated in millimetres.

    Examples
    --------
    Artifacts come between the scanner's blur and its noise.

    >>> from briqa_sk.datasets import make_head_phantom
    >>> from briqa_sk.simulation import add_spike, to_low_field
    >>> from briqa_sk.simulation.low_field import add_low_field_noise
    >>> head = make_head_phantom(48, contrast="T2w", random_state=0)
    >>> quiet = to_low_field(head, noise=False, random_state=7)
    >>> spiked = add_spike(quiet, 0.5, random_state=0)
    >>> noisy = add_low_field_noise(spiked, reference=quiet, random_state=7)
    >>> noisy.history[-1]
    'low-field noise: snr=19.2'
    """
    caller = "add_low_field_noise"
    _check(volume, field_tesla, snr, caller=caller)
    data = private_copy(volume.data, caller=caller)
    reference = volume if reference is None else reference
    _check(reference, field_tesla, snr, caller=caller)
    seed = draw_seed(random_state)
    return _receive(volume, data, field_tesla, snr, reference, seed)


def _receive(volume, data, field_tesla, snr, reference, seed):
    snr = _SNR_PER_TESLA * field_tesla if snr is None else snr
    sigma = signal_levels(reference.data).tissue / snr
    _, scanner_rng, noise_rng = _streams(seed)
    scanner = draw_low_field_scanner(scanner_rng)
    data = scanner.add_noise(data, sigma, volume.spacing_mm, random_state=noise_rng)
    return volume.derive(data.numpy(), step=f"low-field noise: snr={snr:.3g}")


def _streams(seed):
    """Return the streams of the contrast, of the scanner and of its noise."""
    return [make_generator(part) for part in np.random.SeedSequence(seed).spawn(3)]


def _check(volume, field_tesla, snr, *, caller):
    if not isinstance(volume, Volume):
        raise TypeError(
            f"{caller}: volume must be a Volume, which knows where its voxels lie, got "
            f"{type(volume).__name__}. Write Volume(data, affine)."
        )
    check_positive(field_tesla, "field_tesla", caller=caller)
    if snr is not None:
        check_positive(snr, "snr", caller=caller)


def _contrast_loss(field_tesla):
    octaves = math.log(_HIGH_FIELD_TESLA / field_tesla)
    share = octaves / math.log(_HIGH_FIELD_TESLA / 0.064)
    return min(max(_CONTRAST_LOSS * share, 0.0), 0.9)


def regrid(data, affine, plane):
    """Average voxels over those of LISA's grid.

    Parameters
    ----------
    data : Tensor of shape (i, j, k), dtype float32
        Volume in RAS.
    affine : ndarray of shape (4, 4)
        Where it lies.
    plane : {"axi", "cor", "sag"}
        Of the slices.

    Returns
    -------
    data : Tensor, dtype float32
        Slices along the last axis.
    affine : ndarray of shape (4, 4)
        Where they lie.
    """
    axes, shape = GRIDS[plane]
    spacing_mm = np.linalg.norm(affine[:3, :3], axis=0)
    spacing_out_mm = np.array(_SPACING_MM)[np.argsort(axes)]
    n_out = np.array(shape)[np.argsort(axes)]
    step = spacing_out_mm / spacing_mm
    start = _middle_of_head(data, spacing_mm, n_out * spacing_out_mm)
    start -= step * (n_out - 1) / 2
    for axis in range(3):
        positions = start[axis] + step[axis] * np.arange(n_out[axis])
        matrix = averaging_matrix(data.shape[axis], positions, step[axis])
        data = multiply_along(data, matrix, axis)
    affine_out = np.eye(4)
    affine_out[:3, :3] = (affine[:3, :3] * step)[:, list(axes)]
    affine_out[:3, 3] = affine[:3, :3] @ start + affine[:3, 3]
    return data.permute(axes).contiguous(), affine_out


def _middle_of_head(data, spacing_mm, extent_mm):
    """Voxel in the middle of the field of view: the head's, but for the neck below."""
    thin = tuple(slice(None, None, max(1, n // 48)) for n in data.shape)
    low, high = foreground_box(foreground_mask(data[thin].cpu().numpy()))
    factor = np.array([part.step for part in thin])
    middle = (low + high - 1) / 2 * factor
    crown = high[2] * factor[2] + _ABOVE_CROWN_MM / spacing_mm[2]
    middle[2] = crown - extent_mm[2] / 2 / spacing_mm[2]
    return middle
