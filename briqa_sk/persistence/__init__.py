"""Models as files that are safe to share."""

from briqa_sk.persistence.model_file import load, save
from briqa_sk.persistence.registry import REGISTRY

__all__ = ["REGISTRY", "load", "save"]
