import pytest
import torch
from torch import nn

from briqa_sk.losses import Corn, CrossEntropy, ReweightedCrossEntropy
from briqa_sk.losses.heads import HeadsCriterion


def two_heads(config, weights=(1.0, 1.0)):
    makers = [lambda: config([3, 2, 1]), lambda: config([1, 1])]
    return HeadsCriterion(makers, weights, priors=[[0.5, 0.3, 0.2], None])


@pytest.fixture
def batch():
    torch.manual_seed(0)
    target = torch.tensor([[0, 1], [1, 0], [2, -1], [-1, -1]])
    return torch.randn(4, 5), target, torch.randn(4, 6)


def test_the_loss_is_the_weighted_sum_over_the_rated_samples(batch):
    logits, target, _ = batch
    cross_entropy = nn.functional.cross_entropy
    expected = 2 * cross_entropy(logits[:3, :3], target[:3, 0])
    expected += 0.5 * cross_entropy(logits[:2, 3:], target[:2, 1])
    loss = two_heads(CrossEntropy(), weights=(2, 0.5))(logits, target)
    torch.testing.assert_close(loss, expected)


def test_sample_weights_reach_each_head(batch):
    logits, target, _ = batch
    weight = torch.tensor([1.0, 0.0, 0.0, 5.0])
    expected = nn.functional.cross_entropy(logits[:1, :3], target[:1, 0]) / 3
    expected += nn.functional.cross_entropy(logits[:1, 3:], target[:1, 1]) / 2
    loss = two_heads(CrossEntropy())(logits, target, weight)
    torch.testing.assert_close(loss, expected)


def test_samples_that_are_not_rated_pull_at_nothing(batch):
    logits, target, _ = batch
    logits.requires_grad_()
    two_heads(CrossEntropy())(logits, target).backward()
    assert not logits.grad[3].any()
    assert not logits.grad[2, 3:].any()
    assert logits.grad[2, :3].all()


def test_a_batch_without_any_label_of_a_head_costs_nothing_there(batch):
    logits, target, _ = batch
    loss = two_heads(CrossEntropy())(logits[2:3], target[2:3])
    expected = nn.functional.cross_entropy(logits[2:3, :3], target[2:3, 0])
    torch.testing.assert_close(loss, expected)


def test_reweighting_follows_the_gradient_of_its_own_head_only():
    torch.manual_seed(0)
    head, features = nn.Linear(6, 5), torch.randn(8, 6)
    target = torch.tensor(
        [[0, 0], [0, 1], [1, 0], [1, 1], [2, 0], [2, 1], [0, 1], [0, 0]]
    )
    criterion = two_heads(ReweightedCrossEntropy())
    criterion(head(features), target, features=features)
    expected = []
    for rank in range(3):
        chosen = target[:, 0] == rank
        loss = nn.functional.cross_entropy(
            head(features)[chosen, :3], target[chosen, 0]
        )
        gradients = torch.autograd.grad(loss, [head.weight, head.bias])
        expected.append(torch.cat([g.flatten() for g in gradients]).norm())
    torch.testing.assert_close(criterion.heads[0].gradient_size, torch.stack(expected))


def test_heads_of_corn_have_one_logit_less_than_grades():
    criterion = two_heads(Corn())
    assert criterion.n_outputs == 2 + 1
    first, second = criterion.log_proba_of_heads(torch.zeros(1, 3))
    torch.testing.assert_close(first.exp(), torch.tensor([[0.5, 0.25, 0.25]]))
    torch.testing.assert_close(second.exp(), torch.tensor([[0.5, 0.5]]))
    torch.testing.assert_close(criterion.log_proba(torch.zeros(1, 3)), first)


def test_the_priors_are_saved_with_the_weights():
    criterion = two_heads(CrossEntropy())
    makers = [lambda: CrossEntropy()([1, 1, 1]), lambda: CrossEntropy()([1, 1])]
    other = HeadsCriterion(makers, (1, 1), [None, None])
    other.load_state_dict(criterion.state_dict())
    assert other.prior_of(0).tolist() == [0.5, 0.3, 0.2]
    assert other.prior_of(1) is None
