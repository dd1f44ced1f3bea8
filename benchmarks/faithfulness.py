"""Do simulated artifacts behave like real ones? On ten real scans.

1. Monotone: Spearman correlation of strength (11 steps) with two full-reference
   distances from the clean scan: 1 - SSIM (Wang 2004) and one that looks for the
   artifact itself. One seed per scan; the smallest over scans is printed.
2. Separable: area under the ROC curve between neighbouring grades, 1 - SSIM, one draw
   per scan and grade and seed.
3. Peers see it: image metrics of MRIQC under motion of grade 0, 1, 2 in ten labelled
   T1w scans, beside those of real motion in the MR-ART table (scores 1, 2, 3).

Run ``python benchmarks/faithfulness.py --data FOLDER``; results are appended row by row
to ``--out``, and a second run goes on where the first stopped.
"""

import argparse
import itertools
from pathlib import Path

import numpy as np
import pandas as pd
from machine import describe_machine
from scipy import ndimage, stats
from sklearn.base import clone
from sklearn.metrics import roc_auc_score

from briqa_sk import read_volume
from briqa_sk.kernels import signal_levels
from briqa_sk.simulation import ARTIFACTS

SHARED = Path(__file__).parents[2] / "shared" / "data"
SCANS = [
    *(f"nichart_pairs/sub-{number:02d}_T1w.nii.gz" for number in (1, 4, 7)),
    *(f"nichart_pairs/sub-{number:02d}_FLAIR.nii.gz" for number in (2, 5, 8)),
    *(f"ixi/IXI{number}_T1w.nii.gz" for number in ("012", "015", "034", "048")),
]
KINDS = {
    "banding": ("bssfp", "slab"),
    "distortion": ("b0", "gradient"),
    "motion": ("sudden", "drift", "periodic"),
}
STRENGTHS = np.linspace(0, 1, 11)
SEEDS = range(3)


def structural_dissimilarity(clean, other, sigma=1.5):
    """Return 1 - SSIM, averaged over the voxels of the head."""
    peak = np.percentile(clean, 99.5)
    c1, c2 = (0.01 * peak) ** 2, (0.03 * peak) ** 2

    def smooth(image):
        return ndimage.gaussian_filter(image, sigma)

    m1, m2 = smooth(clean), smooth(other)
    v1 = smooth(clean**2) - m1**2
    v2 = smooth(other**2) - m2**2
    covariance = smooth(clean * other) - m1 * m2
    ssim = (2 * m1 * m2 + c1) * (2 * covariance + c2)
    ssim /= (m1**2 + m2**2 + c1) * (v1 + v2 + c2)
    return float(1 - ssim.mean())


def air_excess(clean, other):
    """Return the mean signal where there was air, above what was there."""
    air = clean <= signal_levels(clean).floor
    return float(other[air].mean() - clean[air].mean())


def brightest_plane(clean, other):
    """Return the largest mean change of a plane."""
    change = np.abs(other - clean)
    return max(
        float(change.mean(axis=tuple({0, 1, 2} - {axis})).max()) for axis in range(3)
    )


def lost_correlation(clean, other):
    """Return 1 - correlation with the clean scan."""
    return float(1 - np.corrcoef(clean.ravel(), other.ravel())[0, 1])


def gain_spread(clean, other):
    """Return the standard deviation of the local log gain within tissue."""
    tissue = clean > 0.5 * signal_levels(clean).tissue
    before, after = (ndimage.gaussian_filter(x, 2)[tissue] for x in (clean, other))
    return float(np.std(np.log(np.maximum(after / before, 1e-3))))


def lost_contrast(clean, other):
    """Return the loss of the interquartile range in tissue, relative to its mean."""
    tissue = clean > 0.3 * signal_levels(clean).tissue

    def spread(image):
        smooth = ndimage.uniform_filter(image, 3)[tissue]
        return np.subtract(*np.percentile(smooth, [75, 25])) / smooth.mean()

    return float(1 - spread(other) / spread(clean))


def lost_detail(clean, other):
    """Return the relative loss of squared differences between neighbours."""

    def detail(image):
        return sum(float((np.diff(image, axis=axis) ** 2).mean()) for axis in range(3))

    return 1 - detail(other) / detail(clean)


#: What looks for the artifact itself.
OWN_DISTANCE = {
    "noise": air_excess,
    "zipper": brightest_plane,
    "positioning": lost_correlation,
    "banding": gain_spread,
    "motion": air_excess,
    "contrast": lost_contrast,
    "distortion": lost_correlation,
    "ghosting": air_excess,
    "spike": air_excess,
    "bias_field": gain_spread,
    "low_resolution": lost_detail,
}


def image_metrics(scan, grey, white, air):
    """Return MRIQC's SNR, CNR, CJV and EFC, tissue and air given as masks."""
    (m_grey, s_grey), (m_white, s_white) = (
        (scan[mask].mean(), scan[mask].std()) for mask in (grey, white)
    )
    peak = np.sqrt((scan.astype(float) ** 2).sum())
    share = scan[scan > 0] / peak
    n = scan.size
    return {
        "snr": (m_grey / s_grey + m_white / s_white) / 2,
        "cnr": (m_white - m_grey) / np.sqrt(scan[air].var() + s_grey**2 + s_white**2),
        "cjv": (s_white + s_grey) / (m_white - m_grey),
        "efc": -(share * np.log(share)).sum() / (np.sqrt(n) * np.log(np.sqrt(n))),
    }


