"""Severities as often as in LISA 2025, and raters who err about them."""

import numpy as np

from briqa_sk.metrics import quadratic_kappa
from briqa_sk.simulation import LISA_2025

#: The seven artifacts, in the order of the tables.
RATED = list(LISA_2025.counts)

_GRADES = (0, 1, 2)
_BISECTIONS = 30


def draw_grades(n_scans, rater_kappa, rng):
    """Draw the severities of a set of scans, and what a rater makes of them.

    Parameters
    ----------
    n_scans : int
        How many.
    rater_kappa : float or None
        Quadratic kappa of ratings and truth; None: the ratings are the truth.
    rng : numpy.random.Generator
        Source of both.

    Returns
    -------
    severities, ratings : ndarray of shape (n_scans, 7)
        Each with the proportions of the challenge, exactly up to rounding.
    """
    latents = LISA_2025.draw_latents(n_scans, RATED, rng)
    severities = LISA_2025.cut(latents, RATED, exact=True)
    if rater_kappa is None:
        return severities, severities
    return severities, rate(latents, severities, rater_kappa, rng)


def rate(latents, severities, kappa, rng):
    """Grade scans as a rater would who agrees with the truth to a given kappa.

    A rating is ``rho * latent + sqrt(1 - rho ** 2) * noise``, cut at the proportions of
    the severities. Bisection finds the rho that comes closest to the kappa.

    Parameters
    ----------
    latents : ndarray of shape (n_scans, 7)
        Standard normal variables behind the severities.
    severities : ndarray of shape (n_scans, 7)
        The truth: the latents, cut exactly.
    kappa : float
        Quadratic kappa to reach, averaged over the artifacts that occur.
    rng : numpy.random.Generator
        Source of the rater's noise.

    Returns
    -------
    ratings : ndarray of shape (n_scans, 7)
        Severities as rated.
    """
    noise = rng.standard_normal(latents.shape)

    def rated(rho):
        mixed = rho * latents + np.sqrt(1 - rho**2) * noise
        return LISA_2025.cut(mixed, RATED, exact=True)

    best, nearest, low, high = severities, 1 - kappa, 0.0, 1.0
    for _ in range(_BISECTIONS):
        rho = (low + high) / 2
        ratings = rated(rho)
        excess = mean_kappa(severities, ratings) - kappa
        if abs(excess) < nearest:
            best, nearest = ratings, abs(excess)
        low, high = (low, rho) if excess > 0 else (rho, high)
    return best


def mean_kappa(severities, ratings):
    """Quadratic kappa averaged over the artifacts that occur; 1 if none does.

    Parameters
    ----------
    severities, ratings : ndarray of shape (n_scans, n_artifacts)
        Grades 0, 1 and 2.

    Returns
    -------
    kappa : float
        At most 1.
    """
    kappas = [
        quadratic_kappa(truth, rating, grades=_GRADES)
        for truth, rating in zip(severities.T, ratings.T, strict=True)
        if truth.any() or rating.any()
    ]
    return float(np.mean(kappas)) if kappas else 1.0
