import re
import warnings

import joblib
import nibabel as nib
import numpy as np
import pytest
from scipy.ndimage import map_coordinates

from briqa_sk import CropOrPad, Reorient, Resample, Volume, read_volume
from briqa_sk.exceptions import BriqaWarning, UnreadableVolumeError
from briqa_sk.preprocessing import spatial


@pytest.fixture
def volume():
    rng = np.random.default_rng(0)
    affine = nib.affines.from_matvec(np.diag([-1.0, 2.0, 3.0]), [9, -8, 7])
    return Volume(rng.normal(size=(8, 9, 10)), affine)


def test_reorient_is_the_canonical_image_of_nibabel(volume):
    truth = nib.as_closest_canonical(nib.Nifti1Image(volume.data, volume.affine))
    turned = Reorient()(volume)
    np.testing.assert_array_equal(turned.data, truth.get_fdata(dtype=np.float32))
    np.testing.assert_allclose(turned.affine, truth.affine)
    assert turned.history == ("Reorient(RAS)",)


def test_reorient_takes_an_array_for_ras(volumes):
    np.testing.assert_array_equal(
        Reorient("PLS").fit_transform(volumes),
        volumes[:, ::-1, ::-1].transpose(0, 2, 1, 3),
    )


def test_resample_interpolates_at_the_world_position_of_each_voxel(volume):
    out = Resample((1.5, 1.5, 2))(volume)
    index = np.indices(out.shape).reshape(3, -1)
    at = np.linalg.inv(volume.affine) @ out.affine
    at = at[:3, :3] @ index + at[:3, 3:]
    truth = map_coordinates(volume.data, at, order=1, mode="nearest")
    np.testing.assert_allclose(out.data.ravel(), truth, atol=1e-5)
    assert out.spacing_mm == (1.5, 1.5, 2)
    assert out.history == ("Resample(spacing_mm=(1.5, 1.5, 2))",)


def test_resample_of_an_array_counts_its_voxels_as_1_mm(volumes):
    out = Resample(2.0).fit_transform(volumes)
    # Each new voxel lies in the middle of 2 x 2 x 2 old ones.
    blocks = volumes.reshape(6, 4, 2, 4, 2, 4, 2).mean(axis=(2, 4, 6))
    np.testing.assert_allclose(out, blocks, atol=1e-6)


def test_resample_refuses_a_grid_beyond_all_memory():
    volume = Volume(np.zeros((100, 100, 100)), np.diag([900.0, 900, 900, 1]))
    with pytest.raises(UnreadableVolumeError, match="at most 134217728") as caught:
        Resample(1.0)(volume)
    assert caught.value.finding == "too_large"


def test_crop_or_pad_keeps_the_centre(volumes):
    out = CropOrPad((6, 8, 10)).fit_transform(volumes)
    np.testing.assert_array_equal(out[:, :, :, 1:-1], volumes[:, 1:-1])
    np.testing.assert_array_equal(out[:, :, :, [0, -1]], 0)


def test_crop_or_pad_fills_with_the_minimum_of_each_volume(volumes):
    out = CropOrPad(10, fill="minimum").fit_transform(volumes)
    np.testing.assert_array_equal(out[:, 0, 0, 0], volumes.min(axis=(1, 2, 3)))
    assert CropOrPad(10, fill=-2).fit_transform(volumes)[0, 0, 0, 0] == -2


def test_crop_or_pad_takes_one_number_for_a_cube(volume):
    assert CropOrPad(7)(volume).shape == (7, 7, 7)


def test_a_field_of_view_in_mm_follows_the_voxel_size(volume):
    out = CropOrPad(size_mm=(6, 12, 31))(volume)  # of 1 x 2 x 3 mm
    assert out.shape == (6, 6, 10)
    assert out.history == ("CropOrPad(size_mm=(6, 12, 31))",)
    same = CropOrPad((6, 6, 10))(volume)
    np.testing.assert_array_equal(out.data, same.data)
    np.testing.assert_array_equal(out.affine, same.affine)
    assert CropOrPad(size_mm=0.1)(volume).shape == (1, 1, 1)


def test_a_field_of_view_of_an_array_counts_its_voxels_as_1_mm(volumes):
    assert CropOrPad(size_mm=6).fit_transform(volumes).shape == (6, 6, 6, 6)


def test_a_voxel_size_rounded_in_the_header_costs_no_voxel():
    volume = Volume(np.zeros((9, 9, 9)), np.diag([*[np.float32(1.1)] * 3, 1.0]))
    assert CropOrPad(size_mm=5.5)(volume).shape == (5, 5, 5)


def test_a_field_of_view_beyond_all_memory_is_refused():
    volume = Volume(np.zeros((9, 9, 9)), np.diag([0.01, 0.01, 0.01, 1]))
    with pytest.raises(
        UnreadableVolumeError, match=r"CropOrPad: .*134217728"
    ) as caught:
        CropOrPad(size_mm=200)(volume)
    assert caught.value.finding == "too_large"


def make_ball(spacing_mm=4.0, centre_mm=(0, 0, 0)):
    """Return a bright ball of 80 mm radius in noisy air, 240 mm wide."""
    axis = (np.arange(round(240 / spacing_mm)) + 0.5) * spacing_mm - 120
    x, y, z = (axis - offset for offset in centre_mm)
    distance = np.sqrt(np.add.outer(np.add.outer(x**2, y**2), z**2))
    data = 500.0 * (distance < 80)
    data += np.random.default_rng(0).normal(0, 20, data.shape)
    return Volume(data, np.diag([*[spacing_mm] * 3, 1.0]))


