import numpy as np
import pytest

from briqa_sk.kernels import find_landmarks, map_landmarks


def test_landmarks_are_percentiles_of_the_bright_part():
    data = np.concatenate([np.zeros(500), np.arange(100.0, 201.0)])
    np.testing.assert_allclose(find_landmarks(data, [0, 50, 100]), [100, 150, 200])


def test_landmarks_go_to_their_places_and_lines_go_on_beyond():
    data = np.array([[[0.0, 10, 15, 20, 40, 50]]])
    mapped = map_landmarks(data, np.array([10.0, 20, 40]), np.array([0.0, 50, 60]))
    # slope 5 up to 20, then 0.5
    np.testing.assert_allclose(mapped.ravel(), [-50, 0, 25, 50, 60, 65])


def test_mapping_is_monotonic():
    rng = np.random.default_rng(0)
    own, standard = np.sort(rng.normal(size=(2, 11)))
    data = np.sort(rng.normal(scale=3, size=1000))
    mapped = map_landmarks(data, own, standard)
    assert (np.diff(mapped) >= 0).all()


def test_of_equal_landmarks_the_first_counts():
    own, standard = np.array([1.0, 2, 2, 3]), np.array([0.0, 10, 20, 30])
    mapped = map_landmarks(np.array([[[1.0, 2, 3]]]), own, standard)
    assert mapped.ravel().tolist() == pytest.approx([0, 10, 30])


def test_a_constant_volume_gets_the_first_value():
    mapped = map_landmarks(np.ones((1, 1, 2)), np.ones(3), np.array([5.0, 6, 7]))
    assert mapped.ravel().tolist() == [5, 5]
