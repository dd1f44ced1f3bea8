import numpy as np
import pytest

from briqa_sk.sampling import RotatingBatchSampler, ShuffledBatchSampler
from briqa_sk.sampling.interleaved import InterleavedBatchSampler

Y = np.repeat([0, 1, 2], [12, 4, 4])


def make():
    """A rotating sampler over 0 to 19 and a shuffled one over 20 to 39."""
    samplers = [
        RotatingBatchSampler(Y, batch_size=4, random_state=0),
        ShuffledBatchSampler(Y, batch_size=4, random_state=1),
    ]
    return InterleavedBatchSampler(samplers, [np.arange(20), np.arange(20, 40)])


def deal(sampler, n_epochs):
    return [batch for _ in range(n_epochs) for batch in sampler]


def test_the_samplers_take_turns_within_and_across_epochs():
    sampler = make()
    assert len(sampler) == 4  # the mean of 4 and 5 batches, to even
    sampler.samplers[1] = ShuffledBatchSampler(Y, batch_size=3, random_state=1)
    assert len(sampler) == round((4 + 7) / 2)
    owners = [batch[0] >= 20 for batch in deal(make(), 3)]
    assert owners == [False, True] * 6


def test_each_sampler_deals_what_it_deals_alone():
    alone = make().samplers
    batches = deal(make(), 5)
    expected = deal(alone[0], 3)
    assert batches[::2] == expected[:10]
    expected = [[index + 20 for index in batch] for batch in deal(alone[1], 2)]
    assert batches[1::2] == expected


@pytest.mark.parametrize("n_before", [0, 1, 3, 4, 7])
def test_a_sampler_goes_on_where_an_equal_one_stood(n_before):
    expected = deal(make(), 3)
    first, second = make(), make()
    dealt = []
    while len(dealt) < n_before:
        for batch in first:
            dealt.append(batch)
            if len(dealt) == n_before:
                break
    second.load_state_dict(first.state_dict())
    assert dealt + deal(second, 3 - n_before // 4) == expected


def test_a_pass_that_is_broken_off_is_dealt_again():
    sampler = make()
    next(iter(sampler))
    sampler.load_state_dict({"epoch": 0, "batch": 0})
    assert deal(sampler, 2) == deal(make(), 2)
