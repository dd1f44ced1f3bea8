"""The rules that ``rebalancing.py`` compares, and which of them are tried on what."""

import numpy as np

from briqa_sk import SeverityClassifier
from briqa_sk.losses import (
    Corn,
    GeneralizedCrossEntropy,
    LogitAdjusted,
    ReweightedCrossEntropy,
    SquaredEMD,
    WeightedCrossEntropy,
)
from briqa_sk.networks import FrequencyFusion
from briqa_sk.sampling._base import BatchPlan, SeededBatchSampler

#: How many times the samples of one artifact a shared encoder of all seven sees.
SHARED_PASSES = {"shared encoder, as many samples": 1, "shared encoder, 7 x": 7}
#: Networks that see whole volumes, and what is tried on them unless others are named.
FULL_NETWORKS = ("densenet121", "densenet264", "resnet18", "mednext_s")
FULL_ROWS = ("cross-entropy", "paper, with plane head", "rotating", "default")
_FUSION = {"DFT fusion, cross-entropy", "DFT fusion, default"}
_PLANE = {"plane head, cross-entropy", "paper, with plane head"}


def rows():
    """Return name -> parameters of SeverityClassifier; none for what is no network."""
    rotating = {"batches": "rotating"}
    sampler = {"batches": WeightedRandomBatches()}
    robust = {"criterion": GeneralizedCrossEntropy()}
    by_rule = {
        rule: {"criterion": ReweightedCrossEntropy(rule=rule)}
        for rule in ("mean", "none", "proportional")
    }
    paper = {"criterion": "reweighted", **rotating}
    default = SeverityClassifier().get_params()
    default = {name: default[name] for name in ("criterion", "batches")}
    fusion = {"module": FrequencyFusion("compact", "compact")}
    return {
        "cross-entropy": {},
        "weighted CE": {"criterion": "weighted"},
        "effective number": {"criterion": WeightedCrossEntropy("effective")},
        "focal": {"criterion": "focal"},
        "CORN": {"criterion": Corn()},
        "EMD": {"criterion": SquaredEMD()},
        "generalized CE": robust,
        "logit adjustment": {"criterion": LogitAdjusted()},
        "weighted random sampler": sampler,
        "rotating": rotating,
        "paper's reweighting": {"criterion": "reweighted"},
        "paper (reweighting + rotating)": paper,
        **{f"reweighting, {rule}": by_rule[rule] for rule in by_rule},
        "reweighting, running": {"criterion": ReweightedCrossEntropy(momentum=0.9)},
        "reweighting, none + rotating": by_rule["none"] | rotating,
        "reweighting, proportional + rotating": by_rule["proportional"] | rotating,
        "reweighting, proportional + sampler": by_rule["proportional"] | sampler,
        "CORN + rotating": {"criterion": Corn(), **rotating},
        "EMD + rotating": {"criterion": SquaredEMD(), **rotating},
        "generalized CE + sampler": robust | sampler,
        "generalized CE + rotating": robust | rotating,
        "cross-entropy, simulated": {},
        "generalized CE + rotating, simulated": robust | rotating,
        "default": default,
        "default, simulated": default,
        "DFT fusion, cross-entropy": fusion,
        "DFT fusion, default": default | fusion,
        "plane head, cross-entropy": {"plane_head": True},
        "paper, with plane head": paper | {"plane_head": True},
        **dict.fromkeys(SHARED_PASSES, default),
        "oracle": {},
        "majority": {},
        "forest": {},
    }


def rows_of(on):
    """Return the names of the rows that make sense for what a network sees."""
    left_out = _FUSION | _PLANE if on == "metrics" else {"forest", *SHARED_PASSES}
    if on in FULL_NETWORKS:
        left_out |= _FUSION | {row for row in rows() if row.endswith("simulated")}
    return [row for row in rows() if row not in left_out]


class WeightedRandomBatches(BatchPlan):
    """Draw each scan with a probability inverse to the frequency of its grade."""

    def __call__(self, y, batch_size, grades, random_state):
        """Build the sampler."""
        return WeightedRandomSampler(y, batch_size, random_state)


class WeightedRandomSampler(SeededBatchSampler):
    """The sampler of :class:`WeightedRandomBatches`."""

    _n_dealt = property(lambda self: len(self.y))

    def _deal(self, epoch):
        _, ranks, counts = np.unique(self.y, return_inverse=True, return_counts=True)
        p = 1 / counts[ranks]
        return self._stream(epoch).choice(len(self.y), len(self.y), p=p / p.sum())
