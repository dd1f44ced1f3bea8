import numpy as np
import pytest
from imblearn.combine import SMOTEENN
from imblearn.over_sampling import SMOTE, RandomOverSampler
from imblearn.pipeline import make_pipeline
from imblearn.under_sampling import ClusterCentroids, RandomUnderSampler, TomekLinks

from briqa_sk.sampling import ResampledBatches, ResampledBatchSampler

Y = np.repeat(["none", "severe"], [40, 12])


def make(sampler, batch_size=8):
    return ResampledBatchSampler(Y, batch_size, sampler, random_state=0)


def epoch_of(sampler):
    return np.concatenate(list(sampler))


def test_oversampling_repeats_the_rare_grade():
    grades, n_seen = np.unique(Y[epoch_of(make(RandomOverSampler()))], return_counts=1)
    assert dict(zip(grades, n_seen, strict=True)) == {"none": 40, "severe": 40}


def test_undersampling_chooses_others_every_epoch():
    sampler = make(RandomUnderSampler())
    first, second = (set(epoch_of(sampler)) for _ in range(2))
    assert len(sampler) == 3
    assert len(first) == len(second) == 24
    assert first != second


def test_a_strategy_speaks_the_callers_labels():
    sampler = make(RandomUnderSampler(sampling_strategy={"none": 20}))
    assert np.sum(Y[epoch_of(sampler)] == "none") == 20


def test_a_sampler_without_seed_is_taken():
    assert set(epoch_of(make(TomekLinks()))) <= set(range(len(Y)))


def test_seeds_reach_the_steps_of_a_pipeline():
    pipeline = make_pipeline(
        RandomUnderSampler(sampling_strategy={"none": 30}), RandomOverSampler()
    )
    first, again = (epoch_of(make(pipeline)).tolist() for _ in range(2))
    assert first == again


def test_the_callers_sampler_is_left_alone():
    sampler = RandomOverSampler()
    list(make(sampler))
    assert sampler.random_state is None
    assert not hasattr(sampler, "sample_indices_")


@pytest.mark.parametrize(
    "sampler",
    [
        SMOTE(),
        SMOTEENN(),
        ClusterCentroids(),
        RandomOverSampler(shrinkage=0.5),
    ],
    ids=str,
)
def test_samplers_that_make_new_points_are_refused(sampler):
    with pytest.raises(ValueError, match=r"which makes new ones\. Use RandomOverSamp"):
        make(sampler)


def test_a_single_grade_cannot_be_resampled():
    with pytest.raises(ValueError, match=r"two grades to resample, got only 'none'\."):
        ResampledBatches()(["none"] * 4, 2, grades=["none"], random_state=0)


def test_numbers_of_object_dtype_are_resampled():
    y = np.array([0, 0, 0, 1], dtype=object)
    sampler = ResampledBatchSampler(y, 6, RandomOverSampler(), random_state=0)
    assert np.bincount(y[epoch_of(sampler)].astype(int)).tolist() == [3, 3]


def test_the_default_plan_oversamples():
    plan = ResampledBatches()(Y, 80, grades=["none", "severe"], random_state=0)
    assert [len(batch) for batch in plan] == [80]


def test_a_shared_default_is_never_changed_by_nested_parameters():
    changed = ResampledBatches(RandomOverSampler())
    changed.set_params(sampler__sampling_strategy="minority")
    assert ResampledBatches().sampler is None
