"""Lines of k-space against NumPy's Fourier transform."""

import numpy as np
import pytest
import torch

from briqa_sk.kernels.lines import empty_lines, image_of_lines, measure_lines

HALF_PRECISION = 1e-3


@pytest.fixture
def pair():
    return np.random.default_rng(0).random((2, 9, 12, 11), dtype=np.float32)


@pytest.mark.parametrize("axis", range(3))
def test_lines_are_those_of_the_fourier_transform(pair, axis):
    chosen = np.array([5, 0, 3])
    real, imaginary = (torch.from_numpy(data) for data in pair)
    lines = empty_lines(real, axis)
    measure_lines(real, imaginary, chosen, axis, lines, unit=0.5)
    slices = np.moveaxis(pair[0] + 0.5j * pair[1], (axis == 0, axis), (0, 1))
    truth = np.fft.fft(slices, axis=1, norm="forward")[:, chosen]
    measured = lines.float().numpy()[:, :, chosen]
    assert measured[:, 0] + 1j * measured[:, 1] == pytest.approx(
        truth, abs=HALF_PRECISION
    )


@pytest.mark.parametrize("axis", range(3))
def test_lines_of_two_volumes_make_one_image(pair, axis):
    chosen = np.array([0, 3, 7])
    rest = np.setdiff1d(np.arange(pair.shape[axis + 1]), chosen)
    one, other = (torch.from_numpy(data) for data in pair)
    nothing = torch.zeros_like(one, dtype=torch.int8)
    lines = empty_lines(one, axis)
    measure_lines(one, nothing, rest, axis, lines)
    measure_lines(other, nothing, chosen, axis, lines)
    out = torch.empty_like(one)
    image_of_lines(lines, out, axis)
    spectra = np.moveaxis(np.fft.fft(pair, axis=axis + 1), axis + 1, 1)
    spectra[0, chosen] = spectra[1, chosen]
    truth = np.abs(np.fft.ifft(spectra[0], axis=0))
    assert np.moveaxis(out.numpy(), axis, 0) == pytest.approx(truth, abs=HALF_PRECISION)
