import io

import numpy as np
import pytest
import torch
from sklearn.base import clone
from skorch.callbacks import Callback, EpochScoring
from torch import nn

from briqa_sk import CacheVolumes, SeverityClassifier, Volume, VolumeSequence
from briqa_sk.estimators.checkpoint import Checkpoint, keep_checkpoints
from briqa_sk.exceptions import BriqaWarning


class PowerCut(Callback):
    """Interrupt the next fit in an epoch, once; a fit works on copies."""

    is_armed = False

    def __init__(self, epoch, when="on_batch_begin"):
        self.epoch = epoch
        self.when = when

    def notify(self, method, net, **kwargs):
        if method == self.when and len(net.history) == self.epoch and PowerCut.is_armed:
            PowerCut.is_armed = False
            raise KeyboardInterrupt

    def on_batch_begin(self, net, **kwargs):
        self.notify("on_batch_begin", net)

    def on_epoch_end(self, net, **kwargs):
        self.notify("on_epoch_end", net)


def dropout_net(in_channels, n_outputs):
    return nn.Sequential(
        nn.Flatten(), nn.Dropout(0.5), nn.Linear(in_channels * 8**3, n_outputs)
    )


def classifier(folder, **params):
    params = {
        "module": dropout_net,
        "criterion": "reweighted",
        "batches": "rotating",
        "grades": ["good", "moderate", "bad"],
        "batch_size": 4,
        "max_epochs": 5,
        "random_state": 0,
        "checkpoint_dir": folder,
        **params,
    }
    return SeverityClassifier(**params)


def interrupt(clf, X, y, epoch=4, when="on_batch_begin", **fit_params):
    clf.set_params(callbacks=[PowerCut(epoch, when)])
    PowerCut.is_armed = True
    with pytest.raises(KeyboardInterrupt):
        clf.fit(X, y, **fit_params)
    return clf


@pytest.mark.parametrize(
    "params",
    [{}, {"early_stopping": True, "validation_fraction": 0.5, "patience": 4}],
    ids=["plain", "early stopping"],
)
def test_a_resumed_fit_equals_an_uninterrupted_one(volumes, grades, tmp_path, params):
    X, y = np.tile(volumes, (2, 1, 1, 1)), np.tile(grades, 2)
    fit_params = {"groups": np.arange(12)}
    whole = classifier(None, callbacks=[PowerCut(99)], **params)
    expected = whole.fit(X, y, **fit_params).predict_proba(X)
    clf = interrupt(classifier(tmp_path, **params), X, y, **fit_params)
    resumed = clf.fit(X, y, **fit_params)
    np.testing.assert_allclose(resumed.predict_proba(X), expected, atol=1e-6)
    assert resumed.history_[:, "train_loss"] == pytest.approx(
        whole.history_[:, "train_loss"]
    )


def test_a_resumed_fit_runs_the_missing_epochs_only(volumes, grades, tmp_path):
    clf = interrupt(classifier(tmp_path), volumes, grades)
    (file,) = tmp_path.iterdir()
    assert len(Checkpoint(file).read()["history"]) == 3
    assert len(clf.fit(volumes, grades).history_) == 5
    assert list(tmp_path.iterdir()) == []


def test_an_interrupt_between_two_epochs_is_an_interrupt(volumes, grades, tmp_path):
    clf = interrupt(classifier(tmp_path), volumes, grades, when="on_epoch_end")
    assert not hasattr(clf, "net_")
    assert len(list(tmp_path.iterdir())) == 1


def test_callbacks_that_a_net_writes_into_do_not_hide_a_checkpoint(
    volumes, grades, tmp_path
):
    clf = classifier(tmp_path)
    interrupt(clf, volumes, grades)
    clf.callbacks.append(EpochScoring("accuracy", on_train=True))
    PowerCut.is_armed = True
    with pytest.raises(KeyboardInterrupt):
        clf.fit(volumes, grades)
    clf.fit(volumes, grades)
    assert len(list(tmp_path.iterdir())) == 1  # of the fit without EpochScoring


def test_warm_weights_are_part_of_the_key(volumes, grades, tmp_path):
    warm = classifier(tmp_path, warm_start=True).fit(volumes + 1, grades)
    interrupt(warm, volumes, grades)
    cold = classifier(tmp_path, warm_start=True, callbacks=warm.callbacks)
    expected = classifier(None, warm_start=True).fit(volumes, grades)
    np.testing.assert_array_equal(
        cold.fit(volumes, grades).predict_proba(volumes),
        expected.predict_proba(volumes),
    )


