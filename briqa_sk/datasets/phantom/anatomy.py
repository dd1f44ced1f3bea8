"""The shape of a random head: which tissue is where.

What is drawn (:func:`draw_head`) is apart from what is done with it
(:func:`tissue_fractions`), so that one head can be scanned many times.
"""

from dataclasses import dataclass, replace

import numpy as np

from briqa_sk.kernels.tissues import TISSUES

# Ellipsoids of an adult head: centre and half axes in mm, in RAS space with the
# anterior commissure near the origin. A pair lies on both sides of x = 0.
CEREBRUM = [
    ((0, -8, 14), (66, 84, 54)),
    ((44, 2, -24), (22, 42, 22)),
    ((-44, 2, -24), (22, 42, 22)),
]
CEREBELLUM = ((0, -54, -42), (50, 34, 26))
BRAIN_STEM = ((0, -24, -82), (12, 13, 76))
VENTRICLES = [
    ((13, 10, 13), (5, 24, 8)),
    ((-13, 10, 13), (5, 24, 8)),
    ((18, -28, 12), (6, 24, 7)),
    ((-18, -28, 12), (6, 24, 7)),
    ((0, -10, 0), (2.5, 13, 10)),
    ((0, -38, -36), (7, 6, 9)),
]
DEEP_GREY = [
    ((11, -17, 3), (9, 14, 9)),
    ((-11, -17, 3), (9, 14, 9)),
    ((26, 2, 0), (6, 18, 10)),
    ((-26, 2, 0), (6, 18, 10)),
    ((20, 14, 10), (4, 15, 9)),
    ((-20, 14, 10), (4, 15, 9)),
]
CALLOSUM = ((0, -10, 10), (30, 44, 18))
FACE = ((0, 38, -58), (58, 52, 66))
NECK = ((0, -24, -130), (56, 60, 110))
AIRWAYS = [((0, 66, -46), (17, 28, 20)), ((0, 18, -76), (13, 11, 26))]
EYES = [((31, 66, -24), (12, 12, 12)), ((-31, 66, -24), (12, 12, 12))]

# Thicknesses in mm, from the inside out.
CORTEX_MM = 4.0
SULCUS_MM = 0.6
SULCUS_DEPTH_MM = 22.0
MENINGES_MM = 2.5
SKULL_MM = 7.0
FAT_MM = 4.0
SKIN_MM = 2.5


@dataclass(frozen=True, eq=False)
class Anatomy:
    """What makes one head differ from another.

    Parameters
    ----------
    size : ndarray of shape (3,)
        Scale along x, y and z; 1 is the adult mean.
    asymmetry : float
        How much wider the right half is than the left, as a fraction.
    torque : float
        Twist of the hemispheres against each other, in mm over the length of the
        head (the right frontal and the left occipital lobe reach further).
    ventricles : float
        Scale of the ventricles.
    atrophy_mm : float
        Widening of the sulci.
    folds, fine_folds : tuple of ndarray
        Wave vectors (3, n_waves) in rad / mm and phases (n_waves,) of the cortex and
        of the cerebellum.
    outline : tuple of ndarray
        The same for the bumps of the outline.
    """

    size: np.ndarray
    asymmetry: float
    torque: float
    ventricles: float
    atrophy_mm: float
    folds: tuple
    fine_folds: tuple
    outline: tuple


def draw_head(rng):
    """Draw a head.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of everything that varies.

    Returns
    -------
    head : Anatomy
        Its parameters.
    """
    return Anatomy(
        size=rng.normal(1.0, 0.035) * rng.normal(1.0, 0.025, size=3),
        asymmetry=rng.normal(0.0, 0.02),
        torque=rng.normal(4.0, 3.0),
        ventricles=float(np.exp(rng.normal(0.0, 0.2))),
        atrophy_mm=float(rng.uniform(0.0, 0.8)),
        folds=_draw_waves(rng, wavelength_mm=24.0, n_waves=16),
        fine_folds=_draw_waves(rng, wavelength_mm=11.0, n_waves=8),
        outline=_draw_waves(rng, wavelength_mm=110.0, n_waves=6),
    )


