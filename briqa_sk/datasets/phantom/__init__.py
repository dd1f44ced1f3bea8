"""Scans of random heads: made in a moment, and their truth is known."""

from briqa_sk.datasets.phantom.graded import make_graded_heads, write_graded_heads
from briqa_sk.datasets.phantom.scan import make_head_phantom

__all__ = ["make_graded_heads", "make_head_phantom", "write_graded_heads"]
