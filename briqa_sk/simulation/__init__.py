"""Artifacts of known severity, from the physics that makes them."""

from briqa_sk.simulation._base import Artifact
from briqa_sk.simulation.acquisition import Acquisition
from briqa_sk.simulation.banding import Banding, add_banding
from briqa_sk.simulation.bias_field import BiasField, add_bias_field
from briqa_sk.simulation.contrast import Contrast, add_contrast
from briqa_sk.simulation.corruption import Corruption
from briqa_sk.simulation.distortion import Distortion, add_distortion
from briqa_sk.simulation.ghosting import Ghosting, add_ghosting
from briqa_sk.simulation.gibbs import GibbsRinging, add_gibbs_ringing
from briqa_sk.simulation.leaks import blind_metric_auc, noise_ratio
from briqa_sk.simulation.low_field import add_low_field_noise, to_low_field
from briqa_sk.simulation.low_field_scanner import (
    LowFieldScanner,
    draw_low_field_scanner,
)
from briqa_sk.simulation.low_resolution import LowResolution, add_low_resolution
from briqa_sk.simulation.motion import Motion, add_motion
from briqa_sk.simulation.noise import Noise, add_noise
from briqa_sk.simulation.oversampling import SimulatedArtifactSampler
from briqa_sk.simulation.positioning import Positioning, add_positioning
from briqa_sk.simulation.priors import LISA_2025, SeverityPrior
from briqa_sk.simulation.registry import ARTIFACTS, LISA_ARTIFACTS
from briqa_sk.simulation.simulator import ArtifactSimulator
from briqa_sk.simulation.spike import Spike, add_spike
from briqa_sk.simulation.zipper import Zipper, add_zipper

__all__ = [
    "ARTIFACTS",
    "LISA_2025",
    "LISA_ARTIFACTS",
    "Acquisition",
    "Artifact",
    "ArtifactSimulator",
    "Banding",
    "BiasField",
    "Contrast",
    "Corruption",
    "Distortion",
    "Ghosting",
    "GibbsRinging",
    "LowFieldScanner",
    "LowResolution",
    "Motion",
    "Noise",
    "Positioning",
    "SeverityPrior",
    "SimulatedArtifactSampler",
    "Spike",
    "Zipper",
    "add_banding",
    "add_bias_field",
    "add_contrast",
    "add_distortion",
    "add_ghosting",
    "add_gibbs_ringing",
    "add_low_field_noise",
    "add_low_resolution",
    "add_motion",
    "add_noise",
    "add_positioning",
    "add_spike",
    "add_zipper",
    "blind_metric_auc",
    "draw_low_field_scanner",
    "noise_ratio",
    "to_low_field",
]