def measure_motion(data):
    """Return a table of image metrics of T1w scans whose tissues are labelled."""
    rows = []
    for number in range(1, 11):
        stem = data / "nichart_pairs" / f"sub-{number:02d}"
        volume = read_volume(f"{stem}_T1w.nii.gz")
        regions = read_volume(f"{stem}_space-T1w_dseg.nii.gz").data
        white = ndimage.binary_erosion(
            (regions >= 81) & (regions <= 88)
        )  # MUSE's lobes
        grey = (regions >= 100) & (regions <= 207)  # and gyri
        air = volume.data <= signal_levels(volume.data).floor
        for kind, seed in itertools.product(KINDS["motion"], SEEDS):
            rng = np.random.default_rng([seed, number])
            motion = clone(ARTIFACTS["motion"]).set_params(kind=kind)
            for grade, (low, high) in enumerate(motion.RANGES):
                strength = float(rng.uniform(low, high))
                moved = motion(volume, strength, random_state=seed).data
                metrics = image_metrics(moved, grey, white, air)
                rows.append({"scan": number, "kind": kind, "grade": grade, **metrics})
    return pd.DataFrame(rows)


def tasks():
    """Yield (artifact, kind) of all."""
    for name in ARTIFACTS:
        for kind in KINDS.get(name, (None,)):
            yield name, kind


def measure_scan(volume, name, kind):
    """Yield rows of one scan and one kind of artifact."""
    artifact = clone(ARTIFACTS[name])
    if kind is not None:
        artifact.set_params(kind=kind)
    clean = volume.data
    for strength in STRENGTHS:
        other = artifact(volume, float(strength), random_state=0).data
        yield {
            "what": "monotone",
            "strength": strength,
            "dissimilarity": structural_dissimilarity(clean, other),
            "own": OWN_DISTANCE[name](clean, other),
        }
    for seed in SEEDS:
        rng = np.random.default_rng([seed, len(clean)])
        for grade, (low, high) in enumerate(artifact.RANGES):
            other = artifact(volume, float(rng.uniform(low, high)), random_state=rng)
            row = {"what": "graded", "strength": grade, "seed": seed}
            row["dissimilarity"] = structural_dissimilarity(clean, other.data)
            yield row


def collect(data, out):
    """Append what is missing to the table of rows, and return it."""
    done = set()
    if out.is_file():
        table = pd.read_csv(out, sep="\t", keep_default_na=False)
        done = set(zip(table["scan"], table["artifact"], table["kind"], strict=True))
    for scan in SCANS:
        volume = read_volume(data / scan)
        volume = volume.derive(np.ascontiguousarray(volume.data), step="C order")
        for name, kind in tasks():
            if (scan, name, kind or "") in done:
                continue
            rows = pd.DataFrame(measure_scan(volume, name, kind))
            columns = ["what", "strength", "seed", "dissimilarity", "own"]
            rows = rows.reindex(columns=columns)
            rows.insert(0, "scan", scan)
            rows.insert(1, "artifact", name)
            rows.insert(2, "kind", kind or "")
            rows.to_csv(out, sep="\t", index=False, mode="a", header=not out.exists())
    return pd.read_csv(out, sep="\t", keep_default_na=True, na_values=[""])


def print_grading(table):
    """Print how well distances follow strength and tell grades apart."""
    print("| artifact | Spearman 1 - SSIM | Spearman own | own distance | AUC 1 vs 2 |")
    print("|---|---|---|---|---|")
    table = table.fillna({"kind": ""})
    for (name, kind), rows in table.groupby(["artifact", "kind"], sort=False):
        rising = rows[rows["what"] == "monotone"].groupby("scan")
        lowest = [
            min(stats.spearmanr(scan["strength"], scan[d])[0] for _, scan in rising)
            for d in ("dissimilarity", "own")
        ]
        graded = rows[(rows["what"] == "graded") & (rows["strength"] > 0)]
        auc = roc_auc_score(graded["strength"] == 2, graded["dissimilarity"])
        print(
            f"| {name} {kind} | {lowest[0]:.3f} | {lowest[1]:.3f} | "
            f"{OWN_DISTANCE[name].__name__} | {auc:.3f} |"
        )


def print_metrics(data):
    """Print metrics under simulated and under real motion."""
    motion = measure_motion(data)
    scores = pd.read_csv(data / "tables" / "mrart_scores.tsv", sep="\t")
    real = pd.read_csv(data / "tables" / "mrart_mriqc_group_T1w.tsv", sep="\t")
    real = real.merge(scores, on="bids_name").rename(columns={"snr_total": "snr"})
    metrics = ["snr", "cnr", "cjv", "efc"]
    by_scan = motion.groupby(["grade", "scan"])[metrics].median()
    rises = by_scan.loc[2] > by_scan.loc[0]
    print("\n| median | simulated 0 | 1 | 2 | scans that rise | MR-ART 1 | 2 | 3 |")
    print("|---|---|---|---|---|---|---|---|")
    for metric in metrics:
        ours = " | ".join(f"{x:.3f}" for x in motion.groupby("grade")[metric].median())
        peer = " | ".join(f"{x:.3f}" for x in real.groupby("score")[metric].median())
        print(f"| {metric} | {ours} | {rises[metric].sum()} of {len(rises)} | {peer} |")
    print("\n| kind, grade | snr | cnr | cjv | efc |\n|---|---|---|---|---|")
    for index, row in motion.groupby(["kind", "grade"])[metrics].median().iterrows():
        print(
            f"| {index[0]} {index[1]} | " + " | ".join(f"{x:.3f}" for x in row) + " |"
        )


def main():
    """Measure what is missing and print all."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=SHARED)
    parser.add_argument("--out", type=Path, default=Path("faithfulness.tsv"))
    args = parser.parse_args()
    table = collect(args.data, args.out)
    print(describe_machine())
    print(f"scans: {table['scan'].nunique()}, strengths: {len(STRENGTHS)}\n")
    print_grading(table)
    print_metrics(args.data)


if __name__ == "__main__":
    main()
