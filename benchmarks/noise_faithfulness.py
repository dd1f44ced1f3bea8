"""Ask whether the noise of a scan tells which artifact it has."""

import zlib

import numpy as np
from rows import interval_over_people
from sklearn.base import clone
from sklearn.metrics import roc_auc_score

from briqa_sk.datasets import make_head_phantom
from briqa_sk.simulation import ARTIFACTS
from briqa_sk.simulation.leaks import measure_severities, noise_ratio

#: Those that leave the fine structure of a scan alone.
BLIND = ("positioning", "distortion", "banding", "bias_field")
PHANTOMS = {
    "3-D": {"shape": (64, 72, 64), "spacing_mm": 3.0},
    "2-D": {"shape": (96, 112, 24), "spacing_mm": (2.0, 2.0, 8.0)},
}
N_DRAWS = 4
N_HEADS = 2


def kinds_of(name):
    """Yield (kind, artifact) of an artifact; a kind "" where there are none."""
    for kind in ARTIFACTS[name].KINDS or ("",):
        artifact = clone(ARTIFACTS[name])
        yield kind, artifact.set_params(kind=kind) if kind else artifact


def collect_residual(rows, scans, data):
    """Measure ``residual`` of real scans under artifacts that it should not see."""
    done = rows.done()
    for scan in scans:
        volume = None
        for name in BLIND:
            for kind, artifact in kinds_of(name):
                if (scan.name, name, kind) in done:
                    continue
                volume = volume or scan.read(data)
                seed = np.random.default_rng(zlib.crc32(f"{scan.name} {name}".encode()))
                values = measure_severities(artifact, volume, random_state=seed)
                about = {"person": scan.person, "collection": scan.collection}
                about["sequence"] = scan.sequence
                found = [
                    {**about, "grade": grade, "residual": value}
                    for grade, value in enumerate(values)
                ]
                rows.append(found, scan=scan.name, artifact=name, kind=kind)


def auc_with_interval(rows, grades):
    """Return the AUC of a grade against another, with its interval, as text."""
    rows = rows[rows["grade"].isin(grades)].reset_index(drop=True)
    is_high = (rows["grade"] == grades[1]).to_numpy()
    values = rows["residual"].to_numpy()

    def auc(index):
        return roc_auc_score(is_high[index], values[index])

    low, high = interval_over_people(rows["person"], auc)
    return f"{auc(slice(None)):.3f} [{low:.3f}, {high:.3f}]"


def print_residual(table):
    """Print the AUC of ``residual``, of all scans and of the worst collection."""
    print(f"\nAUC of residual, {table['scan'].nunique()} scans a side (aim .40-.60)\n")
    print("Farthest: the collection and sequence where it is farthest from .5.\n")
    print("| artifact | 0 vs 1 | farthest | 1 vs 2 | farthest | grade 1 / 0 | 2 / 0 |")
    print("|---|---|---|---|---|---|---|")
    for (name, kind), rows in table.groupby(["artifact", "kind"], sort=False):
        cells = []
        for grades in ((0, 1), (1, 2)):
            cells += [auc_with_interval(rows, grades), _farthest(rows, grades)]
        wide = rows.pivot_table(index="scan", columns="grade", values="residual")
        cells += [f"{(wide[grade] / wide[0]).median():.3f}" for grade in (1, 2)]
        print(f"| {name} {kind} | {' | '.join(cells)} |")


def _farthest(rows, grades):
    """Return the AUC within one collection that is farthest from .5, and its name."""
    rows = rows[rows["grade"].isin(grades)]
    aucs = {
        " ".join(stratum): roc_auc_score(own["grade"] == grades[1], own["residual"])
        for stratum, own in rows.groupby(["collection", "sequence"])
    }
    name = max(aucs, key=lambda stratum: abs(aucs[stratum] - 0.5))
    return f"{aucs[name]:.2f} {name}"


def collect_pairs(rows):
    """Measure the noise of pairs of phantoms under every artifact but noise."""
    done = rows.done()
    for label, grid in PHANTOMS.items():
        heads = [make_head_phantom(**grid, random_state=n) for n in range(N_HEADS)]
        for name in ARTIFACTS:
            if name == "noise":
                continue
            for kind, artifact in kinds_of(name):
                for head, phantom in enumerate(heads):
                    if (label, name, kind, head) in done:
                        continue
                    seed = [head, zlib.crc32(name.encode())]
                    table = noise_ratio(
                        artifact, phantom, n_draws=N_DRAWS, random_state=seed
                    )
                    key = {"artifact": name, "kind": kind, "head": head}
                    rows.append(table, phantom=label, **key)


def print_pairs(table):
    """Print the ratio of each band that is farthest from 1, and which."""
    keys = ["phantom", "artifact", "kind", "severity", "place", "band"]
    mean = table.groupby(keys, sort=False)["ratio"].mean()
    bands = mean.index.unique("band")
    print("\nNoise of the pair test, with the artifact over without (aim .95-1.05)\n")
    print(f"| phantom, artifact, grade, place | {' | '.join(bands)} | within 5 % |")
    print("|---" * (2 + len(bands)) + "|")
    wide = mean.unstack("band")[bands]
    wide = wide.reindex(mean.index.droplevel("band").unique())
    for index, row in wide.iterrows():
        cells = " | ".join(f"{x:.3f}" for x in row)
        verdict = "-" if row.isna().all() else "yes"
        if (abs(row - 1) > 0.05).any():
            verdict = "no"
        print(f"| {' '.join(map(str, index))} | {cells} | {verdict} |")
