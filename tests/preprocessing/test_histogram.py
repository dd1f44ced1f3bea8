import numpy as np
import pytest
from sklearn.exceptions import NotFittedError

from briqa_sk import MatchHistogram, Volume, VolumeSequence


@pytest.fixture
def heads():
    """Air at 0, and tissue from 100 to 200 with another gain in every volume."""
    rng = np.random.default_rng(0)
    X = np.zeros((4, 8, 8, 8), np.float32)
    X[:, 2:] = 100 + 100 * rng.beta(2, 3, size=(4, 6, 8, 8))
    return X * np.array([1, 2, 0.3, 5], np.float32).reshape(4, 1, 1, 1)


def tissue_percentiles(X, percentiles):
    return np.percentile(X[:, 2:].reshape(len(X), -1), percentiles, axis=1)


def test_the_landmarks_are_the_mean_of_the_scaled_percentiles(heads):
    match = MatchHistogram(percentiles=(5, 50, 95), out_max=10).fit(heads)
    low, middle, high = tissue_percentiles(heads, (5, 50, 95))
    truth = (10 * (middle - low) / (high - low)).mean()
    np.testing.assert_allclose(match.landmarks_, [0, truth, 10], rtol=1e-5)


def test_every_volume_gets_the_percentiles_of_the_training_set(heads):
    match = MatchHistogram().fit(heads[:3])
    Xt = match.transform(heads)
    for found in tissue_percentiles(Xt, match.percentiles).T:
        np.testing.assert_allclose(found, match.landmarks_, atol=0.1)


def test_a_sequence_is_fitted_one_volume_at_a_time(heads):
    alive, most = set(), [0]

    class Counted(Volume):
        def __post_init__(self):
            super().__post_init__()
            alive.add(id(self))
            most[0] = max(most[0], len(alive))

        def __del__(self):
            alive.discard(id(self))

    def read(volume):
        return Counted(volume.data)

    X = VolumeSequence([Volume(data) for data in heads]).map(read)
    match = MatchHistogram().fit(X)
    np.testing.assert_array_equal(
        match.landmarks_, MatchHistogram().fit(heads).landmarks_
    )
    assert most[0] <= 2  # the one in use, while the next replaces it


def test_a_sequence_keeps_the_landmarks_of_its_own_fit(heads):
    match = MatchHistogram().fit(heads)
    X = match.transform([Volume(data) for data in heads])
    expected = match.transform(heads)
    match.set_params(out_max=1.0).fit(heads)
    np.testing.assert_array_equal(X[1].data, expected[1])


def test_a_volume_without_scale_teaches_nothing(heads):
    constant = np.full_like(heads[:1], 7)
    both = MatchHistogram().fit(np.concatenate([heads, constant]))
    np.testing.assert_array_equal(
        both.landmarks_, MatchHistogram().fit(heads).landmarks_
    )
    assert not both.transform(constant).any()


def test_without_any_scale_the_landmarks_are_spread_like_the_percentiles():
    match = MatchHistogram(percentiles=(0, 25, 100)).fit(np.ones((2, 2, 2, 2)))
    assert match.landmarks_.tolist() == [0, 25, 100]


def test_transform_before_fit_is_an_error(heads):
    with pytest.raises(NotFittedError):
        MatchHistogram().transform(heads)


@pytest.mark.parametrize(
    "percentiles", [(1,), (50, 10), (0, 101), (-1, 50), ((1, 2), (3, 4)), (1, np.nan)]
)
def test_bad_percentiles_are_refused(heads, percentiles):
    with pytest.raises(ValueError, match="percentiles must be at least two increasing"):
        MatchHistogram(percentiles=percentiles).fit(heads)


def test_an_empty_range_is_refused(heads):
    with pytest.raises(ValueError, match="out_min must be less than out_max"):
        MatchHistogram(out_min=100).fit(heads)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_volumes_that_are_not_finite_are_named(heads, bad):
    match = MatchHistogram().fit(heads)
    data = heads[0].copy()
    data[1, 2, 3] = bad
    X = VolumeSequence([Volume(data, path="scan.nii"), Volume(data)])
    with pytest.raises(ValueError, match=r"MatchHistogram: .* NaN or inf in scan\.nii"):
        match.fit(X)
    with pytest.raises(ValueError, match=r"MatchHistogram: .* NaN or inf in scan\.nii"):
        match.transform(X)[0]
    with pytest.raises(ValueError, match="a scan in memory"):
        match.transform(X)[1]
