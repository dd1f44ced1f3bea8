"""The part of the training data that decides when to stop."""

import warnings

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold

from briqa_sk.exceptions import BriqaWarning


def split_holdout(rank, groups, fraction, seed, *, caller):
    """Split samples into a training and a validation part that share no subject.

    Parameters
    ----------
    rank : ndarray of shape (n_samples,) or (n_samples, n_artifacts)
        Grades, for stratification; that of the worst artifact where there are several.
    groups : ndarray of shape (n_samples,) or None
        Subject of each sample. None splits by sample and warns.
    fraction : float
        Size of the validation part, in (0, 0.5].
    seed : int
        Seeds the split.
    caller : str
        Opens the messages.

    Returns
    -------
    train, valid : ndarray of int
        Indices of the two parts.

    Raises
    ------
    ValueError
        If ``fraction`` is out of range, there is one subject only, or a grade would be
        left out of training.
    """
    if not 0 < fraction <= 0.5:
        raise ValueError(
            f"{caller}: validation_fraction must be in (0, 0.5], got {fraction}."
        )
    if groups is None:
        warnings.warn(
            f"{caller}: early stopping without groups: scans of one subject may be in "
            "the training and in the validation part. Pass groups to fit.",
            BriqaWarning,
            stacklevel=4,
        )
        groups = np.arange(len(rank))
    n_groups = len(np.unique(groups))
    if n_groups < 2:
        raise ValueError(
            f"{caller}: early stopping needs at least 2 groups, one to hold out, got "
            f"{n_groups}. Set early_stopping=False."
        )
    # No more parts than the most frequent grade has scans, or nothing is stratified.
    table = rank.reshape(len(rank), -1)  # (n_samples, n_artifacts)
    worst = table.max(axis=1)
    n_parts = max(2, min(round(1 / fraction), n_groups, np.bincount(worst).max()))
    splitter = StratifiedGroupKFold(n_parts, shuffle=True, random_state=seed)
    with warnings.catch_warnings():  # of rare grades, which are looked at below
        warnings.simplefilter("ignore", UserWarning)
        parts = list(splitter.split(worst, worst, groups))
    for train, valid in parts:
        if all(np.isin(column, column[train]).all() for column in table.T):
            return train, valid
    raise ValueError(
        f"{caller}: early stopping must leave every grade in the training part, but "
        "each way to hold out subjects takes all scans of a grade. Lower "
        "validation_fraction or set early_stopping=False."
    )
