"""Lines of k-space against NumPy's Fourier transform."""

import numpy as np
import pytest
import torch

from briqa_sk.kernels.lines import image_of_lines, measure_lines


@pytest.fixture
def pair():
    return np.random.default_rng(0).random((2, 9, 12, 11), dtype=np.float32)


@pytest.mark.parametrize("axis", range(3))
def test_lines_are_those_of_the_fourier_transform(pair, axis):
    chosen = np.array([5, 0, 3])
    lines = measure_lines(torch.from_numpy(pair[0]), chosen, axis).numpy()
    slices = np.moveaxis(pair[0], (1 if axis == 0 else 0, axis), (0, 1))
    truth = np.fft.fft(slices, axis=1)[:, chosen]
    assert lines[:, :3] + 1j * lines[:, 3:] == pytest.approx(truth, abs=1e-4)


@pytest.mark.parametrize("axis", range(3))
def test_lines_of_two_volumes_make_one_image(pair, axis):
    one, other = (torch.from_numpy(data) for data in pair)
    chosen = np.array([0, 3, 7])
    rest = np.setdiff1d(np.arange(pair.shape[axis + 1]), chosen)
    parts = [(rest, measure_lines(one, rest, axis))]
    parts.append((chosen, measure_lines(other, chosen, axis)))
    out = torch.empty_like(one)
    image_of_lines(parts, out, axis)
    spectra = np.moveaxis(np.fft.fft(pair, axis=axis + 1), axis + 1, 1)
    spectra[0, chosen] = spectra[1, chosen]
    truth = np.abs(np.fft.ifft(spectra[0], axis=0))
    assert np.moveaxis(out.numpy(), axis, 0) == pytest.approx(truth, abs=1e-5)
