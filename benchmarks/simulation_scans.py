"""Real scans on which simulators are compared: of whom, and of which sequence."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from briqa_sk import read_volume

SHARED = Path(__file__).parents[2] / "shared" / "data"

#: Collection -> files of one sequence. Those of the same person have the same start.
COLLECTIONS = {
    "ixi": ("ixi/IXI*_T1w.nii.gz",),
    "nichart": ("nichart_pairs/sub-??_T1w.nii.gz", "nichart_pairs/sub-??_FLAIR.nii.gz"),
    "ds000011": ("ds000011/sub-*_T1w.nii.gz",),
    "openms": ("openms/sub-??_ses-?_FLAIR.nii.gz",),
}


@dataclass(frozen=True)
class RealScan:
    """A file, and whose scan it is.

    Parameters
    ----------
    name : str
        Path below the folder of data.
    person, sequence, collection : str
        The person is unique over all collections; the sequence is T1w or FLAIR.
    """

    name: str
    person: str
    sequence: str
    collection: str

    def read(self, data):
        """Return the volume, its voxels in C order."""
        volume = read_volume(data / self.name)
        return volume.derive(np.ascontiguousarray(volume.data), step="C order")


def list_scans(data):
    """Return one scan of each person and sequence, in the order of their names."""
    scans = {}
    for collection, patterns in COLLECTIONS.items():
        for pattern in patterns:
            for path in sorted(data.glob(pattern)):
                first, *_, sequence = path.name.removesuffix(".nii.gz").split("_")
                person = f"{collection} {first}"
                name = str(path.relative_to(data))
                scan = RealScan(name, person, sequence, collection)
                scans.setdefault((person, sequence), scan)
    if not scans:
        raise SystemExit(f"No scan was found below {data}. Say where they are: --data.")
    return list(scans.values())


def one_scan_each(scans, n_people):
    """Return one scan each of some people, T1w and FLAIR by turns where both exist."""
    by_person = {}
    for scan in scans:
        by_person.setdefault(scan.person, []).append(scan)
    # Spread over all collections, whatever their sizes.
    people = list(by_person)
    chosen = [people[i] for i in np.linspace(0, len(people) - 1, n_people).astype(int)]
    return [
        by_person[person][n % len(by_person[person])] for n, person in enumerate(chosen)
    ]
