import numpy as np
import pytest
import torch

from briqa_sk._random import draw_seed, make_generator, torch_seed


def test_a_generator_is_used_as_it_is():
    rng = np.random.default_rng(0)
    assert make_generator(rng) is rng


def test_a_randomstate_seeds_a_generator_and_moves_on():
    state = np.random.RandomState(0)
    first, second = make_generator(state), make_generator(state)
    assert first.integers(2**31) != second.integers(2**31)


def test_the_global_stream_is_never_touched():
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    assert draw_seed(None) != draw_seed(None)
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002


def test_torch_is_seeded_inside_the_block_only():
    torch.manual_seed(1)
    expected = torch.rand(2)
    torch.manual_seed(1)
    with torch_seed(7):
        inside = torch.rand(1)
    assert torch.equal(torch.rand(2), expected)
    with torch_seed(7):
        assert torch.equal(torch.rand(1), inside)


def test_torch_comes_back_after_an_error():
    state = torch.get_rng_state()
    with pytest.raises(RuntimeError, match="negative dimension"), torch_seed(7):
        torch.rand(-1)
    assert torch.equal(torch.get_rng_state(), state)
