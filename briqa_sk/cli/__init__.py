"""The command ``briqa-sk``."""

from briqa_sk.cli.main import main

__all__ = ["main"]
