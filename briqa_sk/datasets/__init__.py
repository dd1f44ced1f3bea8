"""Scans to learn from: made without a download, or laid out as in a challenge."""

from briqa_sk.datasets.lisa import (
    LisaScans,
    make_lisa_like,
    read_lisa,
    read_lisa_labels,
    write_submission,
)
from briqa_sk.datasets.phantom import (
    make_graded_heads,
    make_head_phantom,
    write_graded_heads,
)

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
