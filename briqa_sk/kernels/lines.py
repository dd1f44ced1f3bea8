"""Lines of k-space along one axis, measured and made into an image."""

import numpy as np
import torch


def empty_lines(data, axis):
    """Return room for all lines of k-space along one axis of a volume.

    Parameters
    ----------
    data : Tensor of shape (i, j, k)
        Volume.
    axis : int
        Phase axis: 0, 1 or 2.

    Returns
    -------
    lines : Tensor of shape (n_slices, 2, n_lines, width), dtype float16
        Real and imaginary parts, in the order of the FFT. They have 11 bits, so their
        error is that of an image of whole numbers up to 2047.
    """
    n_slices, *shape = _slices(data, axis).shape
    return data.new_empty(n_slices, 2, *shape, dtype=torch.float16)


def measure_lines(real, imaginary, chosen, axis, lines, *, unit=1.0):
    """Measure some lines of k-space along one axis of a volume.

    Only the phase axis is transformed; along the others, lines stay in the image. A
    line is a weighted sum over the axis, so that any choice of lines is a product of
    matrices: it costs a fraction of all lines, where an FFT would not.

    Parameters
    ----------
    real : Tensor of shape (i, j, k), dtype float32
        Real part of a volume.
    imaginary : Tensor of shape (i, j, k)
        Its imaginary part in units of its own, so that whole numbers save memory.
    chosen : ndarray of int
        Which lines, as indices of the FFT.
    axis : int
        Phase axis: 0, 1 or 2.
    lines : Tensor of shape (n_slices, 2, n_lines, width), dtype float16
        From :func:`empty_lines`. The chosen lines are overwritten, by sums divided by
        the number of lines.
    unit : float, default=1.0
        That of the imaginary part.
    """
    n_lines, device = real.shape[axis], real.device
    cosine, sine = _waves(chosen, n_lines, device)
    of_real = torch.cat([cosine, -sine])  # (2 * n_chosen, n_lines)
    of_imaginary = torch.cat([sine, cosine]) * unit
    chosen = torch.from_numpy(chosen).to(device)
    images = zip(_slices(real, axis), _slices(imaginary, axis), strict=True)
    total = real.new_empty(len(of_real), lines.shape[3])
    for (own, other), target in zip(images, lines, strict=True):
        torch.mm(of_real, own, out=total)
        total.addmm_(of_imaginary, other.to(own.dtype))
        target.index_copy_(1, chosen, total.view(2, len(chosen), -1).to(target.dtype))


def image_of_lines(lines, out, axis):
    """Overwrite a volume with the magnitude of the image that lines make.

    Parameters
    ----------
    lines : Tensor of shape (n_slices, 2, n_lines, width), dtype float16
        All of which :func:`measure_lines` measured.
    out : Tensor of shape (i, j, k), dtype float32
        Changed.
    axis : int
        Phase axis.
    """
    for spectrum, image in zip(lines, _slices(out, axis), strict=True):
        spectrum = torch.complex(*spectrum.to(out.dtype))  # (n_lines, width)
        column = torch.fft.ifft(spectrum, dim=0, norm="forward")
        image.copy_(torch.hypot(column.real, column.imag))


def _slices(data, axis):
    """Return a view of shape (n_slices, n_lines, width)."""
    return data.movedim((1 if axis == 0 else 0, axis), (0, 1))


def _waves(chosen, n, device):
    """Return cosine and sine of chosen lines over n, shape (2, n_chosen, n)."""
    angles = 2 * np.pi / n * (np.outer(chosen, np.arange(n)) % n)
    waves = np.stack([np.cos(angles), np.sin(angles)]) / n
    return torch.from_numpy(waves.astype(np.float32)).to(device)
