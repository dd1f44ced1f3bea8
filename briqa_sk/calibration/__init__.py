"""For which population a probability speaks."""

from briqa_sk.calibration.prior import shift_prior

__all__ = ["shift_prior"]
