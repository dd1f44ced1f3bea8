"""Losses for imbalanced and ordered grades."""

from briqa_sk.losses._base import Criterion, LossConfig
from briqa_sk.losses.cross_entropy import CrossEntropy, WeightedCrossEntropy
from briqa_sk.losses.focal import FocalLoss
from briqa_sk.losses.generalized import GeneralizedCrossEntropy
from briqa_sk.losses.logit_adjusted import LogitAdjusted
from briqa_sk.losses.ordinal import Corn, SquaredEMD
from briqa_sk.losses.registry import CRITERIA, resolve_criterion
from briqa_sk.losses.reweighted import ReweightedCrossEntropy

__all__ = [
    "CRITERIA",
    "Corn",
    "Criterion",
    "CrossEntropy",
    "FocalLoss",
    "GeneralizedCrossEntropy",
    "LogitAdjusted",
    "LossConfig",
    "ReweightedCrossEntropy",
    "SquaredEMD",
    "WeightedCrossEntropy",
    "resolve_criterion",
]