def head_at(head, age_years):
    """Return a head as small as it was at some age.

    The circumference grows from 62 % of the adult one at birth to 76 % at half a year,
    82 % at one, 86 % at two and 91 % at five, close to the medians of the WHO Child
    Growth Standards (2007). All of the head shrinks with it, the face no more than the
    brain.

    Parameters
    ----------
    head : Anatomy
        An adult's.
    age_years : float or None
        From birth; None leaves the head as it is.

    Returns
    -------
    head : Anatomy
        With another size.
    """
    if age_years is None:
        return head
    missing = 0.2 * np.exp(-age_years / 0.5) + 0.18 * np.exp(-age_years / 7)
    return replace(head, size=head.size * (1 - missing))


def _draw_waves(rng, *, wavelength_mm, n_waves):
    """Draw plane waves of about one length and any direction: a band-pass field."""
    direction = rng.normal(size=(3, n_waves))
    direction /= np.linalg.norm(direction, axis=0)
    length = wavelength_mm * rng.uniform(0.85, 1.2, size=n_waves)
    phase = rng.uniform(0, 2 * np.pi, size=n_waves)
    vectors = 2 * np.pi / length * direction
    return vectors.astype(np.float32), phase.astype(np.float32)


def tissue_fractions(head, points_mm, voxel_mm):
    """Share of each tissue at each point.

    Parameters
    ----------
    head : Anatomy
        The anatomy.
    points_mm : ndarray of shape (n_points, 3), dtype float32
        Where, in RAS millimetres.
    voxel_mm : float
        Width over which one tissue passes into the next: partial volume.

    Returns
    -------
    fractions : ndarray of shape (n_points, n_tissues), dtype float32
        In the order of :data:`~briqa_sk.kernels.tissues.TISSUES`; a row sums to 1 in
        the head and to 0 in air.
    """
    p = _to_adult_mean(head, points_mm)
    cerebrum = _smooth_union(CEREBRUM, p) + 1.5 * _field(head.outline, p)
    cerebellum = _ball(CEREBELLUM, p)
    dura = _smooth_min(cerebrum, cerebellum, width_mm=30.0)
    dura = _smooth_min(dura, _ball(BRAIN_STEM, p)) - MENINGES_MM
    fractions = np.zeros((len(p), len(TISSUES)), np.float32)
    _paint_outside(_Painter(fractions, voxel_mm), p, dura)
    # Three in four points lie outside the dura; the folds need not look at them.
    inside = np.flatnonzero(dura < voxel_mm)
    brain = _Painter(fractions[inside], voxel_mm)
    _paint_brain(brain, head, p[inside], cerebrum[inside], cerebellum[inside])
    fractions[inside] = brain.fractions
    return fractions


def _paint_outside(painter, p, dura):
    skull = dura - SKULL_MM
    body = _smooth_min(_ball(FACE, p), _ball(NECK, p), width_mm=30.0)
    skin = _smooth_min(skull - FAT_MM - SKIN_MM, body, width_mm=15.0)
    eyes = _union(EYES, p)
    painter.paint("muscle", skin)
    painter.paint("fat", np.maximum(skin + SKIN_MM, -skin - SKIN_MM - FAT_MM))
    painter.paint("fat", np.maximum(eyes - 5, skin + SKIN_MM))
    painter.paint("csf", np.maximum(eyes, skin + SKIN_MM))
    painter.paint(None, _union(AIRWAYS, p))
    painter.paint("bone", skull)
    marrow = np.abs(skull + SKULL_MM / 2) - SKULL_MM / 5
    painter.paint("fat", np.maximum(marrow, 20 - p[:, 2]))
    painter.paint("csf", dura)


