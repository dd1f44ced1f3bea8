import math

import pytest
import torch
from scipy.stats import wasserstein_distance

from briqa_sk.losses import Corn, SquaredEMD


def sigmoid(x):
    return 1 / (1 + math.exp(-x))


def test_corn_asks_only_those_who_reached_the_grade():
    # Task 0 asks all three samples, task 1 only the two above grade 0.
    logits = torch.tensor([[0.3, 9.0], [-0.2, 0.5], [1.0, -0.4]])
    target = torch.tensor([0, 1, 2])
    answers = [
        math.log(1 - sigmoid(0.3)),
        math.log(sigmoid(-0.2)) + math.log(1 - sigmoid(0.5)),
        math.log(sigmoid(1.0)) + math.log(sigmoid(-0.4)),
    ]
    loss = Corn()([1, 1, 1])(logits, target)
    assert loss.item() == pytest.approx(-sum(answers) / 5, rel=1e-6)


def test_corn_probabilities_are_products_of_answers():
    a, b = sigmoid(0.7), sigmoid(-1.2)
    proba = Corn()([1, 1, 1]).log_proba(torch.tensor([[0.7, -1.2]])).exp()
    expected = torch.tensor([[1 - a, a * (1 - b), a * b]])
    torch.testing.assert_close(proba, expected)


def test_corn_of_two_grades_is_logistic_regression():
    criterion = Corn()([1, 1])
    logits, target = torch.tensor([[0.4], [-2.0]]), torch.tensor([1, 0])
    expected = -(math.log(sigmoid(0.4)) + math.log(1 - sigmoid(-2.0))) / 2
    assert criterion(logits, target).item() == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("said", range(4))
@pytest.mark.parametrize("true", range(4))
def test_emd_of_a_sure_answer_is_the_earth_movers_distance(said, true):
    logits = torch.zeros(1, 4)
    logits[0, said] = 200.0
    loss = SquaredEMD()([1] * 4)(logits, torch.tensor([true]))
    assert loss.item() == pytest.approx(wasserstein_distance([said], [true]), abs=1e-6)


def test_emd_of_an_even_answer_by_hand():
    # Cumulative 1/3, 2/3, 1 against 0, 1, 1.
    loss = SquaredEMD()([1, 1, 1])(torch.zeros(1, 3), torch.tensor([1]))
    assert loss.item() == pytest.approx(1 / 9 + 1 / 9)


def test_corn_equals_the_example_that_its_authors_print():
    # Their example prints 3.4210, from when the sum was divided by the 5 classes. By
    # the paper's equation 5, as they do since, it is the 8 + 7 + 6 + 3 answers.
    with torch.random.fork_rng():
        torch.manual_seed(123)
        x = torch.rand(8, 99)
        logits = torch.nn.Linear(99, 4)(x)
    target = torch.tensor([0, 1, 2, 2, 2, 3, 4, 4])
    loss = Corn()([1, 1, 3, 1, 2])(logits, target)
    assert loss.item() == pytest.approx(3.4210 * 5 / 24, abs=1e-4)
