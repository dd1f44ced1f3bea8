"""Artifacts of TorchIO, drawn as broadly as its users draw them."""

import numpy as np
import SimpleITK
import torch
import torchio as tio

from briqa_sk.kernels import signal_levels

SimpleITK.ProcessObject.SetGlobalDefaultNumberOfThreads(1)


def _log_uniform(rng, low, high):
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def _motion(rng, tissue):
    size = rng.uniform(0.5, 20.0)
    moves = int(rng.integers(1, 6))
    return tio.RandomMotion(degrees=size, translation=size, num_transforms=moves)


def _ghosting(rng, tissue):
    intensity = rng.uniform(0.1, 1.5)
    return tio.RandomGhosting(num_ghosts=(2, 10), intensity=(intensity, intensity))


def _spike(rng, tissue):
    intensity = _log_uniform(rng, 0.02, 2.0)
    return tio.RandomSpike(num_spikes=(1, 3), intensity=(intensity, intensity))


def _bias_field(rng, tissue):
    return tio.RandomBiasField(coefficients=_log_uniform(rng, 0.05, 1.0))


def _noise(rng, tissue):
    deviation = tissue * rng.uniform(0.01, 0.5)
    return tio.RandomNoise(std=(deviation, deviation))


_TRANSFORMS = {
    "motion": _motion,
    "ghosting": _ghosting,
    "spike": _spike,
    "bias_field": _bias_field,
    "noise": _noise,
}

#: What both simulators have, by our names.
ARTIFACTS_OF_BOTH = tuple(_TRANSFORMS)


def corrupt_by_torchio(volume, artifact, seed, *, signed=False):
    """Return a copy of a scan with an artifact of TorchIO.

    Parameters
    ----------
    volume : Volume
        A scan; left untouched.
    artifact : str
        One of ``ARTIFACTS_OF_BOTH``.
    seed : sequence of int
        Seeds how strong it is, and what TorchIO draws.
    signed : bool, default=False
        TorchIO returns the real part of the image, which may be negative. A scanner
        stores magnitudes, and so does this unless told otherwise.

    Returns
    -------
    data : ndarray of shape (i, j, k), dtype float32
        Voxels.
    """
    rng = np.random.default_rng(seed)
    transform = _TRANSFORMS[artifact](rng, signal_levels(volume.data).tissue)
    tensor = torch.from_numpy(volume.data.copy())[None]
    with torch.random.fork_rng():
        torch.manual_seed(int(rng.integers(2**31)))
        image = transform(tio.ScalarImage(tensor=tensor, affine=volume.affine))
    data = image.data[0].numpy()
    return data if signed else np.abs(data)