def test_a_generator_cannot_name_a_checkpoint(volumes, grades, tmp_path):
    clf = classifier(tmp_path, random_state=np.random.default_rng(0))
    with pytest.raises(ValueError, match="random_state to be an int or None"):
        clf.fit(volumes, grades)


def test_a_checkpoint_survives_another_cache_folder(volumes, grades, tmp_path):
    scans = [Volume(v) for v in volumes]
    folder = tmp_path / "checkpoints"
    clf = classifier(folder)
    interrupt(clf, CacheVolumes(tmp_path / "a").transform(scans), grades)
    clf.fit(CacheVolumes(tmp_path / "b").transform(scans), grades)
    assert list(folder.iterdir()) == []


def test_a_finished_fit_leaves_no_checkpoint(volumes, grades, tmp_path):
    classifier(tmp_path).fit(volumes, grades)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("other", ["labels", "volumes", "weights", "groups", "lr"])
def test_another_fit_never_resumes_from_it(volumes, grades, tmp_path, other):
    clf = interrupt(classifier(tmp_path), volumes, grades)
    X = volumes + 1 if other == "volumes" else volumes
    y = grades[::-1] if other == "labels" else grades
    weight = np.arange(1, 7) if other == "weights" else None
    groups = np.arange(6) if other == "groups" else None
    if other == "lr":
        clf.set_params(lr=0.1)
    clf.fit(X, y, sample_weight=weight, groups=groups)
    assert len(list(tmp_path.iterdir())) == 1  # the other fit's, still waiting


def test_the_same_files_resume_and_changed_files_do_not(volumes, grades, tmp_path):
    import nibabel as nib

    paths = [str(tmp_path / f"{i}.nii") for i in range(6)]
    for path, data in zip(paths, volumes, strict=True):
        nib.save(nib.Nifti1Image(data, np.eye(4)), path)
    folder = tmp_path / "checkpoints"
    clf = interrupt(classifier(folder), paths, grades)
    nib.save(nib.Nifti1Image(volumes[0][:, :, ::-1] * 2, 2 * np.eye(4)), paths[0])
    clf.fit(paths, grades)
    assert len(list(folder.iterdir())) == 1


def truncated(content):
    return content[:100]


def flipped(content):
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


def foreign(content):
    written = io.BytesIO()
    torch.save({"weights": torch.zeros(3)}, written)
    return written.getvalue()


@pytest.mark.parametrize("damage", [truncated, flipped, foreign])
def test_a_damaged_checkpoint_is_reported_and_replaced(
    volumes, grades, tmp_path, damage
):
    clf = interrupt(classifier(tmp_path), volumes, grades)
    (file,) = tmp_path.iterdir()
    file.write_bytes(damage(file.read_bytes()))
    with pytest.warns(UserWarning, match="is damaged and the fit starts anew"):
        clf.fit(volumes, grades)
    assert len(clf.history_) == 5


def test_a_full_disk_costs_the_checkpoint_and_not_the_fit(
    volumes, grades, tmp_path, monkeypatch
):
    expected = classifier(None).fit(volumes, grades).predict_proba(volumes)

    def no_space(path, write):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("briqa_sk.estimators.checkpoint.write_atomically", no_space)
    with pytest.warns(BriqaWarning, match="goes on without it: .*No space left"):
        clf = classifier(tmp_path).fit(volumes, grades)
    np.testing.assert_array_equal(clf.predict_proba(volumes), expected)


def test_parameters_without_a_pickle_are_refused(volumes, grades, tmp_path):
    clf = classifier(tmp_path, augment=lambda volume, random_state: volume)
    with pytest.raises(TypeError, match="needs parameters that can be pickled"):
        clf.fit(volumes, grades)


def test_checkpoints_work_for_sequences_in_memory(volumes, grades, tmp_path):
    X = VolumeSequence([Volume(v) for v in volumes])
    clf = interrupt(classifier(tmp_path), X, grades)
    assert len(clf.fit(X, grades).history_) == 5


def raise_to_bad(volume, random_state):
    return volume, "bad"


def test_a_complete_fit_of_a_larger_one_is_taken_over_with_its_augmentation(
    volumes, grades, tmp_path
):
    clf = classifier(tmp_path, criterion="weighted", augment=raise_to_bad)
    with keep_checkpoints() as paths:
        whole = clone(clf).fit(volumes, grades)
    assert len(paths) == 1
    again = clf.fit(volumes, grades)  # not one epoch is left
    np.testing.assert_array_equal(
        again.predict_proba(volumes), whole.predict_proba(volumes)
    )
    np.testing.assert_array_equal(again.trained_prior_, whole.trained_prior_)
