"""Pictures for a report, each as a data URI that an ``img`` element can hold.

Figures are drawn with matplotlib's object-oriented interface, so no backend is chosen
and no global state is touched. They have no background and text in a middle grey,
which reads on white and on black.
"""

import base64
from io import BytesIO

import nibabel as nib
import numpy as np
from matplotlib.colors import LinearSegmentedColormap, to_hex
from matplotlib.figure import Figure
from matplotlib.image import imsave
from scipy.ndimage import zoom

from briqa_sk.io import Volume

INK = "#7a8594"
ACCENT = "#3b7dd8"
# Best to worst; the three ends differ in lightness too, for eyes that miss the hue.
SEVERITY = LinearSegmentedColormap.from_list(
    "severity", ["#2f9e8f", "#e0a52e", "#c2453a"]
)
UNORDERED = ("#3b7dd8", "#8e6bbf", "#2f9e8f", "#b07a3c", "#6b7684", "#c2577f")
WINDOW_PERCENTILES = (0.5, 99.5)


def grade_colours(n_grades, *, ordered=True):
    """Colour of each grade.

    Parameters
    ----------
    n_grades : int
        Number of grades.
    ordered : bool, default=True
        Whether they go from best to worst: from green to red then, and from hue to hue
        otherwise.

    Returns
    -------
    colours : list of str
        Such as ``"#2f9e8f"``.

    Examples
    --------
    >>> grade_colours(3)
    ['#2f9e8f', '#e0a52e', '#c2453a']
    """
    if not ordered:
        return [UNORDERED[i % len(UNORDERED)] for i in range(n_grades)]
    return [to_hex(SEVERITY(step)) for step in np.linspace(0, 1, n_grades)]


def slices_picture(volume, *, height_px=168):
    """Draw the three planes through the middle of a scan, side by side.

    Parameters
    ----------
    volume : Volume or ndarray of shape (i, j, k)
        The scan; an array counts as 1 mm, RAS.
    height_px : int, default=168
        Height of the picture.

    Returns
    -------
    uri : str
        A greyscale PNG: axial, coronal, sagittal; the left of the patient is on the
        left, and millimetres are equal along all axes. Intensities run from black at
        the 0.5th percentile of the volume to white at the 99.5th.
    """
    if not isinstance(volume, Volume):
        volume = Volume(volume)
    image = nib.as_closest_canonical(nib.Nifti1Image(volume.data, volume.affine))
    data = np.asarray(image.dataobj)
    low, high = np.percentile(data, WINDOW_PERCENTILES)
    data = np.clip((data - low) / max(high - low, np.finfo(np.float32).tiny), 0, 1)
    i, j, k = (n // 2 for n in data.shape)
    di, dj, dk = image.header.get_zooms()
    planes = [
        _plane(data[:, :, k], di, dj, height_px),
        _plane(data[:, j, :], di, dk, height_px),
        _plane(data[i, :, :], dj, dk, height_px),
    ]
    buffer = BytesIO()
    imsave(buffer, np.hstack(planes), cmap="gray", vmin=0, vmax=1, format="png")
    return _data_uri("image/png", buffer)


def _plane(plane, across_mm, up_mm, height_px):
    """Return a picture (rows from the top) of one height, with square millimetres."""
    across = plane.shape[0] * across_mm * height_px / (plane.shape[1] * up_mm)
    # Very flat scans would get a picture as wide as a wall.
    width_px = int(np.clip(round(across), 1, 3 * height_px))
    picture = plane.T[::-1]
    factors = height_px / picture.shape[0], width_px / picture.shape[1]
    return np.clip(
        zoom(picture, factors, order=1, grid_mode=True, mode="nearest"), 0, 1
    )


def confusion_figure(summary):
    """Draw the confusion matrix, coloured by the share of each true grade.

    Parameters
    ----------
    summary : dict
        From :func:`summarize_grades`, with the truth.

    Returns
    -------
    uri : str
        An SVG.
    """
    counts = np.asarray(summary["confusion"])
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    names = [_short(name) for name in summary["grades"]]
    size = 1.3 + 0.8 * len(names)
    figure, axes = _figure(size + 0.5, size)
    blues = LinearSegmentedColormap.from_list("share", ["#e8eff8", "#1f5fae"])
    axes.imshow(share, cmap=blues, vmin=0, vmax=1)
    for (row, column), count in np.ndenumerate(counts):
        axes.text(
            column,
            row,
            f"{count}\n{share[row, column]:.0%}",
            ha="center",
            va="center",
            fontsize=10,
            color="white" if share[row, column] > 0.5 else "#1c2733",
        )
    ticks = range(len(names))
    axes.set_xticks(ticks, names, parse_math=False)
    axes.set_yticks(ticks, names, parse_math=False)
    axes.set_xlabel("graded as")
    axes.set_ylabel("true grade")
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    return _svg(figure)


def reliability_figure(summary):
    """Draw how often the most probable grade is right, by its probability.

    Parameters
    ----------
    summary : dict
        From :func:`summarize_grades`, with the truth and probabilities.

    Returns
    -------
    uri : str
        An SVG; the area of a dot grows with its number of scans.
    """
    bins = summary["reliability"]
    figure, axes = _figure(4.2, 3.6)
    axes.plot([0, 1], [0, 1], color=INK, linewidth=1, linestyle=(0, (3, 3)))
    axes.plot(
        [b["confidence"] for b in bins],
        [b["accuracy"] for b in bins],
        color=ACCENT,
        linewidth=1.2,
        alpha=0.6,
    )
    axes.scatter(
        [b["confidence"] for b in bins],
        [b["accuracy"] for b in bins],
        s=[25 + 300 * b["n_scans"] / summary["n_scans"] for b in bins],
        color=ACCENT,
    )
    axes.set(xlim=(-0.05, 1.05), ylim=(-0.05, 1.05), aspect="equal")
    axes.set(xlabel="probability of the grade", ylabel="share that is right")
    return _svg(figure)


def history_figure(history):
    """Draw the loss of every epoch.

    Parameters
    ----------
    history : sequence of dict
        One per epoch with ``train_loss`` and, where there is one, ``valid_loss``, such
        as skorch's ``net.history``.

    Returns
    -------
    uri : str
        An SVG.
    """
    figure, axes = _figure(4.6, 3.4)
    epochs = range(1, len(history) + 1)
    for key, label, colour in [
        ("train_loss", "training", ACCENT),
        ("valid_loss", "validation", "#e0a52e"),
    ]:
        losses = [row.get(key, np.nan) for row in history]
        if np.isfinite(losses).any():
            marker = "o" if len(history) < 15 else None
            axes.plot(epochs, losses, color=colour, marker=marker, ms=4, label=label)
    axes.set(xlabel="epoch", ylabel="loss")
    axes.set_ylim(bottom=0)
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.legend(frameon=False, labelcolor=INK, fontsize=9)
    return _svg(figure)


def _figure(width, height):
    """Return a figure without a background, in the ink of the report."""
    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.add_subplot()
    figure.patch.set_alpha(0)
    axes.patch.set_alpha(0)
    axes.tick_params(colors=INK, labelsize=9)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[:].set_color(INK)
    axes.xaxis.label.set(color=INK, size=10)
    axes.yaxis.label.set(color=INK, size=10)
    return figure, axes


def _short(name, longest=14):
    return name if len(name) <= longest else f"{name[: longest - 1]}…"


def _svg(figure):
    buffer = BytesIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None})
    return _data_uri("image/svg+xml", buffer)


def _data_uri(kind, buffer):
    return f"data:{kind};base64,{base64.b64encode(buffer.getvalue()).decode()}"
