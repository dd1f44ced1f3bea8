"""Small, seeded volumes and the way to the real scans, shared by every test."""

from pathlib import Path

import numpy as np
import pytest
import torch

torch.set_num_threads(1)  # tiny volumes: threads cost more than they give

DATA = Path(__file__).parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def real_data():
    """Folder of real scans; the test skips where it is absent."""
    if not (DATA / "manifest.tsv").is_file():
        pytest.skip("needs the folder of real scans, shared/data beside the checkout")
    return DATA


@pytest.fixture
def volumes():
    """Six 8 x 8 x 8 volumes; the severe ones are brighter."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(6, 8, 8, 8)).astype(np.float32)
    X[4:] += 2
    return X


@pytest.fixture
def grades():
    """Text grades of the six volumes, two of each."""
    return np.array(["good", "good", "moderate", "moderate", "bad", "bad"])
