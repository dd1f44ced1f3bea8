"""How a low-field scanner samples k-space: what it blurs, and where noise is loud."""

import math
from dataclasses import dataclass

import numpy as np
import torch

from briqa_sk._random import make_generator

_MARGIN = 12  # voxels between the ends of an axis, which are neighbours to an FFT
_PIXEL_MM = (1.3, 2.4)
_SLICE_MM = (5.0, 8.0)
_TAPER_WIDTH = (0.55, 2.5)
_LARGEST_SHIFT = 0.25  # of a taper's centre along the phase axis
_LARGEST_SCATTER = 0.3
_LARGEST_SPREAD = 0.3  # of the logarithm of loudness
_MOST_KNOTS = 8


@dataclass(frozen=True)
class LowFieldScanner:
    r"""Sample k-space coarsely, taper it, and receive noise on the way.

    A portable scanner measures fewer points of k-space than its images have voxels, and
    fills up with zeros. Its reconstruction tapers what was measured, and in a train of
    echoes the signal decays. Both blur the anatomy, and both act on the noise too: what
    is white and complex in the samples is correlated in the image, as grains that are
    longer along the axis with fewer samples, and Rician in its magnitude. The room has
    no shield, so part of the noise is interference: its loudness changes during the
    scan (from line to line), during each readout (from sample to sample) and with the
    frequency, which is the position along the readout axis. The taper is

    .. math:: w(u) = \exp\left(-\frac{(u - c)^2}{2 s^2}\right),

    with :math:`u` from -1 to 1 over the samples of an axis, the centre :math:`c` and
    the width :math:`s`.

    Parameters
    ----------
    readout : {0, 1}, default=1
        Axis of the readout. The other one of the two is the phase axis, and slices lie
        along the last.
    sample_mm : tuple of 3 float, default=(1.95, 1.95, 5.0)
        What a sample resolves along each axis: the size of a voxel before zeros were
        filled in. Where the voxels are larger, theirs is taken.
    taper_centre : tuple of 3 float, default=(0.0, 0.0, 0.0)
        :math:`c` along each axis.
    taper_width : tuple of 3 float, default=(1.0, 1.0, 1.0)
        :math:`s` along each axis.
    loudness_of_lines : tuple of float, default=(1.0,)
        Amplitude of the noise at equal distances along the phase axis of k-space,
        linear in between.
    loudness_of_samples : tuple of float, default=(1.0,)
        The same along its readout axis.
    loudness_of_positions : tuple of float, default=(1.0,)
        The same along the readout axis of the image.
    line_scatter : float, default=0.0
        Standard deviation of the logarithm of the amplitude from line to line. Loud
        lines are streaks in the image.

    Examples
    --------
    Half the samples double the distance over which noise is correlated.

    >>> import numpy as np, torch
    >>> from briqa_sk.simulation.low_field_scanner import LowFieldScanner
    >>> scanner = LowFieldScanner(sample_mm=(1.0, 2.0, 5.0), taper_width=(9.0,) * 3)
    >>> bright = torch.full((64, 64, 20), 100.0)
    >>> noisy = scanner.add_noise(bright, 1.0, (1.0, 1.0, 5.0), random_state=0) - 100
    >>> round(float((noisy[1:] * noisy[:-1]).mean()), 1)
    0.0
    >>> round(float((noisy[:, 1:] * noisy[:, :-1]).mean()), 1)
    0.6
    """

    readout: int = 1
    sample_mm: tuple = (1.95, 1.95, 5.0)
    taper_centre: tuple = (0.0, 0.0, 0.0)
    taper_width: tuple = (1.0, 1.0, 1.0)
    loudness_of_lines: tuple = (1.0,)
    loudness_of_samples: tuple = (1.0,)
    loudness_of_positions: tuple = (1.0,)
    line_scatter: float = 0.0

    def blur(self, data, spacing_mm):
        """Return a volume as its samples resolve it.

        Parameters
        ----------
        data : Tensor of shape (i, j, k), dtype float32
            Magnitude image, slices along the last axis; left untouched.
        spacing_mm : tuple of 3 float
            Voxel size.

        Returns
        -------
        blurred : Tensor of shape (i, j, k), dtype float32
            Magnitude image.
        """
        n_samples = [
            self._count(n + _MARGIN, spacing_mm[axis], axis)
            for axis, n in enumerate(data.shape)
        ]
        peak = max(float(data.max()), torch.finfo(torch.float32).tiny)
        closed = data / peak  # or the sum over a volume may overflow
        for axis in range(3):
            closed = _close(closed, axis)
        spectrum = torch.fft.fftn(closed)
        samples = torch.fft.fftshift(spectrum)[_middle(closed.shape, n_samples)]
        for axis, taper in enumerate(self._tapers(n_samples)):
            samples = _scale(samples, taper / taper[len(taper) // 2], axis)
        blurred = torch.fft.ifftn(_fill_with_zeros(samples, closed.shape)).abs()
        return blurred[tuple(map(slice, data.shape))] * peak

    def add_noise(self, data, sigma, spacing_mm, random_state=None):
        """Return the magnitude of a volume and the noise of its samples.

        Parameters
        ----------
        data : Tensor of shape (i, j, k), dtype float32
            Magnitude image, slices along the last axis; left untouched.
        sigma : float
            Standard deviation of the noise of each of the two channels, over the whole
            image.
        spacing_mm : tuple of 3 float
            Voxel size.
        random_state : int, Generator, RandomState or None, default=None
            Seed.

        Returns
        -------
        noisy : Tensor of shape (i, j, k), dtype float32
            Magnitude image.
        """
        rng = make_generator(random_state)
        samples = self._receive(data.shape, spacing_mm, rng).to(data.device)
        noise = torch.fft.ifftn(_fill_with_zeros(samples, data.shape))
        noise *= math.sqrt(2 / float(noise.abs().square().mean()))
        return torch.hypot(data + sigma * noise.real, sigma * noise.imag)

    def _receive(self, shape, spacing_mm, rng):
        """Return the noise of the samples; zero frequency is in the middle."""
        phase = 1 - self.readout
        n_samples = [self._count(n, spacing_mm[a], a) for a, n in enumerate(shape)]
        parts = rng.standard_normal((2, *n_samples), dtype=np.float32)
        noise = torch.complex(*torch.from_numpy(parts))
        n_readout, n_lines = n_samples[self.readout], n_samples[phase]
        loudness = _between(self.loudness_of_positions, n_readout)
        noise = torch.fft.fft(_scale(noise, loudness, self.readout), dim=self.readout)
        noise = torch.fft.fftshift(noise, dim=self.readout)
        loudness = _between(self.loudness_of_samples, n_readout)
        noise = _scale(noise, loudness, self.readout)
        noise = _scale(noise, _between(self.loudness_of_lines, n_lines), phase)
        scatter = rng.standard_normal((n_lines, n_samples[2]), dtype=np.float32)
        lines = torch.from_numpy(np.exp(self.line_scatter * scatter))
        noise *= lines.unsqueeze(self.readout)
        for axis, taper in enumerate(self._tapers(n_samples)):
            noise = _scale(noise, taper, axis)
        return noise

    def _tapers(self, n_samples):
        """Return the taper along each axis."""
        settings = zip(n_samples, self.taper_centre, self.taper_width, strict=True)
        for n, centre, width in settings:
            place = (np.arange(n) - n // 2) / max(n / 2, 1)
            yield np.exp(-((place - centre) ** 2) / (2 * width**2))

    def _count(self, n_voxels, voxel_mm, axis):
        n_samples = round(n_voxels * voxel_mm / self.sample_mm[axis])
        return min(max(n_samples, 1), n_voxels)


def draw_low_field_scanner(random_state=None):
    """Draw a low-field scanner.

    No two portable scanners, sequences and rooms are alike, so everything is drawn
    broadly, about what scans of six patients at 0.055 T show: 1.3 to 2 mm per sample,
    tapers of a width from 0.6 to more than 2, noise that changes by up to a half along
    each axis.

    Parameters
    ----------
    random_state : int, Generator, RandomState or None, default=None
        Seed.

    Returns
    -------
    scanner : LowFieldScanner
        The scanner.
    """
    rng = make_generator(random_state)
    readout = int(rng.integers(2))
    centre = rng.uniform(-1, 1, 3) * _LARGEST_SHIFT
    centre[readout] = 0.0  # the middle of a readout is the middle of its echo
    return LowFieldScanner(
        readout=readout,
        sample_mm=(*_log_uniform(_PIXEL_MM, 2, rng), *_log_uniform(_SLICE_MM, 1, rng)),
        taper_centre=tuple(centre.tolist()),
        taper_width=_log_uniform(_TAPER_WIDTH, 3, rng),
        loudness_of_lines=_draw_loudness(rng),
        loudness_of_samples=_draw_loudness(rng),
        loudness_of_positions=_draw_loudness(rng),
        line_scatter=float(rng.uniform(0, _LARGEST_SCATTER)),
    )


def _log_uniform(limits, size, rng):
    return tuple(np.exp(rng.uniform(*np.log(limits), size)).tolist())


def _draw_loudness(rng):
    spread = rng.uniform(0, _LARGEST_SPREAD)
    n_knots = rng.integers(2, _MOST_KNOTS + 1)
    return tuple(np.exp(spread * rng.standard_normal(n_knots)).tolist())


def _between(knots, n):
    """Return n values on the line through knots at equal distances."""
    return np.interp(np.linspace(0, 1, n), np.linspace(0, 1, len(knots)), knots)


def _scale(data, weights, axis):
    """Multiply a volume by weights along one axis."""
    weights = torch.from_numpy(weights).to(data.device, torch.float32)
    return data * weights.reshape([-1 if a == axis else 1 for a in range(3)])


def _close(data, axis):
    """Append a fade from the last plane to the first, or the FFT would see a step."""
    first, last = data.narrow(axis, 0, 1), data.narrow(axis, data.shape[axis] - 1, 1)
    ramp = (1 - np.cos(np.pi * (np.arange(_MARGIN) + 0.5) / _MARGIN)) / 2
    shape = [_MARGIN if a == axis else n for a, n in enumerate(data.shape)]
    first, last = first.expand(shape), last.expand(shape)
    fade = _scale(last, 1 - ramp, axis) + _scale(first, ramp, axis)
    return torch.cat([data, fade], dim=axis)


def _middle(shape, n_samples):
    """Return the slices that hold the lowest frequencies of a centred spectrum."""
    starts = [n // 2 - m // 2 for n, m in zip(shape, n_samples, strict=True)]
    return tuple(slice(a, a + m) for a, m in zip(starts, n_samples, strict=True))


def _fill_with_zeros(samples, shape):
    spectrum = samples.new_zeros(shape)
    spectrum[_middle(shape, samples.shape)] = samples
    return torch.fft.ifftshift(spectrum)
