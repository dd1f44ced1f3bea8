import pytest
import torch
from torch import nn
from torch.nn import functional as F

from briqa_sk.losses import ReweightedCrossEntropy

COUNTS = [6, 3, 1, 2]


def batch(target, seed=0, n_classes=4):
    generator = torch.Generator().manual_seed(seed)
    head = nn.Linear(5, n_classes)
    with torch.no_grad():
        head.weight.normal_(generator=generator)
    features = torch.randn(len(target), 5, generator=generator)
    return head, features, torch.tensor(target)


def autograd_sizes(head, features, target):
    """Gradient norm of each present class's mean loss, by backward passes."""
    sizes = {}
    for c in target.unique().tolist():
        loss = F.cross_entropy(head(features), target, reduction="none")
        gradients = torch.autograd.grad(
            loss[target == c].mean(), [head.weight, head.bias]
        )
        sizes[c] = torch.cat([g.flatten() for g in gradients]).norm()
    return sizes


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(
    "target", [[0, 0, 1, 2, 3, 3], [0, 2, 2], [1], [3, 3]], ids=str
)
def test_gradient_sizes_and_loss_equal_autograd(target, weighted):
    head, features, target = batch(target)
    weight = torch.rand(len(target), generator=torch.Generator().manual_seed(1))
    weight = weight + 0.5 if weighted else torch.ones(len(target))
    criterion = ReweightedCrossEntropy()(COUNTS)
    loss = criterion(
        head(features), target, weight if weighted else None, features=features
    )
    sizes = autograd_sizes(head, features, target)
    each = F.cross_entropy(head(features), target, reduction="none") * weight
    expected = sum(
        min(sizes.values()) / size * each[target == c].mean()
        for c, size in sizes.items()
    )
    torch.testing.assert_close(loss, expected, rtol=1e-5, atol=1e-5)
    for c, size in sizes.items():
        torch.testing.assert_close(
            criterion.gradient_size[c], size, rtol=1e-5, atol=1e-5
        )


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("left_out", [[1], [0, 3], [4]], ids=str)
def test_a_weight_of_zero_leaves_the_sample_out(left_out, training):
    # Sample 4 is the only one of its class, which then is absent.
    head, features, target = batch([0, 0, 1, 1, 2])
    weight = torch.tensor([1.0, 2.0, 0.5, 1.0, 3.0])
    weight[left_out] = 0
    kept = weight > 0
    with_zeros, without = (
        ReweightedCrossEntropy()(COUNTS).train(training) for _ in range(2)
    )
    logits = head(features)
    loss = with_zeros(logits, target, weight, features)
    expected = without(logits[kept], target[kept], weight[kept], features[kept])
    torch.testing.assert_close(loss, expected)
    torch.testing.assert_close(with_zeros.gradient_size, without.gradient_size)


def test_a_batch_without_any_weight_costs_nothing():
    head, features, target = batch([0, 1])
    criterion = ReweightedCrossEntropy()(COUNTS)
    loss = criterion(head(features), target, torch.zeros(2), features)
    loss.backward()
    assert loss.item() == 0
    assert head.weight.grad.abs().max() == 0
    assert criterion.gradient_size.tolist() == [0.0] * 4


def test_a_grade_of_double_weight_pulls_twice_as_hard():
    head, features, target = batch([0, 0, 1])
    criterion = ReweightedCrossEntropy()(COUNTS)
    pulls = []
    for weight in ([1.0, 1.0, 1.0], [1.0, 1.0, 2.0], [1.0, 1.0, 3.0]):
        loss = criterion(head(features), target, torch.tensor(weight), features)
        pulls.append(torch.autograd.grad(loss, head.weight)[0])
    torch.testing.assert_close(pulls[2] - pulls[1], pulls[1] - pulls[0])
    assert (pulls[1] - pulls[0]).norm() == pytest.approx(
        criterion.gradient_size[:2].min().item(), rel=0.2
    )


