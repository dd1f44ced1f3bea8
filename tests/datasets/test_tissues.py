import numpy as np
import pytest

from briqa_sk.datasets.tissues import CONTRASTS, TISSUES, Sequence, Tissue, signal


def test_spin_echo_signal_by_hand():
    # TR = T1 ln 2 recovers one half, TE = T2 ln 4 leaves one quarter.
    tissue = Tissue(t1_ms=1000.0, t2_ms=100.0, proton_density=0.8)
    sequence = Sequence(tr_ms=1000 * np.log(2), te_ms=100 * np.log(4))
    assert signal(tissue, sequence) == pytest.approx(0.8 / 2 / 4)


def test_inversion_is_nulled_after_ln_2_relaxation_times():
    tissue = Tissue(t1_ms=500.0, t2_ms=100.0, proton_density=1.0)
    sequence = Sequence(tr_ms=1e6, te_ms=0.0, ti_ms=500 * np.log(2))
    assert signal(tissue, sequence) == pytest.approx(0, abs=1e-12)


def test_signal_is_a_magnitude_before_the_null():
    tissue = Tissue(t1_ms=500.0, t2_ms=100.0, proton_density=1.0)
    sequence = Sequence(tr_ms=1e6, te_ms=0.0, ti_ms=0.0)
    assert signal(tissue, sequence) == pytest.approx(1)


@pytest.mark.parametrize(
    ("contrast", "order"),
    [
        ("T1w", ["fat", "white", "grey", "csf"]),
        ("T2w", ["csf", "grey", "white", "muscle"]),
        ("FLAIR", ["grey", "white", "csf"]),
    ],
)
def test_each_contrast_orders_tissues_as_radiologists_know_it(contrast, order):
    signals = [signal(TISSUES[name], CONTRASTS[contrast]) for name in order]
    assert signals == sorted(signals, reverse=True)


@pytest.mark.parametrize("contrast", CONTRASTS)
def test_bone_gives_no_signal(contrast):
    assert signal(TISSUES["bone"], CONTRASTS[contrast]) == 0
