import pytest
import torch
from torch.nn import functional as F

from briqa_sk.losses import LogitAdjusted


def test_it_is_the_cross_entropy_of_shifted_logits():
    logits = torch.randn(5, 3, generator=torch.Generator().manual_seed(0))
    target = torch.tensor([0, 1, 2, 0, 1])
    prior = torch.tensor([0.7, 0.2, 0.1])
    loss = LogitAdjusted(tau=0.5)([70, 20, 10])(logits, target)
    torch.testing.assert_close(
        loss, F.cross_entropy(logits + 0.5 * prior.log(), target)
    )


def test_a_fit_of_the_prior_predicts_every_grade_alike():
    # Logits that do not look at the scan: cross-entropy finds the frequencies, and
    # the adjusted one finds nothing that is left of them.
    target = torch.repeat_interleave(torch.arange(3), torch.tensor([70, 20, 10]))
    criterion = LogitAdjusted()([70, 20, 10])
    logits = torch.zeros(3, requires_grad=True)
    loss = criterion(logits.expand(100, 3), target)
    (gradient,) = torch.autograd.grad(loss, logits)
    torch.testing.assert_close(gradient, torch.zeros(3), rtol=0, atol=1e-6)


def test_prediction_leaves_the_offset_out():
    logits = torch.tensor([[0.0, 0.0]])
    proba = LogitAdjusted()([90, 10]).log_proba(logits).exp()
    torch.testing.assert_close(proba, torch.tensor([[0.5, 0.5]]))


def test_a_grade_without_samples_is_finite():
    loss = LogitAdjusted()([10, 0])(torch.zeros(1, 2), torch.tensor([1]))
    assert loss.isfinite()


@pytest.mark.parametrize(("tau", "error"), [(-1, ValueError), ("x", TypeError)])
def test_a_tau_out_of_range_is_refused(tau, error):
    with pytest.raises(error, match="tau must be"):
        LogitAdjusted(tau)([1, 1])
