"""Compare simulated low field with real scans: grain of the noise, blur of the edges.

Six patients were scanned at 0.055 T and at 3 T (T1w, T2w, FLAIR). Each 3 T scan is
brought to the grid of the 0.055 T scan, blurred and made noisy by a `LowFieldScanner`
at the signal-to-noise ratio of the real one, and both are measured alike:

- noise in air, each voxel relative to the local level: autocorrelation along either
  axis of the slice, the power in four bands of either axis, and streaks: the standard
  deviation of the loudness from row to row;
- edges: distance from 10 to 90 % of the rise, median over the 150 steepest of a slice.

The sampling of each protocol is known (k-space is published); tapers and loudness were
read off patients 1 to 3, so patients 4 to 6 are the test. "Before" is the 3 T scan with
white Rician noise and no blur. Two figures agree if they are within 20 %, or two
autocorrelations below .15 within .03. The last table is of scanners that are drawn.

Run ``python benchmarks/low_field.py --data FOLDER --figure FILE.png``.
"""

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from machine import describe_machine
from matplotlib import pyplot as plt
from scipy import ndimage

from briqa_sk import read_volume
from briqa_sk.simulation.low_field_scanner import (
    LowFieldScanner,
    draw_low_field_scanner,
)

SHARED = Path(__file__).parents[2] / "shared" / "data"
FIELD_OF_VIEW_MM = 250
N_PIXELS = 256
PIXEL_MM = FIELD_OF_VIEW_MM / N_PIXELS
SPACING_MM = (PIXEL_MM, PIXEL_MM, 10.0)
SLICE_SAMPLE_MM = 20.0  # neighbouring slices share .7 of their noise: half are zeros
BANDS = ((0, 0.08), (0.08, 0.17), (0.17, 0.25), (0.25, 0.51))  # cycles per pixel
LAGS = (1, 2, 3)
AXES = ("left-right", "front-back")
TUNED = (1, 2, 3)
SMALL = 0.15
N_DRAWN = 60


def echo_train(n_lines, width):
    """Return the scanner of the spin-echo protocols."""
    return LowFieldScanner(
        sample_mm=(FIELD_OF_VIEW_MM / n_lines, FIELD_OF_VIEW_MM / 128, SLICE_SAMPLE_MM),
        taper_centre=(-0.2, 0.0, 0.0),
        taper_width=(width, 9.0, 9.0),
        loudness_of_samples=(1.5, 1, 0.8, 0.8, 0.9, 1, 1.1, 1.1, 1.1, 1, 1, 1, 1, 1.1),
        loudness_of_positions=(1.35, 1.25, 1.1, 1, 0.95, 0.92, 0.93, 0.93),
    )


PROTOCOLS = {
    "T1w": LowFieldScanner(
        sample_mm=(FIELD_OF_VIEW_MM / 196, FIELD_OF_VIEW_MM / 128, SLICE_SAMPLE_MM),
        taper_width=(2.0, 0.85, 9.0),
        loudness_of_lines=(1.1, 1.15, 1.25, 1.25, 1.25, 1.2, 0.8, 0.8, 0.8, 0.8),
    ),
    "T2w": echo_train(126, 0.57),
    "FLAIR": echo_train(119, 0.62),
}


