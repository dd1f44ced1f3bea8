"""Scans to learn from without a download."""

from briqa_sk.datasets.graded import make_graded_heads, write_graded_heads
from briqa_sk.datasets.lisa import make_lisa_like
from briqa_sk.datasets.phantom import make_head_phantom

__all__ = [
    "make_graded_heads",
    "make_head_phantom",
    "make_lisa_like",
    "write_graded_heads",
]
