import numpy as np
import pytest

from briqa_sk.kernels.tissues import (
    CONTRASTS,
    TISSUES,
    Sequence,
    Tissue,
    signal,
    tissues_at,
)


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


@pytest.mark.parametrize("flip", [1 / 3, 0.8, 1.3])
@pytest.mark.parametrize("ti_ms", [None, 600.0])
def test_other_flip_angles_have_the_steady_state_of_many_repetitions(flip, ti_ms):
    """Truth: the Bloch equations of one magnetisation, repetition by repetition."""
    tissue = Tissue(t1_ms=900.0, t2_ms=80.0, proton_density=1.0)
    sequence = Sequence(tr_ms=1500.0, te_ms=0.0, ti_ms=ti_ms, flip=flip)
    along = 1.0
    for _ in range(50):
        if ti_ms is not None:
            along *= np.cos(np.pi * flip)
            along = 1 - (1 - along) * np.exp(-ti_ms / 900)
        read = abs(along) * np.sin(np.pi / 2 * flip)
        along *= np.cos(np.pi / 2 * flip)
        along = 1 - (1 - along) * np.exp(-(1500 - (ti_ms or 0)) / 900)
    assert signal(tissue, sequence) == pytest.approx(read)


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


def grey_white_contrast(age_years, contrast):
    """White minus grey over their mean."""
    tissues, sequence = tissues_at(age_years), CONTRASTS[contrast]
    white, grey = (signal(tissues[name], sequence) for name in ("white", "grey"))
    return 2 * (white - grey) / (white + grey)


def test_white_matter_is_darker_than_grey_in_t1w_of_young_infants_only():
    young, one_year, child = (grey_white_contrast(a, "T1w") for a in (0.1, 1, 10))
    assert young < -0.3
    assert abs(one_year) < 0.1
    assert child > 0.3
    assert grey_white_contrast(0.5, "T1w") < 0 < grey_white_contrast(2, "T1w")


def test_white_matter_is_brighter_than_grey_in_t2w_of_infants_only():
    young, one_year, child = (grey_white_contrast(a, "T2w") for a in (0.1, 1, 10))
    assert young > 0.15
    assert abs(one_year) < 0.1
    assert child < -0.3
    assert grey_white_contrast(2, "T2w") < 0


def test_excess_of_relaxation_times_decays_by_the_stated_constants():
    tissue = tissues_at(0.75)["grey"]
    assert tissue.t1_ms == pytest.approx(833 * (1 + 0.8 / np.e))
    assert tissues_at(0.65)["white"].t2_ms == pytest.approx(70 * (1 + 2.6 / np.e))


def test_other_tissues_do_not_age_and_none_is_an_adult():
    assert tissues_at(None) is TISSUES
    infant = tissues_at(0.1)
    assert list(infant) == list(TISSUES)
    assert all(infant[n] == TISSUES[n] for n in ("csf", "fat", "muscle", "bone"))


def test_an_age_before_birth_is_refused():
    with pytest.raises(ValueError, match="age_years must be a number above 0, got -1"):
        tissues_at(-1)
