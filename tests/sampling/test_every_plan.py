"""What every batch sampler promises, checked over all of them."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from torch.utils.data import DataLoader

from briqa_sk import sampling
from briqa_sk.sampling import (
    BATCHES,
    BatchPlan,
    ShuffledBatchSampler,
    resolve_batches,
)

Y = np.repeat([0, 1, 2], [23, 9, 5])
every_plan = pytest.mark.parametrize("name", BATCHES)


def make(name, random_state=0):
    plan = resolve_batches(name, caller="test")
    return plan(Y, 4, grades=np.arange(3), random_state=random_state)


def test_every_public_plan_has_a_name():
    public = [getattr(sampling, name) for name in sampling.__all__]
    plans = {p for p in public if isinstance(p, type) and issubclass(p, BatchPlan)}
    assert {type(plan) for plan in BATCHES.values()} == plans - {BatchPlan}


def test_only_rotating_needs_the_order_of_the_grades():
    assert {name for name, plan in BATCHES.items() if plan.is_ordinal} == {"rotating"}


@every_plan
def test_the_length_is_exact(name):
    sampler = make(name)
    for _ in range(3):
        assert len(sampler) == len(list(sampler))


@every_plan
def test_batches_are_lists_of_plain_integers(name):
    assert {type(index) for batch in make(name) for index in batch} == {int}


@every_plan
def test_a_seed_repeats_all_epochs_and_epochs_differ(name):
    first, again = make(name), make(name)
    epochs = [list(first) for _ in range(3)]
    assert epochs == [list(again) for _ in range(3)]
    assert epochs[0] != epochs[1] != epochs[2]


@every_plan
def test_seeds_differ(name):
    assert list(make(name)) != list(make(name, random_state=1))


@every_plan
@pytest.mark.parametrize("n_batches", [1, 4, -1])
def test_resuming_equals_never_stopping(name, n_batches):
    whole = make(name)
    expected = [list(whole) for _ in range(3)]
    stopped = make(name)
    list(stopped)
    batches, seen = iter(stopped), []
    for _ in range(n_batches % len(stopped)):
        seen.append(next(batches))
    resumed = make(name, random_state=99)
    resumed.load_state_dict(stopped.state_dict())
    seen += list(resumed)
    assert [seen, list(resumed)] == expected[1:]


@every_plan
def test_after_the_last_batch_comes_the_next_epoch(name):
    sampler, other = make(name), make(name)
    epochs = [list(other) for _ in range(2)]
    for _, _ in zip(range(len(sampler)), sampler, strict=False):
        pass
    assert sampler.state_dict()["epoch"] == 1
    assert list(sampler) == epochs[1]


@every_plan
def test_a_look_at_the_first_batch_costs_nothing(name):
    sampler = make(name)
    first = next(iter(sampler))
    epoch = list(sampler)
    assert epoch[0] == first
    assert len(epoch) == len(sampler)


@every_plan
def test_a_data_loader_takes_it(name):
    loader = DataLoader(np.arange(len(Y)), batch_sampler=make(name))
    assert [batch.tolist() for batch in loader] == list(make(name))


@every_plan
def test_a_pickle_continues_where_the_original_stands(name):
    sampler = make(name)
    list(sampler)
    copy = pickle.loads(pickle.dumps(sampler))
    assert list(copy) == list(sampler)


@every_plan
def test_a_plan_survives_clone(name):
    assert str(clone(BATCHES[name])) == str(BATCHES[name])


def test_shuffling_deals_everyone_once():
    assert sorted(np.concatenate(list(make("shuffled")))) == list(range(len(Y)))


def test_an_unknown_name_is_answered_with_the_names():
    with pytest.raises(ValueError, match="one of balanced, resampled, rotating, s"):
        resolve_batches("even", caller="test")


@pytest.mark.parametrize("counts", [[30, 10, 5], [4, 20, 3], [7, 7, 7], [9, 0, 6]])
@pytest.mark.parametrize("name", BATCHES)
def test_the_prior_is_the_share_of_each_grade_in_the_batches(name, counts):
    plan, y = BATCHES[name], np.repeat([0, 1, 2], counts)
    sampler = plan(y, 8, np.array([0, 1, 2]), 0)
    dealt = np.concatenate([batch for _ in range(50) for batch in sampler])
    share = np.bincount(y[dealt], minlength=3) / len(dealt)
    prior = plan.prior(np.array(counts), np.array([0, 1, 2]))
    np.testing.assert_allclose(prior, share, atol=0.02)
    assert prior.sum() == pytest.approx(1)


def test_a_plan_of_ones_own_states_no_prior():
    class Own(BatchPlan):
        def __call__(self, y, batch_size, grades, random_state):
            return ShuffledBatchSampler(y, batch_size, random_state)

    assert Own().prior([3, 2], [0, 1]) is None
