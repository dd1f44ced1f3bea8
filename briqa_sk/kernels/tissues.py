"""What tissues of the head look like in a spin-echo or inversion-recovery scan."""

from dataclasses import dataclass, replace

import numpy as np

from briqa_sk._validation import check_positive


@dataclass(frozen=True)
class Tissue:
    """Relaxation times and proton density of one tissue.

    Parameters
    ----------
    t1_ms, t2_ms : float
        Longitudinal and transverse relaxation times.
    proton_density : float
        Relative to water, in [0, 1]; 0 gives no signal.
    """

    t1_ms: float
    t2_ms: float
    proton_density: float


@dataclass(frozen=True)
class Sequence:
    """Timing of a spin-echo sequence, with or without an inversion pulse.

    Parameters
    ----------
    tr_ms, te_ms : float
        Repetition and echo time.
    ti_ms : float or None, default=None
        Time from the inversion pulse to the excitation; None: no inversion.
    flip : float, default=1.0
        Flip angles over those intended, 180 degrees to invert and 90 to excite.
    """

    tr_ms: float
    te_ms: float
    ti_ms: float = None
    flip: float = 1.0


#: At 1.5 T, as BrainWeb simulates them (Kwan, Evans and Pike 1999, *IEEE Transactions
#: on Medical Imaging* 18:1085). Cortical bone and air give no signal.
TISSUES = {
    "csf": Tissue(2569.0, 329.0, 1.00),
    "grey": Tissue(833.0, 83.0, 0.86),
    "white": Tissue(500.0, 70.0, 0.77),
    "fat": Tissue(350.0, 70.0, 1.00),
    "muscle": Tissue(900.0, 47.0, 1.00),
    "bone": Tissue(1.0, 1.0, 0.0),
}

# Excess at birth over the adult value, as a fraction of it, for T1, T2 and proton
# density, and the time in years in which it falls to 1/e.
_EXCESS_AT_BIRTH = {"grey": (0.8, 0.7, 0.05), "white": (3.2, 2.6, 0.17)}
_MATURATION_YEARS = (0.75, 0.65, 0.65)

#: Usual timings: T1w has those of an MPRAGE, T2w of a spin echo, and the inversion
#: time of FLAIR nulls CSF: TI = T1 (ln 2 - ln(1 + exp(-TR / T1))).
CONTRASTS = {
    "T1w": Sequence(tr_ms=2300.0, te_ms=3.0, ti_ms=900.0),
    "T2w": Sequence(tr_ms=4000.0, te_ms=100.0),
    "FLAIR": Sequence(tr_ms=9000.0, te_ms=100.0, ti_ms=1704.9),
}


def tissues_at(age_years):
    r"""Return the tissues of a head of some age.

    Grey and still more white matter lose water and gain myelin in the first years, and
    every property of theirs falls towards the adult value as

    .. math:: p(t) = p_{adult} \, (1 + e \, \exp(-t / \tau)),

    as Leppert et al. (2009, *Journal of Magnetic Resonance Imaging* 29:258) found for
    T2 from birth to 4.5 years. Of grey and white matter, e is 0.8 and 3.2 for T1, 0.7
    and 2.6 for T2, and 0.05 and 0.17 for the proton density, with 0.75 years for T1 and
    0.65 years for the others. The numbers are ours, chosen so that contrast changes
    sign when it does in infants: white matter is darker than grey in T1w and brighter
    in T2w, they look alike around the first birthday, in T2w later, and like those of
    adults at 2 to 3 years (Barkovich et al. 1988, *Radiology* 166:173).

    Parameters
    ----------
    age_years : float or None
        From birth, above 0; None is an adult.

    Returns
    -------
    tissues : dict of str to Tissue
        In the order of :data:`TISSUES`.

    Raises
    ------
    ValueError
        If the age is not above 0.

    Examples
    --------
    >>> round(tissues_at(0.1)["white"].t1_ms), round(tissues_at(20.0)["white"].t1_ms)
    (1900, 500)
    """
    if age_years is None:
        return TISSUES
    check_positive(age_years, "age_years", caller="tissues_at")
    left = np.exp(-age_years / np.array(_MATURATION_YEARS))
    young = {}
    for name, excess in _EXCESS_AT_BIRTH.items():
        adult = TISSUES[name]
        t1, t2, density = (1 + left * excess).tolist()
        young[name] = replace(
            adult,
            t1_ms=adult.t1_ms * t1,
            t2_ms=adult.t2_ms * t2,
            proton_density=adult.proton_density * density,
        )
    return TISSUES | young


def signal(tissue, sequence):
    r"""Magnitude of the signal of a tissue.

    .. math:: S = \rho \, |1 - 2 e^{-TI / T_1} + e^{-TR / T_1}| \, e^{-TE / T_2}

    with inversion, and :math:`S = \rho \, (1 - e^{-TR / T_1}) \, e^{-TE / T_2}`
    without, for TE far below TR (Brown et al. 2014, *Magnetic Resonance Imaging:
    Physical Principles and Sequence Design*, 2nd edition, chapters 8 and 15). Other
    flip angles, :math:`\theta` to invert and :math:`\alpha` to excite, have the steady
    state

    .. math:: S = \rho \, \left| \frac{1 - (1 - \cos \theta) \, e^{-TI / T_1}
              - \cos \theta \, e^{-TR / T_1}}
              {1 - \cos \theta \cos \alpha \, e^{-TR / T_1}} \right|
              \sin \alpha \; e^{-TE / T_2}

    Parameters
    ----------
    tissue : Tissue
        What is scanned.
    sequence : Sequence
        How it is scanned.

    Returns
    -------
    signal : float
        In [0, 1], relative to water at full magnetisation.

    Examples
    --------
    >>> round(signal(TISSUES["csf"], CONTRASTS["FLAIR"]), 3)
    0.0
    >>> signal(TISSUES["white"], CONTRASTS["T1w"]) > signal(
    ...     TISSUES["grey"], CONTRASTS["T1w"]
    ... )
    True
    """
    recovered = np.exp(-sequence.tr_ms / tissue.t1_ms)
    inverted, waited = 1.0, 1.0
    if sequence.ti_ms is not None:
        inverted = np.cos(np.pi * sequence.flip)
        waited = np.exp(-sequence.ti_ms / tissue.t1_ms)
    angle = 0.5 * np.pi * sequence.flip
    magnetisation = 1 - (1 - inverted) * waited - inverted * recovered
    magnetisation /= 1 - inverted * np.cos(angle) * recovered
    decay = np.exp(-sequence.te_ms / tissue.t2_ms)
    return float(tissue.proton_density * abs(magnetisation) * np.sin(angle) * decay)
