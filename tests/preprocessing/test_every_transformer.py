"""What holds for every transformer: the contract of VolumeTransformer."""

import inspect
import os
import pickle
import subprocess
import sys

import nibabel as nib
import numpy as np
import pytest
from sklearn import config_context
from sklearn.base import clone
from sklearn.pipeline import make_pipeline

from briqa_sk import (
    CacheVolumes,
    ClipIntensity,
    CropForeground,
    CropOrPad,
    LoadVolumes,
    MatchHistogram,
    Reorient,
    Resample,
    RescaleIntensity,
    StandardizeIntensity,
    Volume,
    VolumeSequence,
    preprocessing,
)

SPATIAL = [
    CropForeground(margin_mm=2),
    CropOrPad((9, 16, 11)),
    Reorient("PSL"),
    Resample(1.5),
    Resample((0.8, 2.1, 1.0)),
]
INTENSITY = [
    ClipIntensity(),
    MatchHistogram(),
    RescaleIntensity(),
    StandardizeIntensity(),
    StandardizeIntensity(foreground_only=True),
]
ON_ARRAYS = SPATIAL + INTENSITY
EVERY = [*ON_ARRAYS, LoadVolumes(), CacheVolumes("never_made")]
AFFINE = nib.affines.from_matvec(
    nib.eulerangles.euler2mat(0.1, -0.2, 0.15) @ np.diag([-1.0, 1.2, 2.0]), [9, -8, 7]
)

every = pytest.mark.parametrize("transformer", EVERY, ids=repr)
on_arrays = pytest.mark.parametrize("transformer", ON_ARRAYS, ids=repr)


@pytest.fixture
def X():
    """Three heads: a noisy box in noisy air, at the same place in all."""
    rng = np.random.default_rng(0)
    X = rng.normal(0, 2, size=(3, 12, 13, 10)).astype(np.float32)
    X[:, 3:9, 4:10, 2:8] += 100
    return X


@pytest.fixture
def paths(X, tmp_path):
    paths = [str(tmp_path / f"{index}.nii.gz") for index in range(len(X))]
    for data, path in zip(X, paths, strict=True):
        nib.save(nib.Nifti1Image(data, np.eye(4)), path)
    return paths


def test_the_list_is_complete():
    classes = {type(transformer).__name__ for transformer in EVERY}
    assert classes == set(preprocessing.__all__) - {"ImageQualityMetrics"}  # a table


@on_arrays
def test_the_input_is_left_alone(X, transformer):
    before = X.copy()
    X.flags.writeable = False
    transformer.fit_transform(X)
    np.testing.assert_array_equal(X, before)
    volume = Volume(X[0].copy(), AFFINE)
    transformer(volume)
    np.testing.assert_array_equal(volume.data, before[0])
    np.testing.assert_array_equal(volume.affine, AFFINE)


@on_arrays
def test_arrays_and_files_give_the_same_volumes(X, paths, transformer):
    eager = transformer.fit_transform(X)
    lazy = transformer.fit_transform(paths)
    assert isinstance(lazy, VolumeSequence)
    assert len(lazy) == len(eager)
    for volume, expected in zip(lazy, eager, strict=True):
        # Equal but for the memory order, on which the last digit of a sum depends.
        np.testing.assert_allclose(volume.data, expected, rtol=1e-6, atol=1e-6)


@on_arrays
def test_volumes_come_out_in_float32(X, transformer):
    for dtype in (np.float64, np.int16, np.float32):
        assert transformer.fit_transform(X.astype(dtype)).dtype == np.float32


@on_arrays
def test_one_entry_is_added_to_the_history(X, transformer):
    transformer.fit(X)
    volume = transformer(Volume(X[0], AFFINE, path="scan", history=("before",)))
    assert len(volume.history) == 2
    assert volume.history[1].startswith(f"{type(transformer).__name__}(")
    assert volume.path == "scan"
    np.testing.assert_array_equal(volume.source_affine, AFFINE)


@pytest.mark.parametrize("transformer", SPATIAL, ids=repr)
def test_a_bright_voxel_stays_where_it_is_in_the_head(transformer):
    axes = [np.arange(n) for n in (18, 19, 14)]
    peak = (8, 9, 6)
    distance = sum(
        ((a - p) * s) ** 2
        for a, p, s in zip(np.ix_(*axes), peak, (1, 1.2, 2.0), strict=True)
    )
    volume = Volume(1000 * np.exp(-distance / 8), AFFINE)
    out = transformer(volume)
    found = np.unravel_index(out.data.argmax(), out.shape)
    before, after = AFFINE @ [*peak, 1], out.affine @ [*found, 1]
    in_voxels = np.linalg.inv(out.affine) @ before - [*found, 1]
    assert np.abs(in_voxels).max() <= 0.5 + 1e-6
    assert np.linalg.norm(before - after) <= np.linalg.norm(out.spacing_mm) / 2


