"""What tissues of the head look like in a spin-echo or inversion-recovery scan."""

from dataclasses import dataclass

import numpy as np


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
    """

    tr_ms: float
    te_ms: float
    ti_ms: float = None


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

#: Usual timings: T1w has those of an MPRAGE, T2w of a spin echo, and the inversion
#: time of FLAIR nulls CSF: TI = T1 (ln 2 - ln(1 + exp(-TR / T1))).
CONTRASTS = {
    "T1w": Sequence(tr_ms=2300.0, te_ms=3.0, ti_ms=900.0),
    "T2w": Sequence(tr_ms=4000.0, te_ms=100.0),
    "FLAIR": Sequence(tr_ms=9000.0, te_ms=100.0, ti_ms=1704.9),
}


def signal(tissue, sequence):
    r"""Magnitude of the signal of a tissue.

    .. math:: S = \rho \, |1 - 2 e^{-TI / T_1} + e^{-TR / T_1}| \, e^{-TE / T_2}

    with inversion, and :math:`S = \rho \, (1 - e^{-TR / T_1}) \, e^{-TE / T_2}`
    without, for TE far below TR (Brown et al. 2014, *Magnetic Resonance Imaging:
    Physical Principles and Sequence Design*, 2nd edition, chapters 8 and 15).

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
    if sequence.ti_ms is None:
        magnetisation = 1 - recovered
    else:
        magnetisation = 1 - 2 * np.exp(-sequence.ti_ms / tissue.t1_ms) + recovered
    decay = np.exp(-sequence.te_ms / tissue.t2_ms)
    return float(tissue.proton_density * abs(magnetisation) * decay)
