"""Probabilities for another prevalence."""

from collections.abc import Mapping

import numpy as np
from scipy.special import log_softmax


def shift_prior(log_proba, old, new):
    r"""Move probabilities from one prevalence of the classes to another.

    Where the classes look the same and only their frequencies differ, Bayes' theorem
    gives, up to a factor that makes the probabilities add up to 1 (equation 2.4 of
    [1]_),

    .. math::
        p_{new}(c \mid x) \propto p_{old}(c \mid x) \, \pi_{new, c} / \pi_{old, c}.

    Parameters
    ----------
    log_proba : ndarray of shape (n_samples, n_classes)
        Logarithms of the probabilities that belong to ``old``.
    old, new : ndarray of shape (n_classes,)
        Share of each class, above 0 in ``old``; each sums to 1.

    Returns
    -------
    log_proba : ndarray of shape (n_samples, n_classes)
        Logarithms of those that belong to ``new``.

    References
    ----------
    .. [1] Saerens, Latinne, Decaestecker. "Adjusting the outputs of a classifier to new
       a priori probabilities: a simple procedure", Neural Computation 14, 2002.

    Examples
    --------
    One scan in two was bad where the classifier learned; here, one in 100 is.

    >>> import numpy as np
    >>> proba = np.array([[0.1, 0.9]])
    >>> here = np.array([0.99, 0.01])
    >>> np.exp(shift_prior(np.log(proba), np.array([0.5, 0.5]), here)).round(2)
    array([[0.92, 0.08]])
    """
    with np.errstate(divide="ignore"):  # what does not occur is impossible
        shift = np.log(new) - np.log(old)
    return log_softmax(log_proba + shift, axis=1)


def resolve_prior(prior, classes, training, *, caller):
    """Return the share of each class that a statement of a prevalence means.

    Parameters
    ----------
    prior : {"balanced", "training"}, array-like of shape (n_classes,), dict or None
        See :class:`~briqa_sk.SeverityClassifier`.
    classes : ndarray of shape (n_classes,)
        The labels, sorted.
    training : ndarray of shape (n_classes,)
        Share of each among the training scans.
    caller : str
        Opens the error messages.

    Returns
    -------
    prior : ndarray of shape (n_classes,) or None
        Sums to 1; None if ``prior`` is.

    Raises
    ------
    ValueError
        If it is something else, has other classes, or shares that are not above 0 or
        don't add up to 1.
    """
    if prior is None:
        return None
    if isinstance(prior, str):
        named = {"balanced": np.full(len(classes), 1 / len(classes))}
        named["training"] = training
        if prior not in named:
            raise ValueError(
                f"{caller}: prior must be 'balanced', 'training', an array, a dict or "
                f"None, got {prior!r}."
            )
        return named[prior]
    labels = classes.tolist()
    if isinstance(prior, Mapping):
        if set(prior) != set(labels):
            raise ValueError(
                f"{caller}: prior must have a share for each of the classes {labels} "
                f"and for no other, got {dict(prior)}."
            )
        prior = [prior[label] for label in labels]
    shares = np.asarray(prior, dtype=float)
    is_good = shares.shape == classes.shape and (shares > 0).all()
    if not (is_good and np.isclose(shares.sum(), 1, atol=1e-3)):
        raise ValueError(
            f"{caller}: prior must hold a share above 0 for each of the classes "
            f"{labels}, which add up to 1, got {prior}."
        )
    return shares / shares.sum()
