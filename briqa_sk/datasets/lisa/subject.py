"""The three low-field scans of one subject."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from briqa_sk._random import draw_seed
from briqa_sk._version import __version__
from briqa_sk.datasets.lisa.raters import RATED
from briqa_sk.datasets.phantom.scan import make_head_phantom
from briqa_sk.io.provenance import (
    Source,
    is_unchanged,
    read_made,
    read_source,
    write_made,
)
from briqa_sk.simulation import Acquisition, ArtifactSimulator, to_low_field
from briqa_sk.simulation.low_field import add_low_field_noise

PLANES = ("axi", "cor", "sag")

#: The slices, thick as they are, are partitions of one volume.
ACQUISITION = Acquisition("3d", slice_axis=2)


@dataclass(frozen=True)
class Subject:
    """Somebody who is scanned in three planes.

    Parameters
    ----------
    number : int
        From 0.
    head : Source or float
        A scan, or the age of a phantom in years.
    shape : list of 3 int
        Voxels of the phantom.
    severities : list of list of int
        Of each scan: one for each artifact.
    seed : int
        Of the whole set.
    """

    number: int
    head: object
    shape: list
    severities: list
    seed: int

    def get_head(self):
        """Return the head as a Volume, before it is scanned at low field."""
        if isinstance(self.head, Source):
            return read_source(self.head.path)
        seed = [self.seed, self.number]
        return make_head_phantom(
            self.shape, contrast="T2w", age_years=self.head, random_state=seed
        )


def scan_subject(subject, folder):
    """Write the scans of a subject that are not there yet, or not as they were made.

    Parameters
    ----------
    subject : Subject
        Who.
    folder : pathlib.Path
        Where to.

    Returns
    -------
    rows : list of dict
        How each of the three scans was made.
    """
    head, rows = None, []
    for index, plane in enumerate(PLANES):
        path = folder / f"LISA_{subject.number + 1:04d}_LF_{plane}.nii.gz"
        facts = read_made(path)
        if not facts or not is_unchanged(path, facts):
            head = head or subject.get_head()
            scan, facts = _scan(head, subject, index)
            write_made(scan, path, facts)
        record = facts["record"]
        parameters = json.dumps(record["parameters"])
        row = {"filename": path.name, "head": facts["head"], **record}
        rows.append({**row, "parameters": parameters})
    return rows


def _scan(head, subject, index):
    """Scan a head at low field and corrupt it; return the scan and its provenance."""
    number = len(PLANES) * subject.number + index
    streams = np.random.SeedSequence([subject.seed, number]).spawn(2)
    low_field_seed, seed = (draw_seed(stream) for stream in streams)
    quiet = to_low_field(
        head, plane=PLANES[index], noise=False, random_state=low_field_seed
    )
    grades = dict(zip(RATED, subject.severities[index], strict=True))
    simulator = ArtifactSimulator(acquisition=ACQUISITION)
    scan, record = simulator.corrupt(quiet, grades, random_state=seed)
    scan = add_low_field_noise(scan, reference=quiet, random_state=low_field_seed)
    return scan, {
        "head": name_head(subject.head),
        "head_sha256": getattr(subject.head, "sha256", None),
        "plane": PLANES[index],
        "low_field_seed": low_field_seed,
        "record": {**record, "seed": seed},
        "briqa_sk": __version__,
    }


def name_head(head):
    """Return what a table calls a head."""
    if isinstance(head, Source):
        return Path(head.path).name
    return f"phantom of {head:.2f} years"
