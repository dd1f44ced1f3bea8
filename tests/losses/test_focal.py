import math

import pytest
import torch
from torch.nn import functional as F

from briqa_sk.losses import FocalLoss

LOGITS = torch.randn(6, 3, generator=torch.Generator().manual_seed(0))
TARGET = torch.tensor([0, 2, 1, 0, 0, 1])


def test_focus_zero_is_cross_entropy():
    loss = FocalLoss(gamma=0.0)([1, 1, 1])(LOGITS, TARGET)
    torch.testing.assert_close(loss, F.cross_entropy(LOGITS, TARGET))


def test_a_sure_sample_costs_what_the_paper_says():
    # p = 0.9, gamma = 2: the loss is 100 times below the cross-entropy.
    logits = torch.tensor([[math.log(9.0), 0.0]])
    loss = FocalLoss(gamma=2.0)([1, 1])(logits, torch.tensor([0]))
    assert loss.item() == pytest.approx(-math.log(0.9) / 100, rel=1e-5)


@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0])
def test_a_perfect_sample_has_no_gradient(gamma):
    logits = torch.tensor([[1e4, 0.0]], requires_grad=True)
    FocalLoss(gamma)([1, 1])(logits, torch.tensor([0])).backward()
    assert logits.grad.tolist() == [[0.0, 0.0]]


@pytest.mark.parametrize(
    ("gamma", "error", "said"),
    [
        (-1.0, ValueError, "gamma must be at least 0, got -1.0"),
        (math.nan, ValueError, "gamma must be finite, got nan"),
        ("a", TypeError, "gamma must be a number, got 'a'"),
    ],
)
def test_a_focus_that_is_no_number_above_zero_is_refused(gamma, error, said):
    with pytest.raises(error, match=said):
        FocalLoss(gamma)([1, 1])