@pytest.mark.parametrize("transformer", INTENSITY, ids=repr)
def test_intensity_transforms_leave_the_grid_alone(X, transformer):
    volume = transformer.fit(X)(Volume(X[0], AFFINE))
    assert volume.shape == X[0].shape
    np.testing.assert_array_equal(volume.affine, AFFINE)


@on_arrays
def test_a_pickle_transforms_the_same(X, transformer):
    expected = transformer.fit_transform(X)
    restored = pickle.loads(pickle.dumps(transformer))
    np.testing.assert_array_equal(restored.transform(X), expected)


def test_pickles_work_in_another_process(X, paths, tmp_path):
    pipe = make_pipeline(
        LoadVolumes(), *(t for t in ON_ARRAYS), CacheVolumes(tmp_path / "cache")
    ).fit(paths)
    expected = pipe.transform(paths)[1].data
    code = (
        "import pickle, sys; X = pickle.loads(sys.stdin.buffer.read()); "
        "sys.stdout.buffer.write(X[1].data.tobytes())"
    )
    out = subprocess.run(
        [sys.executable, "-c", code],
        input=pickle.dumps(pipe.transform(paths)),
        capture_output=True,
        check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert out.stdout == expected.tobytes()


@on_arrays
def test_a_second_fit_changes_nothing(X, transformer):
    first = transformer.fit(X).transform(X)
    np.testing.assert_array_equal(transformer.fit(X).transform(X), first)


@on_arrays
def test_a_fit_on_another_shape_replaces_the_first(X, transformer):
    expected = clone(transformer).fit_transform(X[:, :, :12])
    transformer.fit(X)
    np.testing.assert_array_equal(transformer.fit_transform(X[:, :, :12]), expected)


@pytest.mark.parametrize("transformer", [LoadVolumes(), CacheVolumes("c")], ids=repr)
def test_steps_over_paths_fit_twice_without_a_trace(paths, transformer):
    before = dict(vars(transformer))
    assert transformer.fit(paths).fit(paths) is transformer
    assert vars(transformer) == before


@every
def test_parameters_go_round(transformer):
    params = transformer.get_params()
    assert list(params) == sorted(inspect.signature(type(transformer)).parameters)
    copied = clone(transformer)
    assert copied is not transformer
    assert copied.get_params() == params
    assert type(transformer)(**params).set_params(**params).get_params() == params


@every
def test_the_representation_is_a_constructor_call(transformer):
    assert repr(transformer).startswith(f"{type(transformer).__name__}(")


@every
def test_pandas_output_leaves_volumes_alone(X, paths, transformer, tmp_path):
    if isinstance(transformer, CacheVolumes):
        transformer = CacheVolumes(tmp_path / "cache")
    assert not hasattr(transformer, "get_feature_names_out")
    with config_context(transform_output="pandas"):
        if not isinstance(transformer, LoadVolumes):
            arrays = clone(transformer).fit_transform(X)
            assert isinstance(arrays, np.ndarray)
        assert isinstance(clone(transformer).fit_transform(paths), VolumeSequence)


@every
@pytest.mark.parametrize("container", ["default", "pandas", "polars"])
def test_set_output_leaves_a_transformer_as_it_is(transformer, container):
    before = dict(vars(transformer))
    assert transformer.set_output(transform=container) is transformer
    assert vars(transformer) == before


@every
def test_every_transformer_works_in_a_pipeline_over_paths(paths, transformer, tmp_path):
    if isinstance(transformer, CacheVolumes):
        transformer = CacheVolumes(tmp_path / "cache")
    pipe = make_pipeline(LoadVolumes("LAS"), clone(transformer), CropOrPad(8))
    Xt = pipe.fit(paths).transform(paths[:2])
    assert [volume.shape for volume in Xt] == [(8, 8, 8)] * 2


@on_arrays
@pytest.mark.parametrize(
    ("break_it", "error", "said"),
    [
        (lambda X: X[0], ValueError, r"must be 4-D .* Add a sample axis"),
        (lambda X: X[:0], ValueError, "at least 1"),
        (lambda X: np.where(X > 100, np.nan, X), ValueError, "NaN or inf"),
        (lambda X: X + 1j, TypeError, "real numbers"),
        (lambda X: [], ValueError, "at least 1 volume"),
    ],
    ids=["one volume", "no volume", "nan", "complex", "nothing"],
)
def test_bad_volumes_are_refused_by_name(X, transformer, break_it, error, said):
    with pytest.raises(error, match=f"{type(transformer).__name__}: .*{said}"):
        transformer.fit(break_it(X))
