"""Pure array functions under preprocessing, simulation and image metrics."""

from briqa_sk.kernels.foreground import foreground_box, foreground_mask, otsu_threshold
from briqa_sk.kernels.grid import crop_or_pad, reorient, shift_affine
from briqa_sk.kernels.histogram import find_landmarks, map_landmarks
from briqa_sk.kernels.levels import SignalLevels, signal_levels
from briqa_sk.kernels.resampling import interpolate, resample

__all__ = [
    "SignalLevels",
    "crop_or_pad",
    "find_landmarks",
    "foreground_box",
    "foreground_mask",
    "interpolate",
    "map_landmarks",
    "otsu_threshold",
    "reorient",
    "resample",
    "shift_affine",
    "signal_levels",
]
