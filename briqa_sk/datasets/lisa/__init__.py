"""The LISA challenge: its folders, its tables, and sets that look like it."""

from briqa_sk.datasets.lisa.folder import LisaScans, read_lisa
from briqa_sk.datasets.lisa.labels import read_lisa_labels, write_submission
from briqa_sk.datasets.lisa.look_alike import make_lisa_like

__all__ = [
    "LisaScans",
    "make_lisa_like",
    "read_lisa",
    "read_lisa_labels",
    "write_submission",
]
