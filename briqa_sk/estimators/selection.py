"""Fits of clones, and which network, loss or estimator suits an artifact."""

import warnings

import numpy as np
from sklearn import get_config
from sklearn.base import clone
from sklearn.metrics import check_scoring
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.model_selection._search import BaseSearchCV
from sklearn.pipeline import Pipeline
from sklearn.utils.metadata_routing import MetadataRouter, get_routing_for_object
from sklearn.utils.parallel import Parallel, delayed
from sklearn.utils.validation import has_fit_parameter

from briqa_sk.estimators.checkpoint import keep_checkpoints
from briqa_sk.estimators.planes import ignores_plane
from briqa_sk.exceptions import BriqaWarning
from briqa_sk.losses import CRITERIA, LossConfig
from briqa_sk.networks import NetworkConfig, network_names


def make_candidates(estimator, candidates, *, caller):
    """Return the estimators that candidates stand for.

    Parameters
    ----------
    estimator : estimator
        What a network or a loss is put into; of a Pipeline, its last step.
    candidates : sequence of str, NetworkConfig, LossConfig or estimator
        Networks and losses by name or as objects, or whole estimators.
    caller : str
        Opens the error messages.

    Returns
    -------
    estimators : list of estimator
        Not fitted.

    Raises
    ------
    ValueError
        If there is no candidate, or a name is neither a network nor a loss.
    TypeError
        If a candidate is none of these.
    """
    if isinstance(candidates, str) or not len(candidates):
        raise ValueError(
            f"{caller}: candidates must be a list of at least 1 network, loss or "
            f"estimator, got {candidates!r}."
        )
    return [_make(estimator, candidate, caller) for candidate in candidates]


def _make(estimator, candidate, caller):
    if hasattr(candidate, "fit") and not isinstance(candidate, type):
        return clone(candidate)
    names = {**dict.fromkeys(network_names(), "module")}
    names.update(dict.fromkeys(CRITERIA, "criterion"))
    if isinstance(candidate, NetworkConfig):
        part = "module"
    elif isinstance(candidate, LossConfig):
        part = "criterion"
    elif isinstance(candidate, str) and candidate in names:
        part = names[candidate]
    else:
        error = ValueError if isinstance(candidate, str) else TypeError
        raise error(
            f"{caller}: a candidate must be a network or a loss, by name "
            f"({', '.join(names)}) or as a configuration, or an estimator, got "
            f"{candidate!r}."
        )
    copy = clone(estimator)
    if isinstance(copy, Pipeline):
        part = f"{copy.steps[-1][0]}__{part}"
    return copy.set_params(**{part: candidate})


def make_folds(grades, groups, n_folds):
    """Split the scans of an artifact into folds that share no subject.

    Parameters
    ----------
    grades : array-like of shape (n_samples,)
        Their grades.
    groups : ndarray of shape (n_samples,) or None
        Their subjects; None splits by scan.
    n_folds : int
        How many; fewer, where fewer subjects or scans of any grade exist.

    Returns
    -------
    folds : list of (train, test)
        Indices. A fold whose training part would have one grade is left out.
    problem : str
        What could not be had, or "".
    """
    rank = np.unique(np.asarray(grades), return_inverse=True)[1]
    groups = np.arange(len(rank)) if groups is None else groups
    n_possible = min(n_folds, len(np.unique(groups)), np.bincount(rank).max())
    folds = []
    if n_possible > 1:
        with warnings.catch_warnings():  # it warns of what is returned here
            warnings.simplefilter("ignore", UserWarning)
            folds = list(StratifiedGroupKFold(n_possible).split(rank, rank, groups))
    n_grades = [len(np.unique(rank[train])) for train, _ in folds]
    folds = [fold for fold, n in zip(folds, n_grades, strict=True) if n > 1]
    if not folds:
        return [], "cannot be split, so the first candidate is taken"
    if len(folds) < n_folds:
        return folds, f"has {len(folds)} instead of {n_folds} folds"
    if min(n_grades) <= rank.max():
        return folds, "has a grade that not every training fold holds"
    return folds, ""


def score_candidates(candidates, X, artifacts, metadata, *, folds, scoring, n_jobs):
    """Cross-validate candidates on each artifact.

    Parameters
    ----------
    candidates : list of list of estimator
        For each artifact, what :func:`make_candidates` returned.
    X : ndarray of shape (n_samples, i, j, k) or VolumeSequence
        Volumes.
    artifacts : list of (rated, grades)
        For each artifact, the indices of its rated scans, and their grades.
    metadata : dict of str to ndarray of shape (n_samples,)
        See :func:`fit_clone`.
    folds : list of list of (train, test)
        For each artifact, from :func:`make_folds`.
    scoring : str or callable
        As everywhere in scikit-learn.
    n_jobs : int or None
        Processes.

    Returns
    -------
    scores : list of ndarray of shape (n_candidates, n_folds)
        For each artifact.
    checkpoints : list of Path
        See :func:`fit_clone`.
    """
    tasks = [
        delayed(_score)(candidate, X, rated, grades, metadata, fold, scoring)
        for own, (rated, grades), splits in zip(
            candidates, artifacts, folds, strict=True
        )
        for candidate in own
        for fold in splits
    ]
    results = Parallel(n_jobs=n_jobs)(tasks)
    warn_once(*(text for _, texts, _ in results for text in texts))
    scores = np.array([score for score, _, _ in results])
    sizes = [
        len(own) * len(splits) for own, splits in zip(candidates, folds, strict=True)
    ]
    parts = np.split(scores, np.cumsum(sizes)[:-1])
    shaped = [
        part.reshape(len(own), len(splits))
        for own, part, splits in zip(candidates, parts, folds, strict=True)
    ]
    return shaped, [path for _, _, paths in results for path in paths]


