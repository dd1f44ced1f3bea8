"""Turn a random_state into streams of random numbers that belong to nobody else."""

from contextlib import contextmanager
from threading import RLock

import numpy as np
import torch

_TORCH_STREAM = RLock()


def make_generator(random_state):
    """Return a NumPy Generator; the global NumPy stream is never touched.

    Parameters
    ----------
    random_state : int, sequence of int, Generator, RandomState or None
        None draws fresh entropy from the operating system. A Generator is returned
        as it is, so its stream advances; a RandomState seeds a new Generator.

    Returns
    -------
    rng : numpy.random.Generator
        The stream.
    """
    if isinstance(random_state, np.random.RandomState):
        random_state = random_state.randint(2**31 - 1)
    return np.random.default_rng(random_state)


def draw_seed(random_state):
    """Return one seed below 2**31 - 1, as a Python int."""
    return int(make_generator(random_state).integers(2**31 - 1))


@contextmanager
def torch_seed(seed, device="cpu"):
    """Seed torch inside the block only; the caller's streams come back after it.

    The stream belongs to the process, so threads take turns.
    """
    device = torch.device(device)
    devices = [device] if device.type == "cuda" else []
    with _TORCH_STREAM, torch.random.fork_rng(devices=devices):
        torch.manual_seed(seed)
        yield
