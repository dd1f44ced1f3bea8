import json
import os
import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import nibabel as nib
import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from briqa_sk import (
    CacheVolumes,
    LoadVolumes,
    MatchHistogram,
    StandardizeIntensity,
    Volume,
)
from briqa_sk.exceptions import BriqaWarning
from briqa_sk.preprocessing import cache as module
from briqa_sk.simulation import ArtifactSimulator, SimulatedArtifactSampler


@pytest.fixture
def paths(tmp_path):
    rng = np.random.default_rng(0)
    (tmp_path / "scans").mkdir()
    paths = [str(tmp_path / "scans" / f"{index}.nii.gz") for index in range(4)]
    for path in paths:
        data = rng.normal(size=(6, 5, 4)).astype(np.float32)
        nib.save(nib.Nifti1Image(data, np.diag([-1.0, 2, 3, 1])), path)
    return paths


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "cache"


class Count:
    """A step that counts how often it runs."""

    def __init__(self):
        self.n = 0

    def __call__(self, volume):
        self.n += 1
        return volume.derive(volume.data + 1, step="Count")

    def __getstate__(self):
        return {}  # the count is no parameter


def entries(folder):
    return sorted(folder.glob("*.safetensors"))


def cached(paths, folder, step, **options):
    X = LoadVolumes().transform(paths).map(step)
    return CacheVolumes(folder, **options).transform(X)


def test_a_volume_is_computed_once_and_comes_back_whole(paths, folder):
    step = Count()
    X = cached(paths, folder, step)
    first, again = X[0], X[0]
    assert step.n == 1
    np.testing.assert_array_equal(again.data, first.data)
    np.testing.assert_array_equal(again.affine, first.affine)
    np.testing.assert_array_equal(again.source_affine, first.source_affine)
    assert again.source_shape == first.source_shape
    assert again.history == first.history == ("LoadVolumes(RAS)", "Count")
    assert again.path == first.path == paths[0]
    assert again.data.dtype == np.float32


