import pickle
from functools import partial
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.model_selection import GroupKFold, train_test_split
from sklearn.utils import resample

from briqa_sk import Volume, VolumeSequence
from briqa_sk.io import as_volumes

VOLUME = Volume(np.zeros((1, 1, 1)))
IMAGE = nib.Nifti1Image(np.zeros((1, 1, 1)), np.eye(4))
TABLE = pd.DataFrame({"path": ["a.nii"], "grade": [0]})
SIZES = [np.zeros((4, 4, 4)), np.zeros((4, 4, 5))]


def add(amount, volume):
    return volume.derive(volume.data + amount, step=f"add {amount}")


@pytest.fixture
def X():
    """Ten volumes that hold their own number."""
    volumes = [Volume(np.full((2, 2, 2), index)) for index in range(10)]
    return VolumeSequence(volumes, columns={"group": list("aabbccddee")})


def numbers(X):
    return [int(volume.data[0, 0, 0]) for volume in X]


def test_it_looks_like_an_array_of_one_axis(X):
    assert len(X) == 10
    assert X.shape == (10,)
    assert X.columns["group"].shape == (10,)


def test_an_integer_gives_a_volume(X):
    assert isinstance(X[3], Volume)
    assert numbers([X[-1], X[np.int64(2)]]) == [9, 2]
    assert numbers([X[np.array(3)], X[torch.tensor(4)]]) == [3, 4]
    with pytest.raises(IndexError):
        X[10]


@pytest.mark.parametrize("key", [True, np.array(False), 1.5, "group", [[0, 1]], [0.5]])
def test_what_is_no_index_is_refused(X, key):
    with pytest.raises(IndexError, match="must be a whole number, a slice, or a 1-D"):
        X[key]


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        (slice(2, 8, 3), [2, 5]),
        ([4, 4, 0], [4, 4, 0]),
        (np.array([9, -1]), [9, 9]),
        (np.arange(10) > 7, [8, 9]),
        ([], []),
        (([1, 2], Ellipsis), [1, 2]),
        ((slice(8, None), Ellipsis), [8, 9]),
    ],
    ids=["slice", "list", "array", "mask", "empty", "list ...", "slice ..."],
)
def test_anything_else_gives_a_sequence_with_its_columns(X, key, expected):
    chosen = X[key]
    assert isinstance(chosen, VolumeSequence)
    assert numbers(chosen) == expected
    assert chosen.columns["group"].tolist() == ["aabbccddee"[i] for i in expected]


def test_steps_run_in_order_and_only_when_looked_at(X):
    calls = []
    mapped = X.map(lambda v: calls.append("first") or v).map(
        lambda v: calls.append("second") or v
    )
    assert calls == []
    mapped[0]
    assert calls == ["first", "second"]


def test_a_mask_says_which_volumes_take_a_step(X):
    mapped = X.map(partial(add, 100), mask=np.arange(10) < 2)
    assert numbers(mapped[:4]) == [100, 101, 2, 3]
    assert numbers(X[:4]) == [0, 1, 2, 3]
    assert numbers(mapped[::-1][-2:]) == [101, 100]


@pytest.mark.parametrize("mask", [[1] * 10, [True] * 9, True])
def test_a_mask_is_one_boolean_per_scan(X, mask):
    with pytest.raises(ValueError, match="one boolean for each of the 10 scans"):
        X.map(partial(add, 1), mask=mask)


def test_what_is_missing_among_text_stays_missing():
    X = VolumeSequence(["a.nii", "b.nii"], columns={"group": ["sub-01", float("nan")]})
    assert np.isnan(X.columns["group"][1])


def test_columns_are_copies_that_can_not_be_overwritten():
    group = np.array(["a", "b", "c"])
    volumes = [Volume(np.zeros((1, 1, 1)))] * 3
    X = VolumeSequence(volumes, columns={"group": group})
    group[0] = "z"
    assert X.columns["group"].tolist() == ["a", "b", "c"]
    for part in (X, X[:2], X[[0, 1]], X.with_columns(plane=group)):
        for column in part.columns.values():
            with pytest.raises(ValueError, match="read-only"):
                column[0] = "y"


def test_splitters_and_resampling_of_scikit_learn_work(X):
    train, test = train_test_split(X, test_size=0.3, random_state=0)
    assert sorted(numbers(train) + numbers(test)) == list(range(10))
    assert len(resample(X, n_samples=25, random_state=0)) == 25
    for train, test in GroupKFold(5).split(X, groups=X.columns["group"]):
        assert not set(X[train].columns["group"]) & set(X[test].columns["group"])


def test_a_pickle_of_files_is_small(tmp_path):
    X = VolumeSequence([f"/scans/{index}.nii.gz" for index in range(100)])
    pickled = pickle.dumps(X.map(partial(add, 1)))
    assert len(pickled) < 10_000
    assert pickle.loads(pickled).paths == X.paths


def test_a_first_step_may_read_the_file_by_itself(tmp_path):
    class Reader:
        def read(self, path):
            return Volume(np.full((1, 1, 1), len(path)), path=path)

        def __call__(self, volume):
            return volume.derive(volume.data * 10, step="read")

    X = VolumeSequence(["abc", "abcde"]).map(Reader())
    assert numbers(X) == [30, 50]
    assert numbers(VolumeSequence([Volume(np.ones((1, 1, 1)))]).map(Reader())) == [10]


