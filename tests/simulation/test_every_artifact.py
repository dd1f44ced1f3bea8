"""What all artifacts promise, on a phantom."""

import json
import pickle

import numpy as np
import pytest
import torch
from sklearn.base import clone

from briqa_sk import Volume, simulation
from briqa_sk.datasets import make_head_phantom
from briqa_sk.simulation import ARTIFACTS, LISA_ARTIFACTS, Artifact

NAMES = list(ARTIFACTS)
#: Those that act along one axis, and take it as an argument.
DIRECTED = [name for name in NAMES if "axis" in ARTIFACTS[name].get_params()]


def add(name, *args, **kwargs):
    """Call the function of an artifact: ``add_noise`` for ``"noise"``."""
    return getattr(simulation, f"add_{name}")(*args, **kwargs)


@pytest.fixture(scope="module")
def head():
    return make_head_phantom((32, 36, 32), snr=30, random_state=0)


def test_every_artifact_is_registered_exported_and_has_its_function():
    classes = {
        name: thing
        for name, thing in vars(simulation).items()
        if isinstance(thing, type) and issubclass(thing, Artifact)
    }
    classes.pop("Artifact")
    assert {type(artifact).__name__ for artifact in ARTIFACTS.values()} == set(classes)
    assert all(name == ARTIFACTS[name].NAME for name in NAMES)
    assert all(f"add_{name}" in simulation.__all__ for name in NAMES)
    assert set(LISA_ARTIFACTS) <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_strength_0_changes_no_bit(name, head):
    same = add(name, head, 0.0, random_state=0)
    assert same.data.tobytes() == np.ascontiguousarray(head.data).tobytes()
    assert same.history[-1] == f"{name}: none"


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dtype", [np.float16, np.float64, ">f4"])
def test_strength_0_keeps_the_precision_of_the_input(name, dtype, head):
    data = (head.data / 7).astype(dtype)
    same = add(name, data, 0.0, random_state=0)
    assert same.dtype == data.dtype
    assert same.tobytes() == data.tobytes()
    assert same is not data


@pytest.mark.parametrize("name", NAMES)
def test_numbers_of_numpy_become_plain_ones(name):
    artifact = ARTIFACTS[name]
    value = artifact.draw(0.5, random_state=0)[artifact.PHYSICAL]
    given = clone(artifact).set_params(**{artifact.PHYSICAL: np.float32(value)})
    if name in DIRECTED:
        given.set_params(axis=np.int64(1))
    parameters = given.draw(random_state=0)
    assert json.loads(json.dumps(parameters)) == parameters


@pytest.mark.parametrize("name", NAMES)
def test_what_goes_in_comes_out(name, head):
    options = {"spacing_mm": head.spacing_mm, "random_state": 0}
    volume = add(name, head, 0.5, random_state=0)
    array = add(name, head.data, 0.5, **options)
    tensor = add(name, torch.tensor(head.data), 0.5, **options)
    assert isinstance(volume, Volume)
    assert isinstance(array, np.ndarray)
    assert isinstance(tensor, torch.Tensor)
    assert volume.data.dtype == array.dtype == np.float32
    assert tensor.dtype == torch.float32
    np.testing.assert_array_equal(volume.affine, head.affine)
    np.testing.assert_array_equal(array, volume.data)
    np.testing.assert_array_equal(tensor.numpy(), volume.data)
    assert array.shape == head.shape
    assert array.min() >= 0


@pytest.mark.parametrize("name", NAMES)
def test_the_input_stays_as_it_was(name, head):
    array = head.data.copy()
    add(name, array, 1.0, spacing_mm=head.spacing_mm, random_state=0)
    np.testing.assert_array_equal(array, head.data)


@pytest.mark.parametrize("name", NAMES)
def test_integers_and_memory_order_do_not_matter(name, head):
    whole = np.rint(head.data).astype(np.int16)
    options = {"spacing_mm": head.spacing_mm, "random_state": 0}
    expected = add(name, whole.astype(np.float32), 0.7, **options)
    np.testing.assert_array_equal(add(name, whole, 0.7, **options), expected)
    fortran = np.asfortranarray(whole)
    np.testing.assert_array_equal(add(name, fortran, 0.7, **options), expected)


@pytest.mark.parametrize("name", NAMES)
def test_parameters_are_plain_and_say_all(name, head):
    parameters = ARTIFACTS[name].draw(0.6, random_state=1)
    kept = json.loads(json.dumps(parameters, allow_nan=False))
    assert kept == parameters
    again = type(ARTIFACTS[name])().apply(head, kept)
    np.testing.assert_array_equal(again.data, add(name, head, 0.6, random_state=1).data)


