"""What a scan would look like at low field."""

import math

import numpy as np

from briqa_sk._random import make_generator
from briqa_sk._validation import check_positive
from briqa_sk.io import Volume
from briqa_sk.kernels import foreground_box, foreground_mask, reorient
from briqa_sk.simulation._voxels import private_copy
from briqa_sk.simulation.contrast import Contrast
from briqa_sk.simulation.low_resolution import averaging_matrix, multiply_along
from briqa_sk.simulation.noise import Noise

SLICE_MM = 5.0
PIXEL_MM = 1.5

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
    volume, *, field_tesla=0.064, plane="axi", snr=None, random_state=None
):
    """Turn a high-field scan into one of a portable low-field scanner.

    The grid is that of the LISA challenge: slices of 5 mm, pixels of 1.5 mm, averaged
    over the extent of a voxel, with the head in the middle and the crown near the upper
    edge. What lies outside the scan is air. Signal grows with the field and so, with
    noise from the body, does the signal-to-noise ratio (Hoult and Lauterbur 1979,
    *Journal of Magnetic Resonance* 34:425): 300 per tesla, which gives the 16 to 20
    that brain scans at 0.055 T have. The relaxation times of tissues lie closer
    together at low field: 30 % of the contrast is lost at 0.064 T, none at 3 T, and in
    between in proportion to the logarithm of the field, a rule of thumb.

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
        Seeds the noise.

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
    _check(volume, field_tesla, plane, snr)
    data, affine = reorient(volume.data, volume.affine, "RAS")
    data = private_copy(data, caller="to_low_field")
    rng = make_generator(random_state)
    loss = _contrast_loss(field_tesla)
    if loss > 0:
        data = Contrast(loss=loss)(data, random_state=rng)
    data, affine = _regrid(data, affine, *GRIDS[plane])
    snr = _SNR_PER_TESLA * field_tesla if snr is None else snr
    data = Noise(snr=snr)(data, random_state=rng)
    step = f"low field: {field_tesla:g} T, {plane}, snr={snr:.3g}"
    return volume.derive(data.numpy(), affine, step=step)


def _check(volume, field_tesla, plane, snr):
    caller = "to_low_field"
    if not isinstance(volume, Volume):
        raise TypeError(
            f"{caller}: volume must be a Volume, which knows where its voxels lie, got "
            f"{type(volume).__name__}. Write Volume(data, affine)."
        )
    check_positive(field_tesla, "field_tesla", caller=caller)
    if snr is not None:
        check_positive(snr, "snr", caller=caller)
    if plane not in GRIDS:
        raise ValueError(
            f"{caller}: plane must be one of {', '.join(GRIDS)}, got {plane!r}."
        )


def _contrast_loss(field_tesla):
    octaves = math.log(_HIGH_FIELD_TESLA / field_tesla)
    share = octaves / math.log(_HIGH_FIELD_TESLA / 0.064)
    return min(max(_CONTRAST_LOSS * share, 0.0), 0.9)


def _regrid(data, affine, axes, shape):
    """Average RAS voxels over those of the new grid, and store these slices last."""
    spacing_mm = np.linalg.norm(affine[:3, :3], axis=0)
    spacing_out_mm = np.full(3, PIXEL_MM)
    spacing_out_mm[axes[2]] = SLICE_MM
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
