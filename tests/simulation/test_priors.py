"""Priors: single and paired frequencies are those of the tables."""

import json

import numpy as np
import pytest
from scipy import stats

from briqa_sk.simulation.priors import LISA_2025, SeverityPrior, _both_above

ARTIFACTS = list(LISA_2025.counts)
N_DRAWN = 20_000


@pytest.fixture(scope="module")
def drawn():
    return LISA_2025.draw(N_DRAWN, ARTIFACTS, np.random.default_rng(0))


@pytest.fixture(scope="module")
def table(real_data):
    return json.loads(
        (real_data / "tables" / "lisa2025_label_aggregates.json").read_text()
    )


def sampling_error(share, sigmas=4):
    return sigmas * np.sqrt(share * (1 - share) / N_DRAWN)


def test_the_chance_of_both_is_that_of_the_bivariate_normal():
    for r in (-0.6, 0.2, 0.9):
        truth = stats.multivariate_normal([0, 0], [[1, r], [r, 1]])
        # By symmetry, P(Z1 > 1, Z2 > 0.3) = P(Z1 < -1, Z2 < -0.3).
        both = _both_above(stats.norm.sf(1), stats.norm.sf(0.3), r)
        assert both == pytest.approx(truth.cdf([-1, -0.3]), abs=1e-5)


def test_median_cuts_obey_the_arcsine_law():
    for r in (-0.5, 0.1, 0.7):
        assert _both_above(0.5, 0.5, r) == pytest.approx(
            0.25 + np.arcsin(r) / (2 * np.pi)
        )


@pytest.mark.parametrize("name", ARTIFACTS)
def test_severities_are_as_frequent_as_in_lisa(drawn, name):
    shares = np.array(LISA_2025.counts[name]) / 532
    measured = np.bincount(drawn[:, ARTIFACTS.index(name)], minlength=3) / N_DRAWN
    assert (abs(measured - shares) < sampling_error(shares)).all()


@pytest.mark.parametrize("pair", LISA_2025.pairs)
def test_pairs_are_as_frequent_as_in_lisa(drawn, pair):
    share = LISA_2025.pairs[pair] / 529
    there = drawn[:, [ARTIFACTS.index(name) for name in pair]] > 0
    assert there.all(axis=1).mean() == pytest.approx(share, abs=sampling_error(share))


def test_the_constants_are_those_of_the_published_table(table):
    for key, count in table["pair_counts_any"].items():
        pair = tuple(key.lower().split("&"))
        assert LISA_2025.pairs[pair] == count
    assert LISA_2025.n_scans == table["n_volumes"]


def test_scans_have_as_many_artifacts_as_in_lisa(drawn, table):
    """Pairs are met; larger groups follow from them, to 5 % of the scans."""
    measured = np.bincount((drawn > 0).sum(axis=1), minlength=8)[:7] / N_DRAWN
    counts = np.array(list(table["n_artifacts_per_volume"].values()))
    distance = abs(measured - counts / counts.sum()).sum() / 2
    assert distance < 0.05


def test_exact_draws_meet_the_counts():
    drawn = LISA_2025.draw(532, ARTIFACTS, np.random.default_rng(1), exact=True)
    for name, column in zip(ARTIFACTS, drawn.T, strict=True):
        assert np.bincount(column).tolist() == list(LISA_2025.counts[name])


def test_exact_draws_keep_the_order_of_the_latents():
    latents = LISA_2025.draw_latents(300, ARTIFACTS, np.random.default_rng(2))
    severities = LISA_2025.cut(latents, ARTIFACTS, exact=True)
    for latent, severity in zip(latents.T, severities.T, strict=True):
        assert (np.diff(severity[np.argsort(latent)]) >= 0).all()


def test_without_pairs_artifacts_are_independent():
    prior = SeverityPrior({"noise": (0.5, 0.5), "motion": (0.2, 0.3, 0.5)})
    drawn = prior.draw(N_DRAWN, ["motion", "noise"], np.random.default_rng(3))
    assert drawn.max(axis=0).tolist() == [2, 1]
    assert abs(np.corrcoef(drawn.T)[0, 1]) < 4 / np.sqrt(N_DRAWN)


def test_severities_without_probability_never_occur():
    prior = SeverityPrior({"a": (0, 1, 0), "b": (1, 0, 0), "c": (0, 0, 1)})
    drawn = prior.draw(1000, ["a", "b", "c"], np.random.default_rng(4))
    assert (drawn == [1, 0, 2]).all()


def test_one_artifact_more_leaves_the_others_as_they_are():
    both, one = (
        LISA_2025.draw(50, names, np.random.default_rng(5))
        for names in (["motion", "noise"], ["noise"])
    )
    np.testing.assert_array_equal(both[:, 1:], one)


def test_contradictory_pairs_give_possible_correlations():
    even = (0.5, 0.5)
    # a and b always together, c with a but never with b.
    pairs = {("a", "b"): 0.5, ("a", "c"): 0.5, ("b", "c"): 0.0}
    prior = SeverityPrior({"a": even, "b": even, "c": even}, pairs)
    assert np.linalg.eigvalsh(prior.correlation).min() > 0
    np.testing.assert_allclose(np.diag(prior.correlation), 1)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (({"noise": (0.5, -0.5)},), "counts of noise must be numbers"),
        (({"noise": (0, 0)},), "not all 0, got"),
        (({"noise": "often"},), "not all 0, got 'often'"),
        (({"noise": 0.5},), "not all 0, got 0.5"),
        (({"noise": (1, np.inf)},), "not all 0, got"),
        (({"noise": (1, 1)}, {("noise", "motion"): 0.1}), "got 'motion'"),
        (
            ({"a": (8, 2), "b": (5, 5)}, {("a", "b"): 3}),
            "scans with a and b must be from 0 to 0.2, that of the rarer one, got 0.3",
        ),
    ],
)
def test_impossible_priors_are_refused(arguments, said):
    with pytest.raises(ValueError, match=said):
        SeverityPrior(*arguments)


def test_counts_that_are_no_dict_are_refused():
    with pytest.raises(TypeError, match=r"must be a dict .* got \[0.3, 0.7\]"):
        SeverityPrior([0.3, 0.7])


def test_an_artifact_without_counts_is_refused():
    with pytest.raises(ValueError, match=r"those that have counts.*'ghosting'"):
        LISA_2025.draw(1, ["ghosting"], np.random.default_rng(0))
