import math

import pytest
import torch
from torch.nn import functional as F

from briqa_sk.losses import GeneralizedCrossEntropy

LOGITS = torch.randn(6, 3, generator=torch.Generator().manual_seed(0))
TARGET = torch.tensor([0, 2, 1, 0, 0, 1])


def test_a_small_q_is_cross_entropy():
    loss = GeneralizedCrossEntropy(q=1e-6)([1, 1, 1])(LOGITS.double(), TARGET)
    assert loss.item() == pytest.approx(
        F.cross_entropy(LOGITS.double(), TARGET).item(), rel=1e-5
    )


def test_q_of_one_is_half_the_absolute_error():
    one_hot = F.one_hot(TARGET, 3)
    error = (LOGITS.softmax(1) - one_hot).abs().sum(1).mean() / 2
    torch.testing.assert_close(
        GeneralizedCrossEntropy(q=1.0)([1, 1, 1])(LOGITS, TARGET), error
    )


def test_loss_is_what_the_paper_says():
    # p = 1 / 4, q = 1 / 2: (1 - 1 / 2) / (1 / 2) = 1.
    logits = torch.tensor([[0.0, math.log(3.0)]])
    loss = GeneralizedCrossEntropy(q=0.5)([1, 1])(logits, torch.tensor([0]))
    assert loss.item() == pytest.approx(1.0, rel=1e-6)


def test_gradient_is_that_of_cross_entropy_times_a_power_of_p():
    logits = LOGITS.clone().requires_grad_()
    loss = GeneralizedCrossEntropy(q=0.7)([1, 1, 1])(logits, TARGET)
    (ours,) = torch.autograd.grad(loss, logits)
    (plain,) = torch.autograd.grad(F.cross_entropy(logits, TARGET), logits)
    p = LOGITS.softmax(1).gather(1, TARGET[:, None])
    torch.testing.assert_close(ours, plain * p**0.7)


def test_a_hopeless_label_costs_1_over_q_and_has_no_gradient():
    logits = torch.tensor([[-1e4, 0.0]], requires_grad=True)
    loss = GeneralizedCrossEntropy(q=0.5)([1, 1])(logits, torch.tensor([0]))
    loss.backward()
    assert loss.item() == 2.0
    assert logits.grad.tolist() == [[0.0, 0.0]]


@pytest.mark.parametrize(
    ("q", "error", "said"),
    [
        (0.0, ValueError, r"q must be in \(0, 1\], got 0.0"),
        (1.1, ValueError, r"q must be in \(0, 1\], got 1.1"),
        (math.nan, ValueError, "q must be finite, got nan"),
        ("a", TypeError, "q must be a number, got 'a'"),
    ],
)
def test_a_q_out_of_range_is_refused(q, error, said):
    with pytest.raises(error, match=said):
        GeneralizedCrossEntropy(q)([1, 1])
