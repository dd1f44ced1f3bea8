"""For which population a probability speaks."""

from briqa_sk.calibration.prior import resolve_prior, shift_prior, unknown_prior

__all__ = ["resolve_prior", "shift_prior", "unknown_prior"]
