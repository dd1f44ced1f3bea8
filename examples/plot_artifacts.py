"""
===============================
Artifacts in three severities
===============================

Make graded scans of a clean one. Each artifact follows the physics that causes it, and
severities are ranges of one physical quantity, so the truth is known. Nothing is
downloaded, and the script takes a few seconds on a CPU.
"""

# %%
# One head, twelve artifacts
# --------------------------
# :class:`~briqa_sk.ArtifactSimulator` corrupts a scan to chosen severities. With one
# seed, the severe scan has what the moderate one has, only more of it. An artifact is
# given by its name or as an object, and the acquisition that they share can be stated:
# here lines are read out from left to right, and bands and distortion follow the field.
# As on a radiologist's screen, the right of the head is on the left.

import matplotlib.pyplot as plt

from briqa_sk import ArtifactSimulator
from briqa_sk.datasets import make_head_phantom
from briqa_sk.simulation import (
    ARTIFACTS,
    LISA_ARTIFACTS,
    Acquisition,
    Banding,
    Distortion,
)

head = make_head_phantom((96, 112, 96), snr=40, random_state=1)
by_field = {"banding": Banding(kind="bssfp"), "distortion": Distortion(kind="b0")}
artifacts = [by_field.get(name, name) for name in ARTIFACTS]
acquisition = Acquisition("3d", readout_axis=0, phase_axis=1)
never = dict.fromkeys(ARTIFACTS, (1, 0, 0))  # but for what is asked for
simulator = ArtifactSimulator(
    artifacts, probabilities=never, acquisition=acquisition, random_state=0
)


def show(names):
    """Draw a column for each artifact and a row for each severity."""
    width = 1.5 * len(names)
    _, axes = plt.subplots(3, len(names), figsize=(width, 5.4), layout="constrained")
    for column, name in zip(axes.T, names, strict=True):
        for severity, axis in enumerate(column):
            scan, _ = simulator.corrupt(head, {name: severity})
            image = scan.data[::-1, :, 54].T
            axis.imshow(image, cmap="gray", origin="lower", vmax=900)
            axis.set(xticks=[], yticks=[])
        column[0].set_title(name, fontsize=10)
    for severity, axis in enumerate(axes[:, 0]):
        axis.set_ylabel(f"severity {severity}")


show(LISA_ARTIFACTS)

# %%
# The challenge does not grade these; they make scans unusable all the same.

show([name for name in ARTIFACTS if name not in LISA_ARTIFACTS])

# %%
# What was done
# -------------
# Everything that was drawn is in the record, as plain numbers that make the scan again.

scan, record = simulator.corrupt(head, {"zipper": 1})
for name, value in record["parameters"]["zipper"].items():
    print(f"{name}: {value}")

# %%
# Many scans
# ----------
# Without wishes, severities are drawn as they occur in the LISA challenge. The table is
# there before the first scan is corrupted.

record = ArtifactSimulator(random_state=0).draw(1000)
print(record[list(LISA_ARTIFACTS)].apply(lambda column: column.value_counts()))

# %%
# Severe banding is rare, and so it is in life. To train on more of it, see
# :class:`~briqa_sk.SimulatedArtifactSampler`.