def tabulate(scores, artifacts, candidates, n_folds):
    """Return the number of the best candidate for each artifact, and all scores.

    Parameters
    ----------
    scores : list of ndarray of shape (n_candidates, n_folds)
        From :func:`score_candidates`; some with fewer folds, or none.
    artifacts : list
        Names.
    candidates : list of str
        Names.
    n_folds : int
        How many were asked for.

    Returns
    -------
    best : list of int
        The first of the best.
    columns : dict of list
        One row for each artifact and candidate. Means are over the folds that have a
        finite score for each candidate.
    problems : list of str
        What could not be compared, because scores are not finite.
    """
    best, rows, problems = [], [], []
    for artifact, table in zip(artifacts, scores, strict=True):
        is_complete = np.isfinite(table).all(axis=0)
        means = np.full(len(table), np.nan)
        if is_complete.any():
            means = table[:, is_complete].mean(axis=1)
        best.append(int(np.argmax(means)))  # of NaN only, the first
        if not is_complete.all():
            problems.append(_incomplete(artifact, is_complete))
        for number, candidate in enumerate(candidates):
            row = {"artifact": artifact, "candidate": candidate}
            padded = [*table[number].tolist(), *[np.nan] * n_folds][:n_folds]
            row.update({f"fold_{k}": score for k, score in enumerate(padded)})
            row["mean"] = float(means[number])
            rows.append({**row, "chosen": number == best[-1]})
    return best, {name: [row[name] for row in rows] for name in rows[0]}, problems


def _incomplete(artifact, is_complete):
    end = "" if is_complete.any() else ", so the first candidate is taken"
    return (
        f"{artifact!r} has a score of every candidate in {is_complete.sum()} of "
        f"{len(is_complete)} folds{end}"
    )


def _score(candidate, X, rated, grades, metadata, fold, scoring):
    train, test = fold
    fitted, *rest = fit_clone(candidate, X, grades[train], metadata, rated[train])
    scorer = check_scoring(fitted, scoring=scoring)
    return scorer(fitted, X[rated[test]], grades[test]), *rest


def accepted_names(estimator, names):
    """Return the keywords under which an estimator's ``fit`` takes metadata.

    A pipeline hands on what its last step takes, a search hands groups to its splitter.
    With scikit-learn's metadata routing enabled, estimators that route take what they
    were told to request, and others what they were not told not to.

    Parameters
    ----------
    estimator : estimator
        Not necessarily fitted.
    names : iterable of str
        Such as "groups".

    Returns
    -------
    keywords : dict of str to str
        Keyword by name, of those that it takes.
    """
    if get_config()["enable_metadata_routing"]:
        routing = get_routing_for_object(estimator)
        if isinstance(routing, MetadataRouter):
            return {name: name for name in routing.consumes("fit", set(names))}
        requests = routing.fit.requests
        names = [name for name in names if requests.get(name) in (None, True)]
    elif isinstance(estimator, Pipeline):
        step, last = estimator.steps[-1]
        keywords = accepted_names(last, names)
        return {name: f"{step}__{keyword}" for name, keyword in keywords.items()}
    takes_groups = isinstance(estimator, BaseSearchCV)
    return {
        name: name
        for name in names
        if has_fit_parameter(estimator, name) or (name == "groups" and takes_groups)
    }


def fit_clone(estimator, X, y, metadata, indices):
    """Fit a clone to some of the scans.

    Parameters
    ----------
    estimator : estimator
        Left as it is.
    X : ndarray of shape (n_samples, i, j, k) or VolumeSequence
        Volumes.
    y : array-like of shape (n_indices,) or (n_indices, n_artifacts)
        Their grades.
    metadata : dict of str to ndarray of shape (n_samples,)
        Passed on under the names that the estimator takes; "plane", if it looks at it.
    indices : ndarray of int
        Which scans.

    Returns
    -------
    fitted : estimator
        The clone.
    warned : list of str
        What it warned of. Warnings get lost in worker processes, and seven clones
        would give the same one seven times; :func:`warn_once` gives it.
    checkpoints : list of Path
        Files to remove when all is done; see :func:`keep_checkpoints`.
    """
    keywords = accepted_names(estimator, metadata)
    if ignores_plane(estimator):
        keywords.pop("plane", None)
    params = {keywords[name]: metadata[name][indices] for name in keywords}
    chosen = X if len(indices) == len(X) else X[indices]
    with (
        warnings.catch_warnings(record=True) as caught,
        keep_checkpoints() as checkpoints,
    ):
        warnings.filterwarnings("always", category=BriqaWarning)
        fitted = clone(estimator).fit(chosen, y, **params)
    own = [w for w in caught if issubclass(w.category, BriqaWarning)]
    for other in [w for w in caught if w not in own]:
        warnings.warn_explicit(
            other.message, other.category, other.filename, other.lineno
        )
    return fitted, [str(w.message) for w in own], checkpoints


def warn_once(*texts):
    """Give some warnings, equal ones once."""
    for text in dict.fromkeys(texts):
        warnings.warn(text, BriqaWarning, stacklevel=3)
