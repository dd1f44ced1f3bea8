import json
import pickle
import zipfile

import numpy as np
import pytest
import torch
from safetensors.torch import save as save_tensors
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

import briqa_sk
from briqa_sk import SeverityClassifier, load, save
from briqa_sk.exceptions import UnsafeModelError
from briqa_sk.losses import ReweightedCrossEntropy
from briqa_sk.networks import CompactNet
from briqa_sk.persistence import model_file as model_file_module
from briqa_sk.sampling import ResampledBatches


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
            "criterion": ReweightedCrossEntropy(momentum=0.5),
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
    with pytest.raises(TypeError, match="got LogisticRegression"):
        save(LogisticRegression(), tmp_path / "model.zip")


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


def with_fitted(manifest, name):
    manifest["model"]["fitted"][name] = 1
    return manifest


def with_param(manifest):
    manifest["model"]["params"]["command"] = "ls"
    return manifest


def without_network(manifest):
    manifest["model"]["network"] = "elsewhere."
    return manifest


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"manifest": lambda m: with_class(m, "os.system")}, "classes of briqa_sk"),
        ({"manifest": lambda m: with_class(m, "load")}, "classes of briqa_sk only"),
        ({"manifest": with_param}, "its own parameters only"),
        ({"manifest": lambda m: with_fitted(m, "predict")}, "end in one underscore"),
        ({"manifest": lambda m: with_fitted(m, "__class__")}, "end in one underscore"),
        ({"extra": {"manifest.json": "[" * 10**5}}, "RecursionError"),
        ({"manifest": without_network}, "the tensors must be those of"),
        ({"manifest": lambda m: {**m, "format": 99}}, "must have model format 1"),
        ({"manifest": lambda m: []}, "TypeError"),
        ({"tensors": b"not tensors"}, "SafetensorError"),
        ({"tensors": save_tensors({"a": torch.zeros(2)})}, "KeyError"),
        ({"extra": {"code.py": "print(1)"}}, "manifest.json and tensors.safetensors"),
    ],
)
def test_a_file_that_is_not_a_plain_model_is_refused(model_file, change, said):
    rewrite(model_file, **change)
    with pytest.raises(UnsafeModelError, match=said):
        load(model_file)


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


def test_weights_of_another_network_are_refused_before_it_is_built(model_file, volumes):
    def widen(manifest):
        manifest["model"]["params"]["module"] = {
            "class": "CompactNet",
            "params": {"n_filters": 2**20},
            "fitted": {},
        }
        return manifest

    rewrite(model_file, manifest=widen)
    with pytest.raises(UnsafeModelError, match="the tensors must be those of"):
        load(model_file)


def test_a_device_is_chosen_on_loading(model_file):
    assert load(model_file, device="cpu").device == "cpu"
