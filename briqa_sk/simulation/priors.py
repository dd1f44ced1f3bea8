"""How often artifacts of each severity occur, alone and together."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from scipy.optimize import brentq
from scipy.special import ndtr, ndtri

_HIGHEST_CORRELATION = 0.99
_LOWEST_EIGENVALUE = 1e-3
_NODES, _NODE_WEIGHTS = np.polynomial.legendre.leggauss(48)


@dataclass(frozen=True, eq=False)
class SeverityPrior:
    r"""Joint distribution of the severities of several artifacts.

    Each artifact has a latent standard normal variable, cut at the quantiles of its
    severities: a Gaussian copula. Artifacts of which a pair is given are correlated,
    such that the share of scans that have both is as stated; the others are
    independent. The share follows from the correlation :math:`r` as

    .. math:: P(Z_1 > h, Z_2 > k) = P(Z_1 > h) \, P(Z_2 > k) + \frac{1}{2 \pi}
              \int_0^{\arcsin r} e^{-(h^2 + k^2 - 2 h k \sin t) / (2 \cos^2 t)} dt

    (Genz 2004, *Statistics and Computing* 14:251). Should pairs contradict each other,
    the nearest correlations that are possible are taken, by cutting off negative
    eigenvalues.

    Parameters
    ----------
    counts : dict of str to sequence of float
        Numbers or probabilities of severity 0, 1, 2 and so on, by artifact.
    pairs : dict of (str, str) to float, default={}
        In how many scans two artifacts are both there, in any severity above 0.
    n_scans : float or None, default=None
        In how many scans pairs were counted. None: the sum of the counts of the first
        artifact, which for probabilities is 1.

    Raises
    ------
    ValueError
        If counts are negative or all 0, or a pair is impossible.
    TypeError
        If counts are not a dict.

    Examples
    --------
    >>> import numpy as np
    >>> from briqa_sk.simulation import SeverityPrior
    >>> prior = SeverityPrior({"noise": (0.5, 0.3, 0.2), "motion": (0.9, 0.0, 0.1)})
    >>> rng = np.random.default_rng(0)
    >>> drawn = prior.draw(10, ["noise", "motion"], rng, exact=True)
    >>> [np.bincount(column).tolist() for column in drawn.T]
    [[5, 3, 2], [9, 0, 1]]
    """

    counts: dict
    pairs: dict = field(default_factory=dict)
    n_scans: float = None

    def __post_init__(self):
        if not isinstance(self.counts, Mapping):
            raise TypeError(
                "SeverityPrior: counts, or probabilities, must be a dict from the name "
                "of each artifact to those of severity 0, 1 and so on, got "
                f"{self.counts!r}."
            )
        for name, counts in self.counts.items():
            if not _are_counts(counts):
                raise ValueError(
                    f"SeverityPrior: counts of {name} must be numbers of severity 0, 1 "
                    f"and so on, 0 or more and not all 0, got {counts!r}."
                )
        for pair in self.pairs:
            self._check_pair(*pair)

    def draw(self, n_scans, artifacts, rng, *, exact=False):
        """Draw severities.

        Parameters
        ----------
        n_scans : int
            How many scans.
        artifacts : sequence of str
            Which artifacts, in the order of the columns.
        rng : numpy.random.Generator
            Source of the severities. It advances by the same amount whichever
            artifacts are asked for, so that one more leaves the others as they are.
        exact : bool, default=False
            Meet the proportions of each artifact exactly, up to rounding: the scans
            with the highest latents get the highest severity.

        Returns
        -------
        severities : ndarray of shape (n_scans, n_artifacts), dtype int64
            From 0.

        Raises
        ------
        ValueError
            If an artifact is unknown.
        """
        latents = self.draw_latents(n_scans, artifacts, rng)
        return self.cut(latents, artifacts, exact=exact)

    def draw_latents(self, n_scans, artifacts, rng):
        """Draw the normal variables that :meth:`cut` turns into severities.

        Parameters
        ----------
        n_scans : int
            How many scans.
        artifacts : sequence of str
            Which artifacts, in the order of the columns.
        rng : numpy.random.Generator
            Source of the latents.

        Returns
        -------
        latents : ndarray of shape (n_scans, n_artifacts)
            Standard normal, correlated across columns.
        """
        columns = self._columns(artifacts)
        independent = rng.standard_normal((n_scans, len(self.counts)))
        return (independent @ self._factor.T)[:, columns]

    def cut(self, latents, artifacts, *, exact=False):
        """Turn latent variables into severities.

        Parameters
        ----------
        latents : ndarray of shape (n_scans, n_artifacts)
            From :meth:`draw_latents`.
        artifacts : sequence of str
            What the columns are.
        exact : bool, default=False
            Cut at ranks, not at quantiles of the normal distribution.

        Returns
        -------
        severities : ndarray of shape (n_scans, n_artifacts), dtype int64
            From 0.
        """
        self._columns(artifacts)
        severities = np.empty(latents.shape, dtype=np.int64)
        for column, name in enumerate(artifacts):
            edges = np.cumsum(_shares(self.counts[name]))[:-1]
            if exact:
                ranks = np.argsort(np.argsort(latents[:, column], kind="stable"))
                edges = np.round(edges * len(latents))
                severities[:, column] = np.searchsorted(edges, ranks, side="right")
            else:
                edges = ndtri(np.minimum(edges, 1))
                severities[:, column] = np.searchsorted(edges, latents[:, column])
        return severities

    @cached_property
    def correlation(self):
        """Correlation of the latents, in the order of ``counts``: a square ndarray."""
        names = list(self.counts)
        correlation = np.eye(len(names))
        for (one, other), share in self._pair_shares().items():
            tails = (1 - _shares(self.counts[name])[0] for name in (one, other))
            i, j = names.index(one), names.index(other)
            correlation[i, j] = correlation[j, i] = _solve_correlation(*tails, share)
        return _nearest_correlation(correlation)

    @cached_property
    def _factor(self):
        return np.linalg.cholesky(self.correlation)

    def _columns(self, artifacts):
        names = list(self.counts)
        unknown = [name for name in artifacts if name not in names]
        if unknown:
            raise ValueError(
                "SeverityPrior: artifacts must be those that have counts, "
                f"{', '.join(names)}, got {', '.join(map(repr, unknown))}."
            )
        return [names.index(name) for name in artifacts]

    def _pair_shares(self):
        n_scans = self.n_scans or float(np.sum(next(iter(self.counts.values()), 1)))
        return {pair: count / n_scans for pair, count in self.pairs.items()}

    def _check_pair(self, one, other):
        self._columns([one, other])
        share = self._pair_shares()[one, other]
        highest = min(1 - _shares(self.counts[name])[0] for name in (one, other))
        if one == other or not 0 <= share <= highest + 1e-9:
            raise ValueError(
                f"SeverityPrior: the share of scans with {one} and {other} must be "
                f"from 0 to {highest:.4g}, that of the rarer one, got {share:.4g}."
            )


def _are_counts(counts):
    try:
        values = np.asarray(counts, dtype=float)
    except (TypeError, ValueError):
        return False
    return values.ndim == 1 and (values >= 0).all() and 0 < values.sum() < np.inf


def _shares(counts):
    counts = np.asarray(counts, dtype=float)
    return counts / counts.sum()


def _both_above(tail, other_tail, correlation):
    """P(both) of two normal variables that exceed their cuts with these tails."""
    h, k = -ndtri(tail), -ndtri(other_tail)
    half = np.arcsin(correlation) / 2
    angle = half * (_NODES + 1)
    exponent = -(h**2 + k**2 - 2 * h * k * np.sin(angle)) / (2 * np.cos(angle) ** 2)
    area = half * np.sum(_NODE_WEIGHTS * np.exp(exponent)) / (2 * np.pi)
    return ndtr(-h) * ndtr(-k) + area


def _solve_correlation(tail, other_tail, share):
    """Correlation with which both happen this often, or the nearest there is."""
    if min(tail, other_tail) <= 0 or max(tail, other_tail) >= 1:
        return 0.0

    def excess(correlation):
        return _both_above(tail, other_tail, correlation) - share

    for extreme in (-_HIGHEST_CORRELATION, _HIGHEST_CORRELATION):
        if excess(extreme) * extreme <= 0:
            return extreme
    return brentq(excess, -_HIGHEST_CORRELATION, _HIGHEST_CORRELATION, xtol=1e-10)


def _nearest_correlation(matrix):
    """Lift negative eigenvalues, then scale the diagonal back to 1."""
    values, vectors = np.linalg.eigh(matrix)
    if values.min() >= _LOWEST_EIGENVALUE:
        return matrix
    lifted = (vectors * np.maximum(values, _LOWEST_EIGENVALUE)) @ vectors.T
    scale = np.sqrt(np.diag(lifted))
    return lifted / np.outer(scale, scale)


#: Severities in the LISA 2025 challenge, task 1: counts of 532 scans from table 1 of
#: arXiv:2510.26661, pairs of 529 scans from the label table of the challenge, as
#: aggregates of github.com/CristianLazoQuispe/lisa-challenge2025-task1.
LISA_2025 = SeverityPrior(
    counts={
        "noise": (426, 60, 46),
        "zipper": (398, 105, 29),
        "positioning": (470, 47, 15),
        "banding": (504, 15, 13),
        "motion": (384, 78, 70),
        "contrast": (375, 134, 23),
        "distortion": (435, 56, 41),
    },
    pairs={
        ("noise", "zipper"): 48,
        ("noise", "positioning"): 12,
        ("noise", "banding"): 6,
        ("noise", "motion"): 23,
        ("noise", "contrast"): 53,
        ("noise", "distortion"): 23,
        ("zipper", "positioning"): 13,
        ("zipper", "banding"): 10,
        ("zipper", "motion"): 35,
        ("zipper", "contrast"): 45,
        ("zipper", "distortion"): 37,
        ("positioning", "banding"): 1,
        ("positioning", "motion"): 26,
        ("positioning", "contrast"): 17,
        ("positioning", "distortion"): 16,
        ("banding", "motion"): 3,
        ("banding", "contrast"): 9,
        ("banding", "distortion"): 9,
        ("motion", "contrast"): 55,
        ("motion", "distortion"): 30,
        ("contrast", "distortion"): 38,
    },
    n_scans=529,
)
