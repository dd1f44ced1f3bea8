import json
import pickle
import random
import zipfile

import numpy as np
import pandas as pd
import pytest
import torch
from imblearn.over_sampling import RandomOverSampler
from imblearn.pipeline import make_pipeline as make_imblearn_pipeline
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline

import briqa_sk
from briqa_sk import SeverityClassifier, load, save
from briqa_sk.exceptions import UnsafeModelError
from briqa_sk.losses import ReweightedCrossEntropy
from briqa_sk.networks import CompactNet, ResNet, ViT
from briqa_sk.persistence import model_file as model_file_module
from briqa_sk.persistence.codec import Encoder
from briqa_sk.sampling import ResampledBatches
from briqa_sk.simulation import SimulatedArtifactSampler


def quick(**params):
    return SeverityClassifier(**{"max_epochs": 1, "random_state": 0, **params})


@pytest.fixture
def model_file(volumes, grades, tmp_path):
    save(quick().fit(volumes, grades), tmp_path / "model.zip")
    return tmp_path / "model.zip"


def rewrite(path, manifest=None, tensors=None, extra=None):
    """Replace the members of a model file."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    if manifest is not None:
        members["manifest.json"] = json.dumps(
            manifest(json.loads(members["manifest.json"]))
        )
    if tensors is not None:
        members["tensors.safetensors"] = tensors
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in {**members, **(extra or {})}.items():
            archive.writestr(name, content)


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"criterion": "corn", "grades": ["good", "moderate", "bad"]},
        {
            "module": CompactNet(n_filters=2),
            "criterion": ReweightedCrossEntropy(rule="proportional"),
            "batches": ResampledBatches(),
        },
    ],
    ids=["defaults", "ordinal", "nested"],
)
def test_a_loaded_classifier_predicts_the_same(volumes, grades, tmp_path, params):
    clf = quick(**params).fit(volumes, grades)
    save(clf, tmp_path / "model.zip")
    loaded = load(tmp_path / "model.zip")
    np.testing.assert_array_equal(
        loaded.predict_proba(volumes), clf.predict_proba(volumes)
    )
    assert loaded.predict(volumes).tolist() == clf.predict(volumes).tolist()
    assert repr(loaded) == repr(clf)


def test_a_loaded_pipeline_keeps_what_its_steps_learned(volumes, grades, tmp_path):
    model = make_pipeline(
        briqa_sk.CropOrPad((6, 8, 8)),
        briqa_sk.MatchHistogram(),
        briqa_sk.StandardizeIntensity(),
        quick(),
    )
    model.fit(np.abs(volumes), grades)
    save(model, tmp_path / "model.zip")
    np.testing.assert_array_equal(
        load(tmp_path / "model.zip").predict_proba(np.abs(volumes)),
        model.predict_proba(np.abs(volumes)),
    )


def test_a_loaded_model_trains_on(volumes, grades, model_file):
    clf = load(model_file).set_params(warm_start=True)
    clf.fit(volumes, grades)
    assert len(clf.history_) == 1


def test_folders_of_this_machine_stay_on_it(volumes, grades, tmp_path):
    model = make_pipeline(
        briqa_sk.CacheVolumes(str(tmp_path / "cache")),
        quick(checkpoint_dir=str(tmp_path / "checkpoints")),
    )
    save(model.fit(volumes, grades), tmp_path / "model.zip")
    loaded = load(tmp_path / "model.zip")
    assert loaded[0] == "passthrough"
    assert loaded[1].checkpoint_dir is None
    assert str(tmp_path).encode() not in (tmp_path / "model.zip").read_bytes()


def test_a_model_file_holds_no_pickle(model_file):
    with zipfile.ZipFile(model_file) as archive:
        assert sorted(archive.namelist()) == ["manifest.json", "tensors.safetensors"]
        json.loads(archive.read("manifest.json"))
    content = model_file.read_bytes()
    assert pickle.PROTO + b"\x02" not in content[:64]
    assert b"torch._utils" not in content


@pytest.mark.parametrize("name", ["augment", "optimizer"])
def test_what_only_training_needs_is_left_out_with_a_warning(
    volumes, grades, tmp_path, name
):
    value = {"augment": lambda v, random_state: v, "optimizer": torch.optim.SGD}[name]
    clf = quick(**{name: value}).fit(volumes, grades)
    with pytest.warns(UserWarning, match=f"SeverityClassifier.{name} is left out"):
        save(clf, tmp_path / "model.zip")
    np.testing.assert_array_equal(
        load(tmp_path / "model.zip").predict(volumes), clf.predict(volumes)
    )


def test_what_prediction_needs_cannot_be_left_out(volumes, grades, tmp_path):
    clf = quick(module=lambda c, n: CompactNet()(c, n)).fit(volumes, grades)
    with pytest.raises(TypeError, match=r"SeverityClassifier.module must be a number"):
        save(clf, tmp_path / "model.zip")
    assert list(tmp_path.iterdir()) == []


def test_a_foreign_estimator_is_refused(tmp_path):
    with pytest.raises(TypeError, match=r"got sklearn\..*\.LogisticRegression"):
        save(LogisticRegression(), tmp_path / "model.zip")


def test_a_pipeline_with_a_sampler_loads_as_one_that_predicts_the_same(
    volumes, tmp_path
):
    X = np.abs(volumes)
    sampler = SimulatedArtifactSampler("noise", random_state=0)
    pipe = make_imblearn_pipeline(sampler, quick()).fit(X, [0, 0, 0, 1, 1, 2])
    save(pipe, tmp_path / "model.zip")
    loaded = load(tmp_path / "model.zip")
    assert type(loaded) is Pipeline
    assert loaded.steps[0] == ("simulatedartifactsampler", "passthrough")
    np.testing.assert_array_equal(loaded.predict_proba(X), pipe.predict_proba(X))


@pytest.mark.parametrize(
    "random_state",
    [np.random.RandomState(0), np.random.default_rng(0)],
    ids=["RandomState", "Generator"],
)
def test_random_streams_are_left_out_with_a_warning(
    volumes, grades, tmp_path, random_state
):
    sampler = RandomOverSampler(random_state=random_state)
    clf = quick(batches=ResampledBatches(sampler), random_state=random_state)
    clf.fit(volumes, grades)
    with pytest.warns(UserWarning, match="random_state is left out") as record:
        save(clf, tmp_path / "model.zip")
    assert [str(w.message).split()[1] for w in record] == [
        "SeverityClassifier.batches.sampler.random_state",
        "SeverityClassifier.random_state",
    ]
    assert {w.filename for w in record} == {__file__}
    np.testing.assert_array_equal(
        load(tmp_path / "model.zip").predict(volumes), clf.predict(volumes)
    )


@pytest.mark.parametrize("sequence", [range(3), pd.Index([0, 1, 2]), (0, 1, 2)])
def test_grades_may_be_any_sequence(volumes, tmp_path, sequence):
    clf = quick(grades=sequence).fit(volumes, [0, 0, 1, 1, 2, 2])
    save(clf, tmp_path / "model.zip")
    assert list(load(tmp_path / "model.zip").grades) == [0, 1, 2]


def test_a_torch_device_is_no_obstacle(volumes, grades, tmp_path):
    clf = quick(device=torch.device("cpu")).fit(volumes, grades)
    save(clf, tmp_path / "model.zip")
    assert load(tmp_path / "model.zip").device == "auto"


def test_arrays_come_back_whatever_their_layout(tmp_path):
    model = briqa_sk.MatchHistogram()
    model.big_endian_ = np.arange(3, dtype=">f8")
    model.read_only_ = np.arange(3)
    model.read_only_.flags.writeable = False
    model.fortran_ = np.asfortranarray([[1, 2], [3, 4]])
    model.scalar_ = np.array(1.5)
    save(model, tmp_path / "model.zip")
    loaded = load(tmp_path / "model.zip")
    for name, array in vars(model).items():
        if name.endswith("_"):
            np.testing.assert_array_equal(getattr(loaded, name), array)
            assert getattr(loaded, name).shape == array.shape


def test_a_full_disk_leaves_the_old_model(volumes, grades, model_file, monkeypatch):
    before = model_file.read_bytes()

    def no_space(tensors):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(model_file_module, "save_tensors", no_space)
    with pytest.raises(OSError, match="No space left"):
        save(quick().fit(volumes, grades), model_file)
    assert [p.read_bytes() for p in model_file.parent.iterdir()] == [before]


def with_class(manifest, name):
    manifest["model"]["class"] = name
    return manifest


def with_fitted(manifest, name, value=1):
    manifest["model"]["fitted"][name] = value
    return manifest


def without_fitted(manifest, name):
    del manifest["model"]["fitted"][name]
    return manifest


def with_parameter(manifest, name, value):
    manifest["model"]["params"][name] = value
    return manifest


def without_network(manifest):
    manifest["model"]["network"] = "elsewhere."
    return manifest


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"manifest": lambda m: with_class(m, "os.system")}, "classes of briqa_sk"),
        ({"manifest": lambda m: with_class(m, "load")}, "classes of briqa_sk only"),
        (
            {"manifest": lambda m: with_parameter(m, "ls", 1)},
            "its own parameters only",
        ),
        ({"manifest": lambda m: with_fitted(m, "predict")}, "end in one underscore"),
        ({"manifest": lambda m: with_fitted(m, "__class__")}, "end in one underscore"),
        ({"extra": {"manifest.json": "[" * 10**5}}, "RecursionError"),
        ({"manifest": without_network}, "the tensors must be those of"),
        ({"manifest": lambda m: {**m, "format": 99}}, "must have model format 2"),
        ({"manifest": lambda m: []}, "TypeError"),
        ({"manifest": lambda m: {**m, "model": 5}}, "must hold an estimator, got int"),
        *[
            ({"manifest": lambda m, p=p, v=v: with_parameter(m, p, v)}, said)
            for p, v, said in [
                ("batch_size", -1, "batch_size must be a whole number above 0"),
                ("batch_size", "x", "batch_size must be a whole number above 0"),
                ("batch_size", 10**30, "must be at most 2147483647"),
                ("max_epochs", 0, "max_epochs must be a whole number above 0"),
            ]
        ],
        *[
            ({"manifest": lambda m, n=n, v=v: with_fitted(m, n, v)}, said)
            for n, v, said in [
                ("classes_", {"tuple": [0, 1]}, "arrays over the same grades"),
                ("grades_", {"labels": ["a", "b", "c"]}, "arrays over the same grades"),
                ("classes_", {"labels": ["bad"]}, "arrays over the same grades"),
                ("class_counts_", 3, "arrays over the same grades"),
                ("volume_shape_", {"list": [8, 8, 8]}, "must be 3 whole numbers"),
                ("volume_shape_", {"tuple": [8, 8]}, "must be 3 whole numbers"),
            ]
        ],
        *[
            ({"manifest": lambda m, n=n: without_fitted(m, n)}, f"no attribute '{n}'")
            for n in ("classes_", "grades_", "class_prior_", "volume_shape_")
        ],
        ({"tensors": b"not tensors"}, "SafetensorError"),
        ({"tensors": save_tensors({"a": torch.zeros(2)})}, "KeyError"),
        ({"extra": {"code.py": "print(1)"}}, "manifest.json and tensors.safetensors"),
    ],
)
def test_a_file_that_is_not_a_plain_model_is_refused(model_file, change, said):
    rewrite(model_file, **change)
    with pytest.raises(UnsafeModelError, match=said):
        load(model_file)


def test_a_file_of_version_0_1_is_refused_with_its_version(model_file):
    rewrite(model_file, manifest=lambda m: {**m, "format": 1, "briqa_sk": "0.1.0"})
    with pytest.raises(UnsafeModelError, match=r"Install the briqa_sk .*0\.1\.0"):
        load(model_file)


def test_what_could_not_be_loaded_is_not_saved(tmp_path, volumes, grades):
    clf = SeverityClassifier(max_epochs=1).fit(volumes, grades)
    clf.set_params(module="resnet18")
    with pytest.raises(ValueError, match="save: the parameters of a model must be"):
        save(clf, tmp_path / "model.zip")
    assert list(tmp_path.iterdir()) == []


def test_a_compressed_bomb_is_refused_before_it_is_read(model_file):
    with zipfile.ZipFile(model_file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("manifest.json", b" " * 2**20)
        archive.writestr("tensors.safetensors", b"\0" * 2**20)
    with pytest.raises(UnsafeModelError, match="stored uncompressed"):
        load(model_file)


def test_a_truncated_file_is_refused(model_file):
    model_file.write_bytes(model_file.read_bytes()[:-50])
    with pytest.raises(UnsafeModelError, match="BadZipFile"):
        load(model_file)


def test_a_pickle_is_not_a_model_file(tmp_path):
    (tmp_path / "model.zip").write_bytes(pickle.dumps({"a": 1}))
    with pytest.raises(UnsafeModelError, match=r"written by briqa_sk\.save"):
        load(tmp_path / "model.zip")


def test_a_missing_file_is_missing(tmp_path):
    with pytest.raises(FileNotFoundError):
        load(tmp_path / "model.zip")


def test_a_file_that_may_not_be_read_is_an_os_error(model_file, monkeypatch):
    def refuse(*args):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("builtins.open", refuse)
    with pytest.raises(PermissionError):
        load(model_file)


def with_network(manifest, network):
    encoded = Encoder().encode(network, where="network")
    return with_parameter(manifest, "module", encoded)


def test_weights_of_another_network_are_refused_before_it_is_built(model_file):
    wide = CompactNet(n_filters=2**20)
    rewrite(model_file, manifest=lambda m: with_network(m, wide))
    with pytest.raises(UnsafeModelError, match="the tensors must be those of"):
        load(model_file)


@pytest.mark.parametrize(
    ("network", "error"),
    [
        (CompactNet(n_filters=10**12), "RuntimeError"),
        (ResNet(width=float("inf")), "OverflowError"),
        (ViT(num_heads=0), "ZeroDivisionError"),
    ],
    ids=repr,
)
def test_a_network_that_cannot_be_is_refused(model_file, network, error):
    rewrite(model_file, manifest=lambda m: with_network(m, network))
    with pytest.raises(UnsafeModelError, match=f"got ({error}|ValueError)"):
        load(model_file)


@pytest.mark.parametrize("change", ["missing", "shape", "extra"])
def test_tensors_of_another_loss_are_refused(volumes, grades, tmp_path, change):
    path = tmp_path / "model.zip"
    save(quick(criterion=ReweightedCrossEntropy()).fit(volumes, grades), path)
    with zipfile.ZipFile(path) as archive:
        tensors = load_tensors(archive.read("tensors.safetensors"))
    name = next(key for key in tensors if ".criterion." in key)
    if change == "missing":
        del tensors[name]
    else:
        key = {"shape": name, "extra": f"{name}_too"}[change]
        tensors[key] = torch.zeros(7)
    rewrite(path, tensors=save_tensors(tensors))
    with pytest.raises(UnsafeModelError):
        load(path)


def test_a_file_chooses_no_processes_and_no_folders(model_file, tmp_path):
    def greedy(manifest):
        manifest["model"]["params"] |= {
            "num_workers": 10**6,
            "verbose": 1,
            "device": "cuda:7",
            "checkpoint_dir": str(tmp_path),
        }
        steps = {"list": [{"tuple": ["clf", manifest["model"]]}]}
        params = {"steps": steps, "memory": str(tmp_path)}
        pipeline = {"class": "Pipeline", "params": params, "fitted": {}}
        return {**manifest, "model": pipeline}

    rewrite(model_file, manifest=greedy)
    pipe = load(model_file, device="cpu")
    assert pipe.memory is None
    assert pipe[0].num_workers == 0
    assert pipe[0].verbose == 0
    assert pipe[0].device == "cpu"
    assert pipe[0].checkpoint_dir is None


def test_an_encrypted_file_is_refused(model_file):
    content = bytearray(model_file.read_bytes())
    for signature, flag_bits in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        content[content.index(signature) + flag_bits] |= 1
    model_file.write_bytes(content)
    with pytest.raises(UnsafeModelError, match="encrypted"):
        load(model_file)


def test_a_damaged_file_is_refused_or_still_the_model(volumes, grades, tmp_path):
    path, damaged = tmp_path / "model.zip", tmp_path / "damaged.zip"
    clf = quick(module=CompactNet(n_filters=2)).fit(volumes, grades)
    save(clf, path)
    content, truth, n_refused = path.read_bytes(), clf.predict_proba(volumes), 0
    draw = random.Random(0)  # noqa: S311, damage needs no cryptography
    # The structures of a zip, where readers stumble, stand at its two ends.
    spots = [draw.randrange(len(content)) for _ in range(60)]
    spots += [draw.randrange(60) for _ in range(40)]
    spots += [len(content) - 1 - draw.randrange(220) for _ in range(140)]
    versions = [_flipped(content, spot, draw.randrange(1, 256)) for spot in spots]
    versions += [content[: draw.randrange(len(content))] for _ in range(20)]
    for version in versions:
        damaged.write_bytes(version)
        try:
            loaded = load(damaged)
        except UnsafeModelError:
            n_refused += 1
        else:
            np.testing.assert_array_equal(loaded.predict_proba(volumes), truth)
    assert n_refused > len(versions) / 2


def _flipped(content, spot, bits):
    return content[:spot] + bytes([content[spot] ^ bits]) + content[spot + 1 :]


def test_a_device_is_chosen_on_loading(model_file):
    assert load(model_file, device="cpu").device == "cpu"


def test_a_wrong_device_is_not_the_fault_of_the_file(model_file):
    with pytest.raises(ValueError, match=r"load: device must be .* got 'warp'"):
        load(model_file, device="warp")
