import math

import numpy as np
import pytest
import torch
from sklearn.utils import compute_class_weight
from torch import nn
from torch.nn import functional as F

from briqa_sk.losses import CrossEntropy, WeightedCrossEntropy

LOGITS = torch.randn(6, 3, generator=torch.Generator().manual_seed(0))
TARGET = torch.tensor([0, 2, 1, 0, 0, 1])
COUNTS = [7, 2, 1]


def test_cross_entropy_equals_torch():
    loss = CrossEntropy()(COUNTS)(LOGITS, TARGET)
    torch.testing.assert_close(loss, F.cross_entropy(LOGITS, TARGET))


def test_sample_weights_equal_repeating_samples():
    # Three samples with weights 2, 1, 0 of mean 1, against the first one twice.
    criterion = CrossEntropy()(COUNTS)
    weight = torch.tensor([2.0, 1.0, 0.0])
    weighted = criterion(LOGITS[:3], TARGET[:3], weight)
    repeated = criterion(LOGITS[[0, 0, 1]], TARGET[[0, 0, 1]])
    torch.testing.assert_close(weighted, repeated)


def test_a_heavy_batch_is_not_normalised_away():
    criterion = CrossEntropy()(COUNTS)
    light, heavy = (criterion(LOGITS, TARGET, torch.full((6,), w)) for w in (1.0, 3.0))
    torch.testing.assert_close(heavy, 3 * light)


@pytest.mark.parametrize("class_weight", [[1.0, 2.0, 5.0], "balanced"])
def test_weighted_cross_entropy_is_that_of_torch_over_the_mean_weight_of_training(
    class_weight,
):
    y = np.repeat([0, 1, 2], COUNTS)
    given = class_weight
    if class_weight == "balanced":
        given = compute_class_weight("balanced", classes=np.arange(3), y=y)
    weight = torch.tensor(given, dtype=torch.float32)
    peer = nn.CrossEntropyLoss(weight=weight, reduction="sum")(LOGITS, TARGET)
    loss = WeightedCrossEntropy(class_weight)(COUNTS)(LOGITS, TARGET)
    torch.testing.assert_close(loss, peer / 6 / weight[y].mean())


def test_batches_that_show_each_grade_as_often_need_no_weights():
    assert WeightedCrossEntropy()([4, 4, 4]).class_weight.tolist() == [1, 1, 1]


def test_weights_by_label_are_those_by_rank():
    config = WeightedCrossEntropy({"good": 1, "bad": 3, "fair": 2})
    ranked = config.of_grades(np.array(["good", "fair", "bad"]))
    assert ranked.class_weight == [1, 2, 3]
    with pytest.raises(ValueError, match=r"each of the grades \['good', 'poor'\]"):
        config.of_grades(np.array(["good", "poor"]))


def test_a_grade_without_samples_counts_as_if_it_had_one():
    assert WeightedCrossEntropy()([8, 0]).class_weight.tolist() == [9 / 16, 9 / 2]


@pytest.mark.parametrize(
    "class_weight", [[1.0, 2.0], [1.0, 0.0, 1.0], [1, 2, math.inf], "even", None]
)
def test_class_weights_that_do_not_fit_are_refused(class_weight):
    with pytest.raises(ValueError, match="each of the 3 grades, got"):
        WeightedCrossEntropy(class_weight)(COUNTS)


def test_effective_numbers_follow_their_formula():
    criterion = WeightedCrossEntropy("effective")([5000, 10])
    numbers = [(1 - 0.999**n) / 0.001 for n in (5000, 10)]
    torch.testing.assert_close(
        criterion.class_weight[1] / criterion.class_weight[0],
        torch.tensor(numbers[0] / numbers[1]),
    )
    assert criterion.class_weight @ torch.tensor([5000.0, 10.0]) == pytest.approx(5010)
    # Few samples are worth what they count, thousands no more than a thousand.
    assert numbers == pytest.approx([993.3, 9.955], rel=1e-3)
