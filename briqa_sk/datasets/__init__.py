"""Scans to learn from: made without a download, or laid out as in a challenge."""

from briqa_sk.datasets.graded import make_graded_heads, write_graded_heads
from briqa_sk.datasets.lisa import make_lisa_like
from briqa_sk.datasets.lisa_folder import LisaScans, read_lisa
from briqa_sk.datasets.lisa_labels import read_lisa_labels, write_submission
from briqa_sk.datasets.phantom import make_head_phantom

__all__ = [
    "LisaScans",
    "make_graded_heads",
    "make_head_phantom",
    "make_lisa_like",
    "read_lisa",
    "read_lisa_labels",
    "write_graded_heads",
    "write_submission",
]
