import numpy as np
import pytest
import torch
from sklearn.datasets import make_blobs
from sklearn.preprocessing import StandardScaler
from torch.nn import functional as F

from briqa_sk.networks import CompactNet


def make(n_outputs=3, **parameters):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return CompactNet(**parameters)(in_channels=1, n_outputs=n_outputs)


@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 1, 4), (1, 17, 30), (33, 40, 21)])
def test_any_size_is_taken(shape):
    volumes = torch.zeros(2, 1, *shape)
    assert make()(volumes).shape == (2, 3)


def test_channels_double_from_the_first():
    widths = [conv.out_channels for conv in make(n_filters=4).modules() if _is(conv)]
    assert widths == [4, 8, 16, 32]


def _is(layer):
    return isinstance(layer, torch.nn.Conv3d)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_a_table_of_two_columns_can_be_learnt(n_classes):
    # scikit-learn's own estimator checks train on such tables and want 0.83.
    X, y = make_blobs(n_samples=300, random_state=0)
    X, y = X[y < n_classes], y[y < n_classes]
    X = torch.tensor(StandardScaler().fit_transform(X))[:, None, None, None, :]
    y, net = torch.tensor(y), make(n_classes).double()
    optimizer = torch.optim.Adam(net.parameters(), lr=0.02)
    for _ in range(20):
        optimizer.zero_grad()
        F.cross_entropy(net(X), y).backward()
        optimizer.step()
    assert np.mean((net(X).argmax(dim=1) == y).numpy()) > 0.9


def test_the_company_in_the_batch_does_not_matter():
    volumes = torch.randn(3, 1, 9, 8, 7, generator=torch.Generator().manual_seed(0))
    net = make().train()
    torch.testing.assert_close(net(volumes)[:1], net(volumes[:1]))