def read_pair(data, patient, contrast):
    """Return the real scan, and the one at 3 T on its grid."""
    stem = f"{data}/ulf_0055T/pt-{patient}_acq"
    real = read_volume(f"{stem}-ulf_{contrast}.nii.gz").data.astype(float)
    strong = read_volume(f"{stem}-3T_{contrast}.nii.gz")
    zoom = (strong.spacing_mm[0] / PIXEL_MM, strong.spacing_mm[1] / PIXEL_MM, 1)
    # One of the files at 3 T has an offset; air is 0 in all others.
    magnitude = strong.data.astype(np.float32) - strong.data.min()
    resampled = ndimage.zoom(magnitude, zoom, order=3)
    before = [(N_PIXELS - n) // 2 for n in resampled.shape[:2]]
    after = [N_PIXELS - n - b for n, b in zip(resampled.shape[:2], before, strict=True)]
    margins = [*zip(before, after, strict=True), (0, 0)]
    return real, np.pad(resampled.clip(min=0), margins)


def find_head(scan):
    """Return the largest bright region of each slice, without its holes."""
    smooth = ndimage.gaussian_filter(scan, (3, 3, 0))
    level = max(2.2 * np.median(smooth[:25]), 0.08 * np.percentile(smooth, 98))
    head = np.zeros(scan.shape, bool)
    for index in range(scan.shape[2]):
        labels, n = ndimage.label(smooth[..., index] > level)
        sizes = np.bincount(labels.ravel(), minlength=n + 1)
        sizes[0] = 0
        head[..., index] = ndimage.binary_fill_holes(labels == sizes.argmax())
    return head


def find_air(head):
    """Return what is 16 pixels away from the head, and 6 from the edge."""
    around = ndimage.generate_binary_structure(2, 1)[..., None]
    air = ~ndimage.binary_dilation(head, around, iterations=16)
    air[:6] = air[-6:] = air[:, :6] = air[:, -6:] = False
    return air


def relative_noise(scan, air):
    """Return the noise of the air relative to its local level, and 0 elsewhere."""
    widths = (12, 12, 0)
    share = ndimage.gaussian_filter(air.astype(float), widths).clip(min=1e-6)
    level = ndimage.gaussian_filter(np.where(air, scan, 0), widths) / share
    return np.where(air, scan / np.where(air, level, 1) - 1, 0)


def autocorrelation(noise, air):
    """Return the in-plane autocorrelation by lag."""

    def correlate(image):
        spectrum = np.fft.fft2(image, [2 * n for n in image.shape[:2]], axes=(0, 1))
        return np.fft.ifft2(np.abs(spectrum) ** 2, axes=(0, 1)).real.sum(axis=2)

    pairs = correlate(air.astype(float)).clip(min=1)
    covariance = correlate(noise) / pairs
    return covariance / covariance[0, 0]


def band_powers(correlation, n_lags=24):
    """Return the share of the power in each band, by axis (Blackman and Tukey)."""
    lags = np.r_[0:n_lags, -n_lags:0]
    taper = (1 + np.cos(np.pi * lags / n_lags)) / 2
    spectrum = np.fft.fft2(correlation[np.ix_(lags, lags)] * np.outer(taper, taper))
    power = spectrum.real / spectrum.real.sum()
    frequency = np.abs(np.fft.fftfreq(2 * n_lags))
    for axis in (0, 1):
        along = power.sum(axis=1 - axis)
        for low, high in BANDS:
            yield along[(frequency >= low) & (frequency < high)].sum()


def streaks(scan, air, axis):
    """Return how much the loudness of rows differs from that of their neighbours."""
    others = tuple({0, 1, 2} - {axis})
    n = air.sum(axis=others)
    loudness = np.sqrt(np.where(air, scan**2, 0).sum(axis=others)[n > 0] / n[n > 0])
    return float((loudness / ndimage.uniform_filter(loudness, 15)).std())


def edge_width_mm(scan, head, n_edges=150):
    """Return the median distance from 10 to 90 % of a rise."""
    widths = []
    for index in range(scan.shape[2]):
        image = ndimage.gaussian_filter(scan[..., index], 0.7)
        slope = np.stack(np.gradient(image))
        steepness = np.hypot(*slope)
        is_peak = steepness == ndimage.maximum_filter(steepness, 5)
        is_peak &= ndimage.binary_dilation(head[..., index], iterations=4)
        places = np.argwhere(is_peak)
        places = places[np.argsort(-steepness[is_peak])[:n_edges]]
        for place in places:
            direction = slope[(slice(None), *place)] / steepness[tuple(place)]
            widths.append(rise_width(image, place, direction))
    return PIXEL_MM * float(np.median(widths))


def rise_width(image, place, direction):
    """Return the distance from 10 to 90 % of the monotone rise through a place."""
    distance = np.arange(-8, 8.01, 0.25)
    line = place[:, None] + direction[:, None] * distance
    profile = ndimage.map_coordinates(image, line, order=1, mode="nearest")
    falls = np.flatnonzero(np.diff(profile) <= 0)
    middle = len(distance) // 2
    start = max(falls[falls < middle] + 1, default=0)
    stop = min(falls[falls >= middle], default=len(distance) - 1) + 1
    rise = profile[start:stop]
    levels = rise[0] + np.ptp(rise) * np.array([0.1, 0.9])
    return float(np.ptp(np.interp(levels, rise, distance[start:stop])))


def measure(scan, head):
    """Return all figures of a scan."""
    air = find_air(head)
    correlation = autocorrelation(relative_noise(scan, air), air)
    along = (correlation[:, 0], correlation[0])
    figures = {
        f"autocorrelation, lag {lag}, {name}": values[lag]
        for name, values in zip(AXES, along, strict=True)
        for lag in LAGS
    }
    names = [f"power, band {b + 1}, {name}" for name in AXES for b in range(len(BANDS))]
    figures |= zip(names, band_powers(correlation), strict=True)
    figures |= {f"streaks, {n}": streaks(scan, air, a) for a, n in enumerate(AXES)}
    return figures | {"edge width, mm": edge_width_mm(scan, head)}


def simulate(strong, scanner, real, seed):
    """Return the 3 T scan as a scanner sees it, at the real noise."""
    head = find_head(real)
    sigma = real[find_air(head)].mean() / np.sqrt(np.pi / 2)
    # Slices at 3 T lie as far apart as the stored ones, so they aren't blurred again.
    thin = replace(scanner, sample_mm=(*scanner.sample_mm[:2], SPACING_MM[2]))
    signal = thin.blur(torch.from_numpy(strong), SPACING_MM)
    sigma *= float(np.median(signal.numpy()[head])) / np.median(real[head])
    noisy = scanner.add_noise(signal, sigma, SPACING_MM, random_state=seed)
    return noisy.numpy().astype(float)


def collect(data):
    """Return a table of figures (rows: patient, contrast, which), and the scans."""
    white = LowFieldScanner(sample_mm=(0.1,) * 3, taper_width=(1e3,) * 3)
    rows, scans = [], {}
    for contrast, scanner in PROTOCOLS.items():
        for patient in range(1, 7):
            real, strong = read_pair(data, patient, contrast)
            made = {
                "real": real,
                "simulated": simulate(strong, scanner, real, patient),
                "before": simulate(strong, white, real, patient),
            }
            scans[patient, contrast] = made
            for which, scan in made.items():
                figures = measure(scan, find_head(scan))
                key = {"patient": patient, "contrast": contrast, "which": which}
                rows.append(key | figures)
    return pd.DataFrame(rows).set_index(
        ["patient", "contrast", "which"]
    ).sort_index(), scans


def collect_drawn():
    """Return the figures of the noise of drawn scanners."""
    rows = []
    empty = torch.zeros(N_PIXELS, N_PIXELS, 4)
    for seed in range(N_DRAWN):
        scanner = draw_low_field_scanner(seed)
        scan = scanner.add_noise(empty, 1.0, SPACING_MM, random_state=seed).numpy()
        air = np.ones(scan.shape, bool)
        correlation = autocorrelation(relative_noise(scan, air), air)
        along = np.sort([correlation[1, 0], correlation[0, 1]])
        rows.append(along)
    return np.array(rows)


def compare(table):
    """Return simulated / real, simulated - real, and whether they agree."""
    real, simulated = (table.xs(w, level="which") for w in ("real", "simulated"))
    ratio, difference = simulated / real, simulated - real
    allowed = 0.2 * real.abs()
    at_lag = [name for name in table.columns if name.startswith("autocorrelation")]
    allowed[at_lag] = allowed[at_lag].clip(lower=0.2 * SMALL)
    return ratio, difference, difference.abs() <= allowed


def print_summary(table):
    """Print medians over scans: all, and apart those that nothing was read off."""
    ratio, difference, agrees = compare(table)
    tested = ~ratio.index.get_level_values("patient").isin(TUNED)
    print("\nMedians over scans; of the ratio where the figures are not small.")
    print("Scans that agree: all, and of patients 4 to 6.\n")
    print(
        "| figure | real | before | simulated | ratio, patients 1-3 | ratio, 4-6 | "
        "agree | agree, 4-6 | largest difference |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    for name, medians in table.groupby(level="which").median().items():
        cells = [f"{medians[w]:.2f}" for w in ("real", "before", "simulated")]
        for chosen in (~tested, tested):
            is_small = name.startswith("auto") and abs(medians["real"]) < SMALL
            cells.append("" if is_small else f"{ratio[name][chosen].median():.2f}")
        for column in (agrees[name], agrees[name][tested]):
            cells.append(f"{column.sum()} of {len(column)}")
        cells.append(f"{difference[name].abs().max():.2f}")
        print(f"| {name} | " + " | ".join(cells) + " |")


def print_scans(table):
    """Print three figures and the worst band of each scan."""
    shown = [f"autocorrelation, lag 1, {name}" for name in AXES] + ["edge width, mm"]
    print("\nReal / simulated:\n")
    print("| patient | contrast | " + " | ".join(shown) + " | band furthest off |")
    print("|---|---|" + "---|" * (len(shown) + 1))
    ratio, _, _ = compare(table)
    bands = [name for name in table.columns if name.startswith("power")]
    for key in sorted(ratio.index):
        real, simulated = (table.loc[(*key, w)] for w in ("real", "simulated"))
        cells = [f"{real[name]:.2f} / {simulated[name]:.2f}" for name in shown]
        worst = (ratio.loc[key, bands] - 1).abs().idxmax()
        cells.append(f"{ratio.loc[key, worst]:.2f}")
        print(f"| {key[0]} | {key[1]} | " + " | ".join(cells) + " |")


def print_drawn(table):
    """Print what share of drawn scanners lies beyond the real ones."""
    names = [f"autocorrelation, lag 1, {name}" for name in AXES]
    real = np.sort(table.xs("real", level="which")[names].to_numpy(), axis=1)
    drawn = collect_drawn()
    print(f"\nAutocorrelation at lag 1 on this grid, {N_DRAWN} drawn scanners:\n")
    print("| axis | real, lowest to highest | drawn, 5th to 95th percentile |")
    print("|---|---|---|")
    for index, name in enumerate(("finer", "coarser")):
        low, high = np.percentile(drawn[:, index], [5, 95])
        span = f"{real[:, index].min():.2f} to {real[:, index].max():.2f}"
        print(f"| {name} | {span} | {low:.2f} to {high:.2f} |")


def draw_figure(scans, path, patients=(2, 5)):
    """Draw image, air, spectrum and autocorrelation, real beside simulated."""
    chosen = [(p, c) for p in patients for c in PROTOCOLS]
    figure, axes = plt.subplots(len(chosen), 8, figsize=(22, 2.9 * len(chosen)))
    for row, key in zip(axes, chosen, strict=True):
        for column, (which, style) in enumerate([("real", "-"), ("simulated", "--")]):
            scan = scans[key][which]
            head = find_head(scan)
            draw_images(row[column:6:2], scan, head)
            draw_curves(row[6:], scan, find_air(head), which, style)
            for place, what in zip((0, 2, 4), ("", ", air", ", spectrum"), strict=True):
                row[place + column].set_title(f"{which}{what}", fontsize=9)
        row[0].set_title(f"patient {key[0]} {key[1]}, real", fontsize=9)
        row[6].set_title("autocorrelation by lag in pixels", fontsize=9)
        row[6].legend(fontsize=6)
        row[7].set_title("share of the noise power by band", fontsize=9)
    figure.tight_layout()
    figure.savefig(path, dpi=70)


def draw_images(axes, scan, head):
    """Draw a slice (left is on the right), a corner of its air and its spectrum."""
    image = scan[..., 2].T[::-1, ::-1]
    corner = image[:64, :64] / np.median(scan[find_air(head)])
    spectrum = np.fft.fftshift(np.abs(np.fft.fft2(image)))
    level = np.log(spectrum + 0.01 * spectrum.mean())
    axes[0].imshow(image, cmap="gray", vmin=0, vmax=2 * np.median(scan[head]))
    axes[1].imshow(corner, cmap="gray", vmin=0, vmax=3)
    axes[2].imshow(level, cmap="gray")
    for axis in axes:
        axis.set_axis_off()


def draw_curves(axes, scan, air, which, style):
    """Draw autocorrelation and band powers of the noise."""
    correlation = autocorrelation(relative_noise(scan, air), air)
    powers = np.reshape(list(band_powers(correlation)), (2, -1))
    along = (correlation[:8, 0], correlation[0, :8])
    for index, name in enumerate(AXES):
        look = {"linestyle": style, "color": f"C{index}"}
        axes[0].plot(along[index], label=f"{name}, {which}", **look)
        axes[1].plot(range(1, 5), powers[index], marker=".", **look)


def main():
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=SHARED)
    parser.add_argument("--figure", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    print(describe_machine())
    table, scans = collect(options.data)
    print_summary(table)
    print_scans(table)
    print_drawn(table)
    if options.figure:
        draw_figure(scans, options.figure)


if __name__ == "__main__":
    main()
