"""What a classifier does without further words, and what the paper would do."""

import numpy as np
import pytest
import torch
from torch import nn

from briqa_sk import SeverityClassifier
from briqa_sk.networks import network_names, resolve_network
from briqa_sk.sampling import BalancedBatchSampler
from briqa_sk.simulation import LISA_ARTIFACTS


@pytest.mark.parametrize("batch_size", [1, 2, 3, 8])
@pytest.mark.parametrize("n_grades", [2, 3, 4, 6])
def test_defaults_take_any_number_of_grades_and_any_batch_size(n_grades, batch_size):
    y = np.array(list("abcdef"))[np.arange(24) % n_grades]
    X = np.random.default_rng(0).normal(size=(24, 4, 4, 4))
    clf = SeverityClassifier(batch_size=batch_size, max_epochs=1, random_state=0)
    assert clf.fit(X, y).predict_proba(X).shape == (24, n_grades)


def test_a_network_without_a_linear_head_is_told_what_to_do():
    class Pooled(nn.Module):
        def __init__(self, in_channels, n_outputs):
            super().__init__()
            self.conv = nn.Conv3d(in_channels, n_outputs, 1)

        def forward(self, x):
            return self.conv(x).mean(dim=(2, 3, 4))

    X, y = np.zeros((4, 4, 4, 4)), [0, 0, 1, 1]
    with pytest.raises(ValueError, match="criterion='cross_entropy'"):
        SeverityClassifier(Pooled, "reweighted").fit(X, y)
    SeverityClassifier(Pooled, "cross_entropy", max_epochs=1).fit(X, y)


@pytest.mark.parametrize("artifact", LISA_ARTIFACTS)
def test_the_recipe_of_the_paper_has_a_backbone_for_each_artifact(artifact):
    clf = SeverityClassifier.briqa(artifact.upper())
    assert clf.module in network_names()
    net = resolve_network(clf.module, caller="test")(in_channels=1, n_outputs=3)
    kinds = {"densenet": "DenseNet", "resnet18": "ResNet", "mednext_": "MedNeXt"}
    assert kinds[clf.module[:8]] in type(net).__name__


def test_the_recipe_of_the_paper_is_that_of_the_paper():
    clf = SeverityClassifier.briqa("noise")
    stated = {  # arXiv 2510.26661, section on implementation
        "optimizer": "adam",
        "lr": 1e-5,
        "schedule": "cosine",
        "max_epochs": 150,
        "batch_size": 4,
        "batches": "rotating",
        "criterion": "reweighted",
        "plane_head": True,
        "plane_weight": 1.0,
    }
    params = clf.get_params()
    assert {name: params[name] for name in stated} == stated


def test_the_recipe_can_be_changed_and_fitted():
    X = np.random.default_rng(0).normal(size=(12, 8, 8, 8)).astype(np.float32)
    clf = SeverityClassifier.briqa("motion", module="compact", max_epochs=1, lr=1e-3)
    y, plane = np.tile([0, 0, 1, 2], 3), np.tile(["axi", "cor", "sag"], 4)
    clf.fit(X, y, plane=plane)
    assert set(clf.predict_plane(X)) <= {"axi", "cor", "sag"}
    with torch.no_grad():
        assert clf.net_.module_(torch.zeros(1, 1, 8, 8, 8)).shape == (1, 3 + 3)


def test_an_artifact_without_a_backbone_is_answered_with_those_that_have_one():
    with pytest.raises(
        ValueError, match=r"artifact must be one of noise, .* got 'ghost'"
    ):
        SeverityClassifier.briqa("ghost")


def test_balanced_batches_reach_the_network():
    seen = []

    class Watched(nn.Module):
        def __init__(self, in_channels, n_outputs):
            super().__init__()
            self.head = nn.Linear(in_channels * 8, n_outputs)

        def forward(self, x):
            if self.training:
                seen.append(x[:, 0, 0, 0, 0].round().int().tolist())
            return self.head(x.flatten(1))

    y = np.repeat([0, 1, 2], [16, 4, 2])
    X = np.broadcast_to(y[:, None, None, None], (22, 2, 2, 2)).astype(np.float32)
    SeverityClassifier(Watched, max_epochs=1, random_state=0).fit(X, y)
    expected = [y[batch].tolist() for batch in BalancedBatchSampler(y, 8, 0)]
    assert seen == expected == [[0, 1, 0, 2, 0, 1, 0, 2]] * 2