@pytest.mark.parametrize("name", NAMES)
def test_one_seed_gives_one_result_and_another_gives_another(name, head):
    first, second, other = (
        add(name, head, 0.8, random_state=seed).data for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(first, second)
    assert np.abs(first - other).max() > 0 or name == "low_resolution"


@pytest.mark.parametrize("name", NAMES)
def test_the_strength_does_not_change_how_much_is_drawn(name):
    ends = []
    for strength in (0.1, 0.5, 1.0):
        rng = np.random.default_rng(0)
        ARTIFACTS[name].draw(strength, random_state=rng)
        ends.append(rng.integers(2**31))
    assert len(set(ends)) == 1


@pytest.mark.parametrize("name", NAMES)
def test_the_physical_value_is_proportional_to_strength(name):
    artifact = ARTIFACTS[name]
    values = np.array(
        [artifact.draw(s, random_state=0)[artifact.PHYSICAL] for s in (0.25, 0.5, 1.0)]
    )
    if artifact.PHYSICAL == "snr":
        values = 1 / values
    if artifact.PHYSICAL == "ratio":  # twice the strength is the square of a ratio
        values = np.log(values)
    np.testing.assert_allclose(values / values[2], [0.25, 0.5, 1.0], rtol=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_a_physical_value_is_taken_as_it_is(name, head):
    artifact = ARTIFACTS[name]
    value = artifact.draw(0.5, random_state=0)[artifact.PHYSICAL]
    given = clone(artifact).set_params(**{artifact.PHYSICAL: value})
    expected = artifact(head, 0.5, random_state=0)
    np.testing.assert_allclose(
        given(head, random_state=0).data, expected.data, rtol=1e-4, atol=0.1
    )
    with pytest.raises(ValueError, match="either strength or"):
        given(head, 0.5)
    with pytest.raises(ValueError, match="either strength or"):
        artifact(head)
    for impossible in (-1.0, 0.0, np.nan, "much"):
        bad = clone(artifact).set_params(**{artifact.PHYSICAL: impossible})
        with pytest.raises(ValueError, match=artifact.PHYSICAL):
            bad(head)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("strength", [-0.1, 1.1, np.nan, "strong", True])
def test_a_strength_outside_the_limits_is_refused(name, strength, head):
    with pytest.raises(ValueError, match=r"strength must be in \[0, 1\]"):
        add(name, head, strength)


@pytest.mark.parametrize("name", NAMES)
def test_what_is_no_magnitude_image_is_refused(name, head):
    negative, hollow = head.data - 100, head.data.copy()
    hollow[5, 5, 5] = np.nan
    with pytest.raises(ValueError, match="Simulate before StandardizeIntensity"):
        add(name, negative, 0.5)
    with pytest.raises(ValueError, match="voxels must be finite"):
        add(name, hollow, 0.5)
    with pytest.raises(ValueError, match="a volume must be 3-D"):
        add(name, head.data[0], 0.5)
    with pytest.raises(TypeError, match="voxels must be real numbers"):
        add(name, head.data.astype(complex), 0.5)


@pytest.mark.parametrize("name", NAMES)
def test_scans_of_four_slices_are_corrupted_in_plane(name, head):
    slab = Volume(head.data[..., 14:18], np.diag([2.0, 2.0, 6.0, 1.0]))
    corrupted = add(name, slab, 0.8, random_state=0)
    assert corrupted.shape == slab.shape
    if name != "low_resolution":
        assert np.abs(corrupted.data - slab.data).max() > 0.05 * slab.data.mean()


@pytest.mark.parametrize("name", DIRECTED)
def test_an_axis_that_is_absent_or_too_short_is_refused(name, head):
    with pytest.raises(ValueError, match="axis must be 0, 1 or 2"):
        add(name, head, 0.5, axis=3)
    n_least = {"banding": 1, "low_resolution": 2}.get(name, 8)
    if n_least == 1:
        assert add(name, head.data[..., :1], 0.5, axis=2, random_state=0).any()
        return
    with pytest.raises(ValueError, match=f"at least {n_least} voxels along its"):
        add(name, head.data[..., : n_least - 1], 0.5, axis=2, random_state=0)


@pytest.mark.parametrize("name", DIRECTED)
def test_an_axis_may_be_counted_from_the_end(name, head):
    first, last = (add(name, head, 0.5, axis=a, random_state=0) for a in (1, -2))
    np.testing.assert_array_equal(first.data, last.data)


@pytest.mark.parametrize("name", NAMES)
def test_ranges_rise_from_0_without_overlap(name):
    ranges = np.ravel(ARTIFACTS[name].RANGES)
    assert ranges[:2].tolist() == [0, 0]
    assert ranges[-1] <= 1
    assert (np.diff(ranges[1:]) >= 0).all()


@pytest.mark.parametrize("name", NAMES)
def test_artifacts_are_configuration_objects(name, head):
    copy = pickle.loads(pickle.dumps(clone(ARTIFACTS[name])))
    assert copy.get_params() == ARTIFACTS[name].get_params()


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
@pytest.mark.parametrize("name", NAMES)
def test_a_gpu_gives_the_same_voxels(name, head):
    options = {"spacing_mm": head.spacing_mm, "random_state": 0}
    there = add(name, torch.tensor(head.data, device="cuda"), 0.7, **options)
    here = add(name, torch.tensor(head.data), 0.7, **options)
    assert there.device.type == "cuda"
    torch.testing.assert_close(there.cpu(), here, rtol=1e-4, atol=1e-5 * 1000)
