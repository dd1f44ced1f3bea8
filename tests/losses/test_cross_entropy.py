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
def test_weighted_cross_entropy_equals_torch(class_weight):
    y = np.repeat([0, 1, 2], COUNTS)
    expected = (
        compute_class_weight("balanced", classes=np.arange(3), y=y)
        if class_weight == "balanced"
        else class_weight
    )
    peer = nn.CrossEntropyLoss(weight=torch.tensor(expected, dtype=torch.float32))
    loss = WeightedCrossEntropy(class_weight)(COUNTS)(LOGITS, TARGET)
    torch.testing.assert_close(loss, peer(LOGITS, TARGET))


def test_a_grade_without_samples_gets_a_finite_weight():
    # 8 / (2 * 8) and, counting as one sample, 8 / (2 * 1).
    assert WeightedCrossEntropy()([8, 0]).class_weight.tolist() == [0.5, 4.0]


@pytest.mark.parametrize(
    "class_weight", [[1.0, 2.0], [1.0, 0.0, 1.0], [1, 2, math.inf], "even", None]
)
def test_class_weights_that_do_not_fit_are_refused(class_weight):
    with pytest.raises(ValueError, match="each of the 3 grades, got"):
        WeightedCrossEntropy(class_weight)(COUNTS)


def test_effective_numbers_follow_their_formula():
    criterion = WeightedCrossEntropy("effective")([5000, 10])
    numbers = [(1 - 0.999**n) / 0.001 for n in (5000, 10)]
    expected = torch.tensor([5010 / (2 * n) for n in numbers])
    torch.testing.assert_close(criterion.class_weight, expected)
    # Few samples are worth what they count, thousands no more than a thousand.
    assert numbers == pytest.approx([993.3, 9.955], rel=1e-3)