def test_another_fit_and_another_process_find_the_entry(paths, folder):
    pipe = make_pipeline(LoadVolumes(), StandardizeIntensity(), CacheVolumes(folder))
    expected = [volume.data for volume in pipe.fit_transform(paths)]
    before = {path: path.stat().st_ino for path in entries(folder)}
    pipe.fit_transform(paths)[0]
    code = (
        "import pickle, sys; pipe, paths = pickle.loads(sys.stdin.buffer.read()); "
        "sys.stdout.buffer.write(b''.join(v.data for v in pipe.transform(paths)))"
    )
    out = subprocess.run(
        [sys.executable, "-c", code],
        input=pickle.dumps((pipe, paths)),
        capture_output=True,
        check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert out.stdout == b"".join(expected)
    assert {path: path.stat().st_ino for path in entries(folder)} == before


def test_a_changed_file_is_computed_anew(paths, folder):
    X = cached(paths, folder, Count())
    before = X[0]
    nib.save(nib.Nifti1Image(before.data + 5, np.eye(4)), paths[0])
    assert X[0].data.mean() == pytest.approx(before.data.mean() + 6, abs=1e-5)


def test_parameters_fitted_state_and_version_are_part_of_the_key(
    paths, folder, monkeypatch
):
    def add(step):
        CacheVolumes(folder).transform(step.transform(LoadVolumes().transform(paths)))[
            0
        ]

    add(StandardizeIntensity())
    add(StandardizeIntensity(foreground_only=True))
    add(MatchHistogram().fit(paths[:2]))
    add(MatchHistogram().fit(paths[2:]))
    assert len(entries(folder)) == 4
    add(MatchHistogram().fit(paths[2:]))
    assert len(entries(folder)) == 4
    monkeypatch.setattr(module, "__version__", "99")
    add(StandardizeIntensity())
    assert len(entries(folder)) == 5


def test_the_steps_are_hashed_once_for_all_scans(paths, folder, monkeypatch):
    hashed = []
    monkeypatch.setattr(
        module.joblib, "hash", lambda x, h=module.joblib.hash: hashed.append(x) or h(x)
    )
    X = cached(paths, folder, Count())
    for index in (0, 1, 2, 3, 0, 1):
        X[index]
    assert len(hashed) == 2 + 6  # two steps, and six lookups


@dataclass
class AddOnce:
    """A step that equals others and has no hash."""

    amount: float

    def __call__(self, volume):
        return volume.derive(volume.data + self.amount, step="AddOnce")


def test_a_step_need_not_be_hashable(paths, folder):
    for amount in (1.0, 2.0, 1.0):
        X = cached(paths, folder, AddOnce(amount))
        assert X[0].history[-1] == "AddOnce"
    assert len(entries(folder)) == 2


@pytest.fixture
def heads(tmp_path):
    paths = [str(tmp_path / f"head{index}.nii.gz") for index in range(4)]
    for index, path in enumerate(paths):
        data = np.arange(index, index + 512, dtype=np.float32).reshape(8, 8, 8)
        nib.save(nib.Nifti1Image(data, np.eye(4)), path)
    return paths


def simulate(X):
    simulator = ArtifactSimulator(
        ["noise"], probabilities={"noise": (0, 1, 1)}, random_state=0
    )
    return simulator.transform(X)


def simulate_from_table(X):
    simulator = ArtifactSimulator(
        ["noise"], probabilities={"noise": (0, 1, 1)}, random_state=0
    )
    record = simulator.draw(len(X))
    text = record["parameters"].map(json.dumps)
    return simulator.replay(X, record.assign(parameters=text))


def oversample(X):
    sampler = SimulatedArtifactSampler("noise", random_state=0)
    return sampler.fit_resample(X, [0, 0, 1, 2])[0]


@pytest.mark.parametrize("make", [simulate, oversample])
def test_simulated_scans_are_read_from_disk_the_second_time(heads, folder, make):
    step, again = Count(), Count()
    for counter in (step, again):
        X = CacheVolumes(folder).transform(
            make(LoadVolumes().transform(heads)).map(counter)
        )
        voxels = [volume.data for volume in X]
    assert (step.n, again.n) == (len(X), 0)
    assert len({data.tobytes() for data in voxels}) == len(X)


def test_a_record_from_a_table_finds_the_entries_of_the_simulator(heads, folder):
    for make in (simulate, simulate_from_table):
        list(CacheVolumes(folder).transform(make(heads)))
    assert len(entries(folder)) == len(heads)


def test_volumes_in_memory_are_told_apart_by_their_voxels(folder):
    step = Count()
    volumes = [Volume(np.full((2, 2, 2), value)) for value in (1.0, 2.0, 1.0)]
    X = CacheVolumes(folder).transform(
        StandardizeIntensity().transform(volumes).map(step)
    )
    assert [X[index].data[0, 0, 0] for index in range(3)] == [1, 1, 1]
    assert step.n == 2


def test_an_array_passes_through_as_it_is(volumes, folder):
    assert CacheVolumes(folder).fit_transform(volumes) is volumes
    assert not folder.exists()


@pytest.mark.parametrize(
    "damage",
    [
        lambda raw: raw[: len(raw) // 2],
        lambda raw: raw[:-4] + b"\xff\xff\xff\xff",
        lambda raw: b"",
        lambda raw: b"rubbish" * 99,
    ],
    ids=["half", "flipped", "empty", "rubbish"],
)
def test_a_damaged_entry_is_computed_anew_with_a_warning(paths, folder, damage):
    step = Count()
    X = cached(paths, folder, step)
    expected = X[0].data
    (entry,) = entries(folder)
    entry.write_bytes(damage(entry.read_bytes()))
    with pytest.warns(BriqaWarning, match="damaged and computed anew"):
        np.testing.assert_array_equal(X[0].data, expected)
    assert step.n == 2
    np.testing.assert_array_equal(X[0].data, expected)
    assert step.n == 2


def test_a_full_disk_leaves_no_entry_and_the_volume_is_used(paths, folder, monkeypatch):
    def fill_the_disk(source, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("briqa_sk.io.atomic.os.replace", fill_the_disk)
    X = cached(paths, folder, Count())
    with pytest.warns(BriqaWarning, match="without being kept .*No space left"):
        volume = X[0]
    assert volume.shape == (6, 5, 4)
    assert list(folder.iterdir()) == []


def test_a_folder_that_may_only_be_read_still_serves(paths, folder, monkeypatch):
    step = Count()
    X = cached(paths, folder, step)
    X[0]

    def refuse(path):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(module.os, "utime", refuse)
    X[0]
    assert step.n == 1


def test_an_interrupt_leaves_no_entry(paths, folder, monkeypatch):
    def interrupt(source, target):
        raise KeyboardInterrupt

    monkeypatch.setattr("briqa_sk.io.atomic.os.replace", interrupt)
    with pytest.raises(KeyboardInterrupt):
        cached(paths, folder, Count())[0]
    assert list(folder.iterdir()) == []


def test_a_volume_that_fails_leaves_no_entry(folder):
    with pytest.raises(Exception, match=r"missing\.nii"):
        CacheVolumes(folder).transform(["missing.nii"])[0]
    assert not folder.exists()


def test_the_size_cap_removes_what_was_used_longest_ago(paths, folder):
    size = len(module.pack(LoadVolumes().transform(paths)[0])) + 200
    step = Count()
    X = cached(paths, folder, step, max_bytes=2 * size)
    for index in (0, 1):
        X[index]
    for age, entry in enumerate(entries(folder), start=1):
        os.utime(entry, ns=(0, age))
    X[0]  # now the one used last
    X[2]
    assert len(entries(folder)) == 2
    assert step.n == 3
    X[0]
    assert step.n == 3
    X[1]
    assert step.n == 4


def test_a_volume_beyond_the_size_cap_is_not_kept(paths, folder):
    X = cached(paths, folder, Count(), max_bytes=10)
    assert X[0].shape == (6, 5, 4)
    assert not folder.exists()


def test_clear_removes_entries_and_leftovers_only(paths, folder):
    list(cached(paths, folder, Count()))
    (folder / "notes.txt").write_text("mine")
    (folder / f".{entries(folder)[0].name}-abc1").write_text("left by a crash")
    assert CacheVolumes(folder).clear() == 5
    assert [path.name for path in folder.iterdir()] == ["notes.txt"]
    assert CacheVolumes(folder / "never made").clear() == 0


def test_many_threads_may_share_a_folder(paths, folder):
    X = cached(paths, folder, StandardizeIntensity(), max_bytes=2000)
    expected = [volume.data for volume in X]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda index: X[index % 4].data, range(200)))
    for index, data in enumerate(found):
        np.testing.assert_array_equal(data, expected[index % 4])


def test_a_relative_folder_is_that_of_the_fit(paths, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    X = CacheVolumes("here").fit_transform(paths)
    (tmp_path / "other").mkdir()
    monkeypatch.chdir(tmp_path / "other")
    X[0]
    assert len(entries(tmp_path / "here")) == 1


def test_steps_after_the_cache_run_on_what_it_holds(paths, folder):
    step = Count()
    X = CacheVolumes(folder).transform(cached(paths, folder, Count()).map(step))
    assert X[0].history == ("LoadVolumes(RAS)", "Count", "Count")
    X[0]
    assert step.n == 1


class MeanClassifier(ClassifierMixin, BaseEstimator):
    """Say whether the first voxel is above the threshold."""

    def __init__(self, threshold=0.0):
        self.threshold = threshold

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        return np.array([volume.data[0, 0, 0] > self.threshold for volume in X])


@pytest.mark.filterwarnings("error::briqa_sk.exceptions.BriqaWarning")
def test_grid_search_with_two_processes_shares_the_entries(paths, folder):
    pipe = make_pipeline(
        LoadVolumes(), StandardizeIntensity(), CacheVolumes(folder), MeanClassifier()
    )
    first = [volume.data[0, 0, 0] for volume in pipe[:2].transform(paths)]
    y = np.array(first) > 0.1
    grid = {"meanclassifier__threshold": [0.1, 99.0]}
    search = GridSearchCV(pipe, grid, cv=2, n_jobs=2).fit(paths * 2, np.tile(y, 2))
    assert search.best_params_ == {"meanclassifier__threshold": 0.1}
    assert search.best_score_ == 1
    assert len(entries(folder)) == 4


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        ({"directory": None}, TypeError, "directory must be a path"),
        ({"directory": ""}, TypeError, "directory must be a path"),
        ({"directory": __file__}, ValueError, "got the file"),
        ({"directory": "c", "max_bytes": -1}, ValueError, "max_bytes must be"),
        ({"directory": "c", "max_bytes": "1 GB"}, ValueError, "max_bytes must be"),
    ],
)
def test_bad_parameters_are_refused(volumes, options, error, said):
    with pytest.raises(error, match=said):
        CacheVolumes(**options).fit(volumes)


def make_step(code):
    """Return a function of this module that is called ``step``, with some code."""
    names = {"__name__": __name__}
    exec(code, names)  # noqa: S102
    globals()["step"] = names["step"]
    return names["step"]


@pytest.mark.parametrize("wrap", [lambda step: step, partial], ids=["bare", "partial"])
def test_a_function_with_new_code_is_computed_anew(paths, folder, wrap):
    text = "def step(volume, c=1):\n    return volume.derive(volume.data {}, step='s')"
    changed = [text.format("+ c"), text.format("- c"), text.format("- c + 2")]
    changed.append(changed[0].replace("c=1", "c=5"))
    for code in [*changed, *changed]:
        cached(paths, folder, wrap(make_step(code)))[0]
    assert len(entries(folder)) == 4


def test_the_key_of_a_function_sees_nested_code():
    one, other = (
        make_step(f"def step(volume):\n    return (lambda v: v + {n})(volume)")
        for n in (1, 2)
    )
    assert module._code_of(one) != module._code_of(other)


def test_a_step_that_can_not_be_pickled_is_refused_at_once(paths, folder):
    with pytest.raises(TypeError, match=r"must be picklable, got <function .*lambda>"):
        cached(paths, folder, lambda volume: volume)