def test_each_volume_may_take_a_step_of_its_own(X):
    steps = [None if n % 2 else partial(add, 100 * n) for n in range(10)]
    Xt = X.map_each(steps)
    assert numbers(Xt) == [0, 1, 202, 3, 404, 5, 606, 7, 808, 9]
    assert numbers(Xt[[4, 4, 1]]) == [404, 404, 1]
    assert Xt.columns["group"].tolist() == X.columns["group"].tolist()
    with pytest.raises(ValueError, match="one for each of the 10 scans, got 9"):
        X.map_each(steps[:9])


def test_a_volume_may_be_taken_before_its_late_steps(X):
    steps = [partial(add, 1), partial(add, 10), partial(add, 100)]
    for step in steps:
        X = X.map(step)
    volume, late = X.split(3, lambda step: step.args[0] > 1)
    assert volume.data[0, 0, 0] == 4
    assert late == tuple(steps[1:])
    volume, late = X.split(3, lambda step: False)
    assert volume.data[0, 0, 0] == 114
    assert late == ()


def test_with_columns_adds_and_replaces(X):
    other = X.with_columns(plane=["axi"] * 10, group=np.arange(10))
    assert sorted(other.columns) == ["group", "plane"]
    assert X.columns["group"][0] == "a"


def test_the_identity_of_an_item_changes_with_the_file(tmp_path):
    path = tmp_path / "scan.nii"
    missing = VolumeSequence([path]).identity(0)
    nib.save(nib.Nifti1Image(np.arange(8.0).reshape(2, 2, 2), np.eye(4)), path)
    X = VolumeSequence([path])
    assert X.identity(0) != missing
    assert X.identity(0) == VolumeSequence([str(path)]).identity(0)


def test_paths_are_none_for_volumes_that_have_none(X, tmp_path):
    assert X.paths == [None] * 10
    assert VolumeSequence([Path("a.nii"), "b.nii"]).paths == ["a.nii", "b.nii"]


def test_as_volumes_takes_every_form(X):
    assert as_volumes(X, caller="me") is X
    assert isinstance(as_volumes(list(X), caller="me"), VolumeSequence)
    assert isinstance(as_volumes(["a.nii"], caller="me"), VolumeSequence)
    assert as_volumes(np.zeros((1, 2, 2, 2)), caller="me").dtype == np.float32


def test_a_column_of_a_table_is_taken_whatever_its_index():
    table = pd.DataFrame({"path": ["a.nii", "b.nii"]}, index=[7, 3])
    for dtype in (object, "string", "category"):
        column = table["path"].astype(dtype)
        assert as_volumes(column, caller="me").paths == ["a.nii", "b.nii"]


@pytest.mark.parametrize("kind", ["image", "subject", "images", "subjects", "dataset"])
def test_objects_of_torchio_are_told_what_to_pass(kind):
    tio = pytest.importorskip("torchio")
    image = tio.ScalarImage(tensor=torch.zeros(1, 4, 4, 4))
    subject = tio.Subject(t1=image)
    X = {
        "image": image,
        "subject": subject,
        "images": [image, image],
        "subjects": [subject, subject],
        "dataset": tio.SubjectsDataset([subject]),
    }[kind]
    with pytest.raises(TypeError, match=r"me: .* torchio .*subject\['t1'\].path"):
        as_volumes(X, caller="me")


def test_what_torchio_is_told_to_pass_is_taken():
    tio = pytest.importorskip("torchio")
    image = tio.ScalarImage(tensor=torch.rand(1, 4, 5, 6), affine=np.diag([2, 2, 2, 1]))
    volume = as_volumes([Volume(image.numpy()[0], image.affine)], caller="me")[0]
    assert (volume.shape, volume.spacing_mm) == ((4, 5, 6), (2, 2, 2))


@pytest.mark.parametrize(
    ("make", "error", "said"),
    [
        (lambda: VolumeSequence([1]), TypeError, "int at index 0"),
        (lambda: VolumeSequence("a.nii"), TypeError, "Put it in a list"),
        (lambda: VolumeSequence(["a"], {"g": [1, 2]}), ValueError, "'g' must have one"),
        (lambda: as_volumes([], caller="me"), ValueError, "me: .* at least 1 volume"),
        (lambda: as_volumes("a.nii", caller="me"), TypeError, "Put it in a list"),
        (lambda: as_volumes(["a", 3], caller="me"), TypeError, "int at index 1"),
        (lambda: as_volumes(iter(["a"]), caller="me"), TypeError, "items in a list"),
        (lambda: as_volumes(VOLUME, caller="me"), TypeError, "one Volume. Put it in a"),
        (lambda: VolumeSequence(VOLUME), TypeError, "one Volume. Put it in a list"),
        (lambda: VolumeSequence(IMAGE), TypeError, "one Nifti1Image. Put it in a"),
        (lambda: as_volumes(IMAGE, caller="me"), TypeError, "one Nifti1Image. Put it"),
        (lambda: VolumeSequence([IMAGE, "a"]), TypeError, "Nifti1Image at index 0"),
        (lambda: as_volumes(TABLE, caller="me"), TypeError, r"such as df\['path'\]"),
        (lambda: as_volumes(TABLE[["path"]], caller="me"), TypeError, r"\['path'\]"),
        (lambda: as_volumes(SIZES, caller="me"), ValueError, r"\[Volume\(x\) for x in"),
        (lambda: as_volumes(np.array([], str), caller="me"), ValueError, "at least 1"),
        (lambda: as_volumes(pd.Series([]), caller="me"), ValueError, "at least 1"),
    ],
)
def test_what_is_no_sequence_of_scans_is_refused(make, error, said):
    with pytest.raises(error, match=said):
        make()
