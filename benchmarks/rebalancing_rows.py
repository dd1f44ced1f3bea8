"""The rules that ``rebalancing.py`` compares, and which of them are tried on what."""

from briqa_sk import SeverityClassifier
from briqa_sk.losses import WeightedCrossEntropy
from briqa_sk.networks import FrequencyFusion

#: What the others are compared with.
REFERENCE = "cross-entropy"
#: Rows that are shown without a stated prior, too: the control of what that brings.
AS_THEY_COME = ("cross-entropy", "rotating")
#: How many times the samples of one artifact a shared encoder of all seven sees.
SHARED_PASSES = {"shared encoder, as many samples": 1, "shared encoder, 7 x": 7}
#: Networks that see whole volumes, and what is tried on them unless others are named.
FULL_NETWORKS = ("densenet121", "densenet264", "resnet18", "mednext_s")
FULL_ROWS = (
    "cross-entropy",
    "paper, with plane head",
    "rotating",
    "balanced + logit adjustment",
)
_NOT_ON_VOXELS = {"logistic regression", "forest", *SHARED_PASSES}
_FUSION = {"DFT fusion, cross-entropy", "DFT fusion, balanced + logit adjustment"}
_PLANE = {"plane head, cross-entropy", "paper, with plane head"}


def rows():
    """Return name -> parameters of SeverityClassifier; none for what is no network."""
    rotating, balanced = {"batches": "rotating"}, {"batches": "balanced"}
    means, adjusted = {"criterion": "weighted"}, {"criterion": "logit_adjusted"}
    proportional = {"criterion": "proportional"}
    paper = {"criterion": "reweighted"} | rotating
    fusion = {"module": FrequencyFusion("compact", "compact")}
    no_steps = {"max_steps": None}
    return {
        "cross-entropy": {},
        "weighted CE": means,
        "effective number": {"criterion": WeightedCrossEntropy("effective")},
        "focal": {"criterion": "focal"},
        "logit adjustment": adjusted,
        "1:1:1": {"batches": "resampled"},
        "rotating": rotating,
        "rotating + class means": means | rotating,
        "balanced + class means": means | balanced,
        "balanced + logit adjustment": adjusted | balanced,
        "balanced + CORN": {"criterion": "corn"} | balanced,
        "balanced + EMD": {"criterion": "emd"} | balanced,
        "balanced + gradient-proportional": proportional | balanced,
        "paper (reweighting + rotating)": paper,
        "cross-entropy, simulated": {},
        "balanced + logit adjustment, simulated": adjusted | balanced,
        "default, as it trains": _default() | no_steps,
        "default of 0.1, as it trained": proportional
        | balanced
        | no_steps
        | {"max_epochs": 20},
        "DFT fusion, cross-entropy": fusion,
        "DFT fusion, balanced + logit adjustment": adjusted | balanced | fusion,
        "plane head, cross-entropy": {"plane_head": True},
        "paper, with plane head": paper | {"plane_head": True},
        **dict.fromkeys(SHARED_PASSES, adjusted | balanced),
        "oracle": {"batches": "resampled"},
        "majority": {},
        "logistic regression": {},
        "forest": {},
    }


def rows_of(on):
    """Return the names of the rows that make sense for what a network sees."""
    left_out = _FUSION | _PLANE if on == "metrics" else _NOT_ON_VOXELS
    if on in FULL_NETWORKS:
        left_out |= _FUSION | {row for row in rows() if row.endswith("simulated")}
    return [row for row in rows() if row not in left_out]


def find_default():
    """Return the row that has the default's loss and batches, at the steps of all."""
    return next(row for row, params in rows().items() if params == _default())


def is_candidate(row):
    """Tell whether a rule could be the default: it knows no truth and no simulator."""
    return row != "oracle" and not row.endswith(("simulated", "as it comes"))


def _default():
    params = SeverityClassifier().get_params()
    return {name: params[name] for name in ("criterion", "batches")}