@pytest.mark.parametrize("spacing_mm", [1.5, 4.0, 8.0])
def test_the_share_of_a_ball_that_is_cut_is_told(spacing_mm):
    # A cap of height h cuts h^2 (3 r - h) / (4 r^3) of a ball; here two of h = r / 2.
    size_mm = (80, 240, 240)
    share = 2 * 0.5**2 * (3 - 0.5) / 4
    with pytest.warns(BriqaWarning) as caught:
        CropOrPad(size_mm=size_mm)(make_ball(spacing_mm))
    message = str(caught[0].message)
    told = int(re.search(r"got (\d+)% of a scan in memory outside", message)[1])
    assert told == pytest.approx(100 * share, abs=5)
    assert message.startswith("CropOrPad: at most 5% of the head")


@pytest.mark.parametrize(
    "volume",
    [
        make_ball(),
        make_ball(centre_mm=(5, 0, 0)),
        Volume(np.ones((60, 60, 60)), np.diag([4.0, 4, 4, 1])),
        Volume(np.zeros((60, 60, 60)), np.diag([4.0, 4, 4, 1])),
        Volume(np.full((60, 60, 60), np.nan)),
        Volume(np.random.default_rng(0).normal(size=(60, 60, 60))),
        Volume(np.random.default_rng(0).rayleigh(size=(12, 12, 12))),
        Volume(np.random.default_rng(0).normal(size=(2, 9, 1))),
    ],
    ids=["whole", "shifted", "ones", "zeros", "nan", "noise", "few voxels", "thin"],
)
def test_a_head_that_is_whole_and_no_head_pass_in_silence(volume, recwarn):
    CropOrPad(tuple(max(round(0.75 * n), 1) for n in volume.shape))(volume)
    assert not recwarn.list


def test_a_cut_head_is_told_once():
    balls = [make_ball()] * 4
    crop = CropOrPad(size_mm=100)
    with pytest.warns(BriqaWarning) as caught:
        for _ in crop.fit_transform(balls):
            pass
    assert len(caught) == 1
    crop, X = CropOrPad(25), np.stack([ball.data for ball in balls])
    with pytest.warns(BriqaWarning) as caught:
        crop.fit_transform(X)
    assert len(caught) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        crop.transform(X)


def test_three_volumes_are_looked_at(monkeypatch):
    seen = []
    monkeypatch.setattr(spatial, "foreground_mask", lambda d: seen.append(d) or d > 250)
    X = CropOrPad(size_mm=200).fit_transform([make_ball()] * 5)
    for _ in (*X, *X):
        pass
    assert len(seen) == 3
    assert max(data.size for data in seen) <= (240 / 4) ** 3


def test_workers_are_silent(recwarn):
    X = CropOrPad(size_mm=100).fit_transform([make_ball()] * 2)
    with joblib.parallel_config("multiprocessing", n_jobs=2):
        found = joblib.Parallel()(joblib.delayed(_n_warnings)(X) for _ in range(2))
    assert found == [0, 0]
    assert _n_warnings(X) == 1


def _n_warnings(X):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for _ in X:
            pass
    return len(caught)


def test_looking_changes_no_key_of_a_cache():
    X = CropOrPad(size_mm=100).fit_transform([make_ball()])
    before = joblib.hash(X.identity(0))
    with pytest.warns(BriqaWarning):
        X[0]
    assert joblib.hash(X.identity(0)) == before


def test_real_heads_are_told_when_their_field_of_view_is_small(real_data, recwarn):
    for name in ("nichart_pairs/sub-05", "ixi/IXI012", "ds000011/sub-01"):
        volume = read_volume(real_data / f"{name}_T1w.nii.gz")
        volume = Reorient("RAS")(volume)
        with pytest.warns(BriqaWarning, match="CropOrPad: at most 5% of the head"):
            CropOrPad(size_mm=(144, 168, 144))(volume)
        CropOrPad(size_mm=(192, 240, 240))(volume)
        assert not recwarn.list


@pytest.mark.parametrize(
    ("transformer", "said"),
    [
        (Reorient("RAX"), "Reorient: orientation must be three letters"),
        (Reorient(None), "got None"),
        (Resample(0), "Resample: spacing_mm must be a number above 0"),
        (Resample((1, 2)), r"got \(1, 2\)"),
        (Resample(np.nan), "got nan"),
        (Resample("1"), "got '1'"),
        (CropOrPad(), "CropOrPad: one of shape .* and size_mm=None"),
        (CropOrPad(4, size_mm=4), "got shape=4 and size_mm=4"),
        (CropOrPad(size_mm=-1), "CropOrPad: size_mm must be a number above 0"),
        (CropOrPad(size_mm=(4, 4)), r"got \(4, 4\)"),
        (CropOrPad(size_mm=np.inf), "got inf"),
        (CropOrPad(1.5), "CropOrPad: shape must be a whole number above 0"),
        (CropOrPad((4, 0, 4)), r"got \(4, 0, 4\)"),
        (CropOrPad(True), "got True"),
        (CropOrPad(4, fill="mean"), "fill must be a number or 'minimum'"),
        (CropOrPad(4, fill=np.inf), "fill must be finite"),
    ],
    ids=repr,
)
def test_a_bad_parameter_is_refused_in_fit_and_in_transform(volumes, transformer, said):
    for method in (transformer.fit, transformer.transform):
        with pytest.raises(ValueError, match=said):
            method(volumes)


def test_fill_must_be_a_number(volumes):
    with pytest.raises(TypeError, match="fill must be a number, got None"):
        CropOrPad(4, fill=None).fit(volumes)