def test_the_weights_are_constants_for_the_gradient():
    head, features, target = batch([0, 1, 1])
    criterion = ReweightedCrossEntropy()(COUNTS)
    loss = criterion(head(features), target, features=features)
    gradient = torch.autograd.grad(loss, head.weight)[0]
    alpha = criterion.gradient_size[:2].min() / criterion.gradient_size[:2]
    each = F.cross_entropy(head(features), target, reduction="none")
    frozen = alpha[0] * each[0] + alpha[1] * each[1:].mean()
    expected = torch.autograd.grad(frozen, head.weight)[0]
    torch.testing.assert_close(gradient, expected)


def test_a_learnt_class_silences_the_others_and_nothing_breaks():
    # Class 0 is perfect: phi = 0. Only the guard keeps the ratio finite.
    logits = torch.tensor([[1e4, 0.0], [1e4, 0.0]], requires_grad=True)
    criterion = ReweightedCrossEntropy()([5, 5])
    loss = criterion(logits, torch.tensor([0, 1]), features=torch.ones(2, 3))
    loss.backward()
    assert loss.item() == pytest.approx(0, abs=1e-6)
    assert torch.isfinite(logits.grad).all()


def test_when_all_classes_are_learnt_all_weights_are_one():
    logits = torch.tensor([[1e4, 0.0], [0.0, 1e4]])
    criterion = ReweightedCrossEntropy()([5, 5])
    assert criterion(logits, torch.tensor([0, 1]), features=torch.ones(2, 3)) == 0


def test_evaluation_sums_the_class_means_and_learns_nothing():
    head, features, target = batch([0, 0, 1])
    criterion = ReweightedCrossEntropy()(COUNTS).eval()
    each = F.cross_entropy(head(features), target, reduction="none")
    torch.testing.assert_close(
        criterion(head(features), target), each[:2].mean() + each[2]
    )
    assert criterion.gradient_size.tolist() == [0.0] * 4


def test_the_sizes_are_saved():
    head, features, target = batch([0, 1, 2, 3])
    criterion = ReweightedCrossEntropy()(COUNTS)
    criterion(head(features), target, features=features)
    other = ReweightedCrossEntropy()(COUNTS)
    other.load_state_dict(criterion.state_dict())
    assert torch.equal(other.gradient_size, criterion.gradient_size)
    assert (other.gradient_size > 0).all()


def test_mixed_precision_does_not_round_the_sizes():
    head, features, target = batch([0, 1, 2, 3])
    exact, mixed = (ReweightedCrossEntropy()(COUNTS) for _ in range(2))
    logits = head(features).detach()
    expected = exact(logits, target, features=features)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = mixed(logits, target, features=features)
    torch.testing.assert_close(loss, expected)
    torch.testing.assert_close(mixed.gradient_size, exact.gradient_size)


def test_training_without_features_is_refused():
    criterion = ReweightedCrossEntropy()(COUNTS)
    with pytest.raises(ValueError, match=r"got None. Record it with"):
        criterion(torch.zeros(2, 4), torch.tensor([0, 1]))


@pytest.mark.parametrize("rule", ["smallest", "proportional"])
def test_rules_compare_gradients_with_what_they_are_named_after(rule):
    head, features, target = batch([0, 0, 1, 2, 2])
    criterion = ReweightedCrossEntropy(rule=rule)(COUNTS)
    loss = criterion(head(features), target, features=features)
    sizes = autograd_sizes(head, features, target)
    mean = sum(sizes.values()) / len(sizes)
    weight_of = {
        "smallest": lambda size: min(sizes.values()) / size,
        "proportional": lambda size: size / mean,
    }[rule]
    each = F.cross_entropy(head(features), target, reduction="none")
    expected = sum(weight_of(s) * each[target == c].mean() for c, s in sizes.items())
    torch.testing.assert_close(loss, expected, rtol=1e-5, atol=1e-5)


def test_an_unknown_rule_is_refused():
    with pytest.raises(ValueError, match="rule must be one of smallest"):
        ReweightedCrossEntropy(rule="median")(COUNTS)
