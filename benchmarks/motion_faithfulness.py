"""Ask whether simulated motion does what real motion does, whatever its kind."""

import itertools
import zlib

import numpy as np
import pandas as pd
import SimpleITK
from distances import structural_dissimilarity
from rows import interval_over_people
from scipy import ndimage
from sklearn.base import clone

from briqa_sk import read_volume
from briqa_sk.kernels import signal_levels
from briqa_sk.simulation import ARTIFACTS

N_SEEDS = 2
METRICS = {"snr": -1, "cnr": -1, "cjv": 1, "efc": 1}  # and where MR-ART's went
STRENGTHS = (0.3, 0.8)
#: Labels of MUSE: lobes, gyri, lateral ventricles.
WHITE, GREY, VENTRICLES = (81, 88), (100, 207), (51, 52)


def image_metrics(scan, dark, bright, tissues, air):
    """Return MRIQC's SNR, CNR, CJV and EFC, tissue and air given as masks.

    Parameters
    ----------
    scan : ndarray of shape (i, j, k)
        Voxels.
    dark, bright : ndarray of shape (i, j, k), dtype bool
        The two classes whose contrast counts.
    tissues : list of ndarray of shape (i, j, k), dtype bool
        Those of the SNR, which is averaged.
    air : ndarray of shape (i, j, k), dtype bool
        Noise.
    """
    (m_dark, s_dark), (m_bright, s_bright) = (
        (scan[mask].mean(), scan[mask].std()) for mask in (dark, bright)
    )
    peak = np.sqrt((scan.astype(float) ** 2).sum())
    share = scan[scan > 0] / peak
    n = scan.size
    return {
        "snr": float(np.mean([scan[m].mean() / scan[m].std() for m in tissues])),
        "cnr": (m_bright - m_dark) / np.sqrt(scan[air].var() + s_dark**2 + s_bright**2),
        "cjv": (s_dark + s_bright) / (m_bright - m_dark),
        "efc": -(share * np.log(share)).sum() / (np.sqrt(n) * np.log(np.sqrt(n))),
    }


def as_itk(volume, data=None):
    """Return a volume as SimpleITK has it, in millimetres of the same world."""
    data = volume.data if data is None else data
    image = SimpleITK.GetImageFromArray(np.ascontiguousarray(data.T, np.float32))
    to_lps = np.diag([-1.0, -1.0, 1.0])
    image.SetSpacing(volume.spacing_mm)
    image.SetOrigin(to_lps @ volume.affine[:3, 3])
    axes = to_lps @ volume.affine[:3, :3] / volume.spacing_mm
    image.SetDirection(axes.ravel())
    return image


def align_rigidly(moving, fixed, *, same_contrast):
    """Return the rigid transform from a fixed to a moving image of one head.

    Parameters
    ----------
    moving, fixed : SimpleITK.Image
        Images.
    same_contrast : bool
        Maximise the correlation, or else the mutual information.
    """
    start = SimpleITK.Euler3DTransform()
    start.SetCenter(
        fixed.TransformContinuousIndexToPhysicalPoint([n / 2 for n in fixed.GetSize()])
    )
    method = SimpleITK.ImageRegistrationMethod()
    if same_contrast:
        method.SetMetricAsCorrelation()
    else:
        method.SetMetricAsMattesMutualInformation(32)
    method.SetMetricSamplingStrategy(method.REGULAR)
    method.SetMetricSamplingPercentage(0.1)
    method.SetInterpolator(SimpleITK.sitkLinear)
    method.SetOptimizerAsRegularStepGradientDescent(1.0, 1e-3, 60)
    method.SetOptimizerScalesFromPhysicalShift()
    method.SetShrinkFactorsPerLevel([4, 2])
    method.SetSmoothingSigmasPerLevel([2, 1])
    method.SetInitialTransform(start, inPlace=False)
    return method.Execute(fixed, moving)


def resample(moving, fixed, transform, interpolator):
    """Return the voxels of an image on the grid of another."""
    image = SimpleITK.Resample(moving, fixed, transform, interpolator)
    return SimpleITK.GetArrayFromImage(image).T


def labels_on(scan, volume, data):
    """Return the labels of a person's brain on the grid of a scan of theirs."""
    stem = data / scan.name.rsplit("_", 1)[0]
    labels = read_volume(f"{stem}_space-T1w_dseg.nii.gz")
    if scan.sequence == "T1w":
        return labels.data
    fixed = as_itk(volume)
    moving = as_itk(read_volume(f"{stem}_T1w.nii.gz"))
    transform = align_rigidly(moving, fixed, same_contrast=False)
    image = SimpleITK.Resample(
        as_itk(labels), fixed, transform, SimpleITK.sitkNearestNeighbor
    )
    return SimpleITK.GetArrayFromImage(image).T


def find_classes(scan, volume, data):
    """Return masks for :func:`image_metrics`: grey and white, or fluid and tissue.

    The contrast that a FLAIR is made for is that of fluid.
    """
    labels = labels_on(scan, volume, data)
    white, grey, fluid = (
        (labels >= low) & (labels <= high) for low, high in (WHITE, GREY, VENTRICLES)
    )
    white = ndimage.binary_erosion(white)
    air = volume.data <= signal_levels(volume.data).floor
    dark, bright = (grey, white) if scan.sequence == "T1w" else (fluid, white)
    return {"dark": dark, "bright": bright, "tissues": [grey, white], "air": air}