def _paint_brain(painter, head, p, cerebrum, cerebellum):
    painter.paint("white", _ball(BRAIN_STEM, p))
    painter.paint("grey", cerebellum)
    folia = _sheet_mm(head.fine_folds, p * np.float32([0.6, 1.0, 1.4]))
    painter.paint("white", np.maximum(cerebellum + 4, 1.2 - folia))
    painter.paint("csf", np.maximum(cerebrum - 1.5, -cerebellum - 1.5))
    fissure = np.abs(p[:, 0]) - 0.8 - head.atrophy_mm
    fissure = np.maximum(fissure, -_ball(CALLOSUM, p))
    surface = np.maximum(cerebrum, -fissure)
    pia = np.maximum(surface, -_sulci(head, p, cerebrum))
    painter.paint("grey", pia)
    painter.paint("white", pia + CORTEX_MM)
    painter.paint("grey", _union(DEEP_GREY, p))
    painter.paint("csf", _union(VENTRICLES, p, scale=head.ventricles))


def _sulci(head, p, cerebrum):
    """Distance to the sulci, negative inside.

    They are the sheets where a band-pass field vanishes. The field is taken on a
    sphere, so that the sheets run inwards from the surface.
    """
    radius = np.linalg.norm(p * np.float32([1.27, 1.0, 1.3]), axis=1) + 1
    on_sphere = p * (62 / radius + np.float32(0.3))[:, None]
    sheet = _sheet_mm(head.folds, on_sphere) - SULCUS_MM - head.atrophy_mm
    return np.maximum(sheet, -cerebrum - SULCUS_DEPTH_MM)


class _Painter:
    """Paints tissues one over the other, with soft edges."""

    def __init__(self, fractions, voxel_mm):
        self.fractions = fractions
        self.voxel_mm = voxel_mm

    def paint(self, tissue, distance_mm):
        """Cover the points at negative distance with a tissue; None is air."""
        touched = np.flatnonzero(distance_mm < self.voxel_mm / 2)
        cover = 0.5 - distance_mm[touched] / self.voxel_mm
        cover = np.minimum(cover, 1).astype(np.float32)
        painted = self.fractions[touched] * (1 - cover)[:, None]
        if tissue is not None:
            painted[:, list(TISSUES).index(tissue)] += cover
        self.fractions[touched] = painted


def _to_adult_mean(head, points_mm):
    """Map points of this head to the mean head."""
    p = points_mm / head.size.astype(np.float32)
    x, y = p[:, 0], p[:, 1]
    side = np.tanh(x / 20)
    return np.stack(
        [x * (1 - head.asymmetry * side), y - head.torque * side * y / 180, p[:, 2]],
        axis=1,
    ).astype(np.float32)


def _ball(ellipsoid, p, scale=1.0):
    """Distance to an ellipsoid in mm, negative inside: exact near its surface."""
    centre, half_axes = np.asarray(ellipsoid, np.float32)
    offset = (p - centre) / (half_axes * np.float32(scale))
    to_surface = np.sqrt(np.einsum("ij,ij->i", offset, offset))
    slope = offset / half_axes
    slope = np.sqrt(np.einsum("ij,ij->i", slope, slope)) + np.float32(1e-6)
    return to_surface * (to_surface - 1) / slope


def _union(ellipsoids, p, scale=1.0):
    distance = _ball(ellipsoids[0], p, scale)
    for ellipsoid in ellipsoids[1:]:
        np.minimum(distance, _ball(ellipsoid, p, scale), out=distance)
    return distance


def _smooth_union(ellipsoids, p):
    distance = _ball(ellipsoids[0], p)
    for ellipsoid in ellipsoids[1:]:
        distance = _smooth_min(distance, _ball(ellipsoid, p))
    return distance


def _smooth_min(a, b, width_mm=6.0):
    """Minimum with a rounded corner, so that two shapes grow into one."""
    overlap = np.clip(width_mm - np.abs(a - b), 0, None) / width_mm
    return np.minimum(a, b) - overlap**2 * width_mm / 4


def _field(waves, p):
    """Sum of plane waves, with standard deviation 1."""
    vectors, phase = waves
    total = np.zeros(len(p), np.float32)
    for vector, shift in zip(vectors.T, phase, strict=True):
        total += np.cos(p @ vector + shift)
    return total * np.float32(np.sqrt(2 / len(phase)))


def _sheet_mm(waves, p):
    """Distance to where the field vanishes: |field| over its mean slope."""
    slope = np.sqrt((waves[0] ** 2).sum(axis=0).mean() / 3)
    return np.abs(_field(waves, p)) / (slope * np.sqrt(2))
