"""Losses for imbalanced and ordered grades."""

from briqa_sk._validation import resolve
from briqa_sk.losses._base import Criterion, LossConfig
from briqa_sk.losses.cross_entropy import CrossEntropy, WeightedCrossEntropy
from briqa_sk.losses.focal import FocalLoss
from briqa_sk.losses.logit_adjusted import LogitAdjusted
from briqa_sk.losses.ordinal import Corn, SquaredEMD
from briqa_sk.losses.reweighted import ReweightedCrossEntropy

__all__ = [
    "CRITERIA",
    "Corn",
    "Criterion",
    "CrossEntropy",
    "FocalLoss",
    "LogitAdjusted",
    "LossConfig",
    "ReweightedCrossEntropy",
    "SquaredEMD",
    "WeightedCrossEntropy",
    "resolve_criterion",
]

#: Name -> configuration.
CRITERIA = {
    "corn": Corn(),
    "cross_entropy": CrossEntropy(),
    "emd": SquaredEMD(),
    "focal": FocalLoss(),
    "logit_adjusted": LogitAdjusted(),
    "proportional": ReweightedCrossEntropy(rule="proportional"),
    "reweighted": ReweightedCrossEntropy(),
    "weighted": WeightedCrossEntropy(),
}


def resolve_criterion(value, *, caller):
    """Return the loss configuration that a name or an object stands for.

    Parameters
    ----------
    value : str, LossConfig or callable
        A key of :data:`CRITERIA`, or ``(class_counts) -> Criterion``.
    caller : str
        Opens the error message.

    Returns
    -------
    config : callable
        Builds the criterion when called.

    Raises
    ------
    ValueError
        If the name is unknown.
    TypeError
        If ``value`` is neither a name nor callable.
    """
    return resolve(value, CRITERIA, caller=caller, parameter="criterion")
