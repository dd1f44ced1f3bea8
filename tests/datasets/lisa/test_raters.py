"""Severities as often as in the challenge, and raters of a given kappa."""

import numpy as np
import pytest

from briqa_sk.datasets.lisa.raters import draw_grades, mean_kappa
from briqa_sk.metrics import quadratic_kappa
from briqa_sk.simulation import LISA_2025

NAMES = list(LISA_2025.counts)


@pytest.mark.parametrize("n_scans", [60, 300, 532])
def test_severities_have_the_proportions_of_the_challenge(n_scans):
    severities, ratings = draw_grades(n_scans, 0.5, np.random.default_rng(0))
    for grades in (severities, ratings):
        for name, column in zip(NAMES, grades.T, strict=True):
            quota = np.array(LISA_2025.counts[name]) * n_scans / 532
            assert (abs(np.bincount(column, minlength=3) - quota) <= 1).all()


@pytest.mark.parametrize("kappa", [0.2, 0.5, 0.8, 1.0])
def test_raters_agree_with_the_truth_to_the_kappa_asked_for(kappa):
    severities, ratings = draw_grades(732, kappa, np.random.default_rng(1))
    kappas = [
        quadratic_kappa(truth, rating)
        for truth, rating in zip(severities.T, ratings.T, strict=True)
    ]
    assert np.mean(kappas) == pytest.approx(kappa, abs=0.02)


def test_an_artifact_that_never_occurs_does_not_count_in_the_mean_kappa():
    truth = np.array([[0, 0], [0, 1], [0, 2]])
    assert mean_kappa(truth, truth) == 1
    assert mean_kappa(truth[:, :1], truth[:, :1]) == 1