def motions():
    """Yield (kind, artifact) of all kinds of motion."""
    for kind in ARTIFACTS["motion"].KINDS:
        yield kind, clone(ARTIFACTS["motion"]).set_params(kind=kind)


def collect_directions(rows, scans, data):
    """Measure image metrics of labelled scans under motion of grades 0, 1 and 2."""
    done = rows.done()
    labelled = [scan for scan in scans if scan.collection == "nichart"]
    for scan in labelled:
        if all((scan.name, kind) in done for kind, _ in motions()):
            continue
        volume = scan.read(data)
        masks = find_classes(scan, volume, data)
        clean = image_metrics(volume.data, **masks)
        for kind, motion in motions():
            if (scan.name, kind) in done:
                continue
            about = {"person": scan.person, "sequence": scan.sequence}
            found = [{**about, "grade": 0, "seed": 0, **clean}]
            for grade, seed in itertools.product((1, 2), range(N_SEEDS)):
                rng = np.random.default_rng([seed, zlib.crc32(scan.name.encode())])
                strength = float(rng.uniform(*motion.RANGES[grade]))
                moved = motion(volume, strength, random_state=rng).data
                metrics = image_metrics(moved, **masks)
                found.append({**about, "grade": grade, "seed": seed, **metrics})
            rows.append(found, scan=scan.name, kind=kind)


def share_in_direction(rows, metric):
    """Return in how many copies a metric went where it goes in MR-ART."""
    change = METRICS[metric] * (rows[metric] - rows[f"{metric}_clean"]).to_numpy()
    share = float((change > 0).mean())
    low, high = interval_over_people(
        rows["person"], lambda index: (change[index] > 0).mean()
    )
    return f"{share:.2f} [{low:.2f}, {high:.2f}]"


def print_directions(table, data):
    """Print in which share of copies metrics go where they go in MR-ART."""
    keys = ["scan", "kind"]
    clean = table[table["grade"] == 0].set_index(keys)[list(METRICS)]
    moved = table[table["grade"] > 0].join(clean, on=keys, rsuffix="_clean")
    print("\nShare of copies in which a metric goes where it goes in MR-ART (aim .9)\n")
    print("| sequence, kind, grade | SNR falls | CNR falls | CJV rises | EFC rises |")
    print("|---|---|---|---|---|")
    for index, rows in moved.groupby(["sequence", "kind", "grade"]):
        cells = [share_in_direction(rows, metric) for metric in METRICS]
        print(f"| {' '.join(map(str, index))} | {' | '.join(cells)} |")
    print("\nMedians of T1w, all kinds, beside MR-ART's, scores 1, 2, 3\n")
    scores = pd.read_csv(data / "tables" / "mrart_scores.tsv", sep="\t")
    real = pd.read_csv(data / "tables" / "mrart_mriqc_group_T1w.tsv", sep="\t")
    real = real.merge(scores, on="bids_name").rename(columns={"snr_total": "snr"})
    print("| median | simulated 0 | 1 | 2 | MR-ART 1 | 2 | 3 |")
    print("|---|---|---|---|---|---|---|")
    t1w = table[table["sequence"] == "T1w"]
    for metric in METRICS:
        ours = " | ".join(f"{x:.3f}" for x in t1w.groupby("grade")[metric].median())
        peer = " | ".join(f"{x:.3f}" for x in real.groupby("score")[metric].median())
        print(f"| {metric} | {ours} | {peer} |")


def collect_scale(rows, scans, data):
    """Measure 1 - SSIM of scans under each kind of motion, after alignment."""
    done = rows.done()
    for scan in scans:
        volume = scan.read(data)
        fixed = as_itk(volume)
        for kind, motion in motions():
            if (scan.name, kind) in done:
                continue
            found = []
            for strength, seed in itertools.product(STRENGTHS, range(N_SEEDS)):
                rng = np.random.default_rng([seed, zlib.crc32(scan.name.encode())])
                moving = as_itk(volume, motion(volume, strength, random_state=rng).data)
                transform = align_rigidly(moving, fixed, same_contrast=True)
                aligned = resample(moving, fixed, transform, SimpleITK.sitkBSpline)
                aligned = np.abs(aligned)
                effect = structural_dissimilarity(volume.data, aligned)
                found.append({"strength": strength, "seed": seed, "effect": effect})
            rows.append(found, scan=scan.name, kind=kind)


def print_scale(table):
    """Print how equally bad kinds of motion of the same displacement look."""
    kinds = list(dict(motions()))
    largest = ARTIFACTS["motion"].LARGEST
    print(f"\n1 - SSIM after alignment, mean of {table['scan'].nunique()} scans\n")
    print(f"| displacement, mm | {' | '.join(kinds)} | spread (aim .05) |")
    print("|---" * (2 + len(kinds)) + "|")
    for strength, rows in table.groupby("strength"):
        wide = rows.pivot_table(index="scan", columns="kind", values="effect")[kinds]
        values = wide.to_numpy()

        def spread(index, values=values):
            return np.ptp(values[index].mean(axis=0))

        low, high = interval_over_people(wide.index, spread)
        cells = " | ".join(f"{x:.3f}" for x in values.mean(axis=0))
        spread_of_all = f"{spread(slice(None)):.3f} [{low:.3f}, {high:.3f}]"
        print(f"| {strength * largest:.1f} | {cells} | {spread_of_all} |")
