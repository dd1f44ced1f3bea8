"""What is known of each scan beside its voxels, on its way into an estimator."""

import warnings

from sklearn import get_config
from sklearn.base import clone
from sklearn.model_selection._search import BaseSearchCV
from sklearn.pipeline import Pipeline
from sklearn.utils.metadata_routing import MetadataRouter, get_routing_for_object
from sklearn.utils.validation import has_fit_parameter

from briqa_sk.estimators._checkpoint import keep_checkpoints
from briqa_sk.estimators._plane import ignores_plane
from briqa_sk.exceptions import BriqaWarning


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
    with warnings.catch_warnings(record=True) as caught, keep_checkpoints() as kept:
        warnings.filterwarnings("always", category=BriqaWarning)
        fitted = clone(estimator).fit(chosen, y, **params)
    own = [w for w in caught if issubclass(w.category, BriqaWarning)]
    for other in [w for w in caught if w not in own]:
        warnings.warn_explicit(
            other.message, other.category, other.filename, other.lineno
        )
    return fitted, [str(w.message) for w in own], kept


def warn_once(*texts):
    """Give some warnings, equal ones once."""
    for text in dict.fromkeys(texts):
        warnings.warn(text, BriqaWarning, stacklevel=3)
