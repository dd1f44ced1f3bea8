"""What bodies of some susceptibility do to the field that they are in."""

import torch
from scipy.fft import next_fast_len
from torch.nn.functional import pad

_BEYOND = 8  # an eighth of each axis, at both its ends
_LEAST_BEYOND = 4


def dipole_field(susceptibility, spacing_mm, direction):
    r"""Return the field of magnetised matter, relative to the main field.

    In k-space, the field is the susceptibility times :math:`1/3 - (k \cdot b)^2 / k^2`,
    where b is the direction of the main field: that of a dipole in each voxel, without
    what the sphere of Lorentz around a nucleus cancels [1]_ [2]_. Two Fourier
    transforms are all that it takes.

    Parameters
    ----------
    susceptibility : Tensor of shape (i, j, k), dtype float32
        As small numbers, or in ppm. Beyond the volume, it goes on as at its edge.
    spacing_mm : sequence of 3 float
        Voxel size.
    direction : sequence of 3 float
        Of the main field along i, j, k; a unit vector.

    Returns
    -------
    field : Tensor of shape (i, j, k), dtype float32
        Change of the field over the field, in the unit of the susceptibility. Its mean
        is arbitrary.

    References
    ----------
    .. [1] J. P. Marques and R. Bowtell, "Application of a Fourier-based method for
       rapid calculation of field inhomogeneity due to spatial variation of magnetic
       susceptibility", Concepts in Magnetic Resonance Part B 25B, 2005.
    .. [2] R. Salomir, B. D. de Senneville and C. T. W. Moonen, "A fast calculation
       method for magnetic field inhomogeneity due to an arbitrary distribution of bulk
       susceptibility", Concepts in Magnetic Resonance Part B 19B, 2003.
    """
    low = [max(_LEAST_BEYOND, n // _BEYOND) for n in susceptibility.shape]
    shape = [
        next_fast_len(n + 2 * extra)
        for n, extra in zip(susceptibility.shape, low, strict=True)
    ]
    margins = [
        (extra, total - n - extra)
        for n, extra, total in zip(susceptibility.shape, low, shape, strict=True)
    ]
    ends = [margin for pair in margins[::-1] for margin in pair]
    padded = pad(susceptibility[None, None], ends, mode="replicate")[0, 0]
    spectrum = torch.fft.rfftn(padded)
    spectrum *= _dipole_kernel(shape, spacing_mm, direction, spectrum.device)
    field = torch.fft.irfftn(spectrum, s=shape)
    inside = zip(low, susceptibility.shape, strict=True)
    return field[tuple(slice(start, start + n) for start, n in inside)].contiguous()


def _dipole_kernel(shape, spacing_mm, direction, device):
    """Return 1/3 - (k b)^2 / k^2 on the half of k-space that a real volume has."""
    square = along = 0
    for axis, (n, mm, cosine) in enumerate(
        zip(shape, spacing_mm, direction, strict=True)
    ):
        frequencies = torch.fft.rfftfreq if axis == 2 else torch.fft.fftfreq
        k = frequencies(n, mm, device=device)
        k = k.view([-1 if dim == axis else 1 for dim in range(3)])
        square = square + k.square()
        along = along + cosine * k
    square[0, 0, 0] = 1
    kernel = along.square_().div_(square).neg_().add_(1 / 3)
    kernel[0, 0, 0] = 0
    return kernel
