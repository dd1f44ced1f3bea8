"""What every loss promises, checked over all of them."""

import pickle
from pathlib import Path

import pytest
import torch
from sklearn.base import clone

from briqa_sk import losses
from briqa_sk.losses import CRITERIA, LossConfig, resolve_criterion
from briqa_sk.losses.reweighted import RULES

COUNTS = [5, 3, 2]
every_loss = pytest.mark.parametrize("name", CRITERIA)


def make(name, dtype=torch.float32):
    return resolve_criterion(name, caller="test")(COUNTS).to(dtype)


def make_batch(criterion, target, scale=1.0, dtype=torch.float64):
    generator = torch.Generator().manual_seed(0)
    shape = (len(target), criterion.n_outputs)
    logits = scale * torch.randn(shape, generator=generator, dtype=dtype)
    features = torch.randn(len(target), 4, generator=generator, dtype=dtype)
    return logits.requires_grad_(), torch.tensor(target), features


def test_every_public_loss_has_a_name():
    public = [getattr(losses, name) for name in losses.__all__]
    configs = {c for c in public if isinstance(c, type) and issubclass(c, LossConfig)}
    assert {type(config) for config in CRITERIA.values()} == configs - {LossConfig}


@pytest.mark.parametrize("name", [*CRITERIA, *RULES, "effective"])
def test_the_guide_tells_every_loss_and_its_options(name):
    guide = Path(__file__).parents[2] / "docs" / "user_guide" / "losses.rst"
    assert f'"{name}"``' in guide.read_text(encoding="utf-8")


def test_the_ordinal_losses_say_so():
    ordinal = {name for name, config in CRITERIA.items() if config.is_ordinal}
    assert ordinal == {"corn", "emd"}


@every_loss
def test_the_gradient_is_that_of_finite_differences(name):
    criterion = make(name, torch.float64)
    if criterion.reads_features:
        criterion.eval()  # its training gradient holds the weights constant
    logits, target, features = make_batch(criterion, [0, 1, 2, 0])
    weight = torch.tensor([0.5, 2.0, 1.0, 0.5], dtype=torch.float64)
    assert torch.autograd.gradcheck(
        lambda z: criterion(z, target, weight, features), logits
    )


@every_loss
@pytest.mark.parametrize("target", [[0, 1, 2], [1], [2, 2, 2]], ids=str)
def test_extreme_logits_and_lone_classes_stay_finite(name, target):
    criterion = make(name)
    logits, target, features = make_batch(criterion, target, 1e4, torch.float32)
    loss = criterion(logits, target, features=features)
    loss.backward()
    assert loss.shape == ()
    assert torch.isfinite(loss)
    assert torch.isfinite(logits.grad).all()


@every_loss
def test_probabilities_sum_to_one(name):
    criterion = make(name, torch.float64)
    logits, _, _ = make_batch(criterion, [0, 1, 2], scale=5.0)
    log_proba = criterion.log_proba(logits)
    assert log_proba.shape == (3, 3)
    torch.testing.assert_close(
        log_proba.exp().sum(dim=1), torch.ones(3, dtype=torch.float64)
    )


@every_loss
def test_weights_of_one_change_nothing(name):
    criterion = make(name)
    logits, target, features = make_batch(criterion, [0, 1, 2, 2], dtype=torch.float32)
    plain = criterion(logits, target, features=features)
    weighted = criterion(logits, target, torch.ones(4), features)
    torch.testing.assert_close(plain, weighted)


@every_loss
def test_half_precision_logits_give_a_float32_loss(name):
    criterion = make(name)
    logits, target, features = make_batch(criterion, [0, 1, 2], dtype=torch.float16)
    assert criterion(logits, target, features=features).dtype == torch.float32


@every_loss
def test_a_criterion_survives_pickle(name):
    criterion = make(name).eval()
    logits, target, _ = make_batch(criterion, [0, 1, 2], dtype=torch.float32)
    copy = pickle.loads(pickle.dumps(criterion))
    assert copy(logits, target) == criterion(logits, target)


@every_loss
def test_a_configuration_survives_clone(name):
    config = CRITERIA[name]
    assert clone(config).get_params() == config.get_params()


def test_an_unknown_name_is_answered_with_the_names():
    with pytest.raises(ValueError, match="one of corn, cross_entropy, emd, focal"):
        resolve_criterion("mse", caller="test")


PROPER = {"corn", "cross_entropy", "emd", "logit_adjusted", "weighted"}


def test_the_losses_that_are_proper_say_so():
    stated = {n for n, config in CRITERIA.items() if config.prior(COUNTS) is not None}
    assert stated == PROPER


@pytest.mark.parametrize("name", sorted(PROPER | {"effective", "by hand", "half"}))
def test_the_probabilities_of_a_minimum_belong_to_the_prior_that_is_stated(name):
    # Four kinds of scans; how many of each grade there are of each kind is known, so
    # Bayes' theorem gives the probabilities for any prior.
    config = {
        "effective": losses.WeightedCrossEntropy("effective"),
        "by hand": losses.WeightedCrossEntropy([1, 5, 2]),
        "half": losses.LogitAdjusted(tau=0.5),
    }.get(name) or CRITERIA[name]
    kind_given_grade = torch.tensor(
        [[0.4, 0.3, 0.2, 0.1], [0.1, 0.4, 0.4, 0.1], [0.1, 0.1, 0.3, 0.5]],
        dtype=torch.float64,
    )
    counts = torch.tensor([600, 300, 100], dtype=torch.float64)
    criterion = config(counts.numpy()).to(torch.float64)
    joint = kind_given_grade * (counts / counts.sum())[:, None]  # (3, 4)
    kind, grade = torch.meshgrid(torch.arange(4), torch.arange(3), indexing="ij")
    # Weights of mean 1 in the place of thousands of scans.
    weight = joint[grade, kind].flatten() * joint.numel()
    logits = torch.zeros(4, criterion.n_outputs, dtype=torch.float64)
    logits.requires_grad_()
    optimizer = torch.optim.LBFGS([logits], max_iter=500, tolerance_grad=1e-12)

    def step():
        optimizer.zero_grad()
        loss = mean_loss(criterion, logits[kind.flatten()], grade.flatten(), weight)
        loss.backward()
        return loss

    optimizer.step(step)
    prior = torch.as_tensor(config.prior(counts.numpy()))
    expected = kind_given_grade * prior[:, None]
    expected = (expected / expected.sum(dim=0)).T
    found = criterion.log_proba(logits).exp()
    torch.testing.assert_close(found, expected, atol=2e-4, rtol=0)


def mean_loss(criterion, logits, target, weight):
    """Return the mean over all; CORN divides by how often it asks in the batch."""
    per_sample = [
        criterion.per_sample(z[None], t[None])
        for z, t in zip(logits, target, strict=True)
    ]
    if isinstance(criterion, type(losses.Corn()(COUNTS))):
        asked = [min(int(t) + 1, criterion.n_outputs) for t in target]
        per_sample = [n * loss for n, loss in zip(asked, per_sample, strict=True)]
    return (weight * torch.cat(per_sample)).mean()
