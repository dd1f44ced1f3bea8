import nibabel as nib
import numpy as np
import pandas as pd
import pytest

from briqa_sk.datasets import make_graded_heads, write_graded_heads

SMALL = (16, 18, 16)


@pytest.fixture(scope="module")
def heads():
    return make_graded_heads(10, scans_per_subject=2, shape=SMALL, random_state=0)


def test_severe_scans_are_rare(heads):
    assert np.bincount(heads[1]).tolist() == [14, 4, 2]


def test_no_grade_is_left_out_of_a_tiny_set():
    _, y, _ = make_graded_heads(3, scans_per_subject=1, shape=SMALL, random_state=0)
    assert sorted(y) == [0, 1, 2]


def test_subjects_travel_with_the_scans(heads):
    X, _, subjects = heads
    assert X.columns["group"].tolist() == subjects.tolist()
    assert len(set(subjects)) == 10


def test_background_noise_grows_with_the_grade(heads):
    X, y, _ = heads
    # The corner above the forehead is air in every position of every head.
    noise = np.array([volume.data[:4, -4:, -4:].mean() for volume in X])
    assert noise[y == 0].max() < noise[y == 1].min()
    assert noise[y == 1].max() < noise[y == 2].min()


def test_scans_of_one_subject_resemble_each_other_most(heads):
    X, y, subjects = heads
    clean = [i for i in range(len(X)) if y[i] == 0]
    correlation = np.corrcoef([X[i].data.ravel() for i in clean])
    same = subjects[clean][:, None] == subjects[clean][None]
    np.fill_diagonal(correlation, np.nan)
    assert np.nanmean(correlation[same]) > np.nanmean(correlation[~same])


@pytest.mark.parametrize(
    ("keywords", "said"),
    [
        ({"proportions": (0.5, 0.5)}, r"above 0 with sum 1, got \(0.5, 0.5\)"),
        ({"proportions": (1.2, -0.1, -0.1)}, "3 shares above 0"),
        ({"proportions": (1.0, 0.0, 0.0)}, "3 shares above 0"),
        ({"n_subjects": 2.5}, "n_subjects must be a whole number above 0, got 2.5"),
        ({"scans_per_subject": 0}, "scans_per_subject must be a whole number"),
        ({"contrast": "PD"}, "one of T1w, T2w, FLAIR, got 'PD'"),
        ({"spacing_mm": 0}, "spacing_mm must be a number above 0"),
        ({"shape": (8, 8)}, r"shape must be a whole number.*got \(8, 8\)"),
        ({"shape": (8, 8, 0.5)}, "shape must be a whole number"),
        ({"n_subjects": 1}, "at least 3, one scan per grade, got 2"),
    ],
)
def test_impossible_plans_are_refused(keywords, said):
    with pytest.raises(ValueError, match=said):
        make_graded_heads(**{"n_subjects": 4, "shape": SMALL, **keywords})


def test_files_hold_the_scans_and_the_table_names_them(tmp_path, heads):
    X, y, subjects = heads
    table = write_graded_heads(tmp_path / "new", 10, shape=SMALL, random_state=0)
    rows = pd.read_csv(table, sep="\t")
    assert list(rows.columns) == ["path", "severity", "subject"]
    assert rows["severity"].tolist() == y.tolist()
    assert rows["subject"].tolist() == subjects.tolist()
    image = nib.load(tmp_path / "new" / rows["path"][3])
    np.testing.assert_allclose(image.get_fdata(), X[3].data, atol=0.5)
    np.testing.assert_allclose(image.affine, X[3].affine, atol=1e-4)


def test_equal_parameters_write_equal_bytes(tmp_path):
    for name in ("a", "b"):
        write_graded_heads(tmp_path / name, 3, shape=SMALL, random_state=5)
    files = sorted(p.relative_to(tmp_path / "a") for p in tmp_path.glob("a/**/*.*"))
    assert len(files) == 7
    for file in files:
        assert (tmp_path / "a" / file).read_bytes() == (
            tmp_path / "b" / file
        ).read_bytes()


def test_a_failed_write_leaves_no_table(tmp_path):
    (tmp_path / "sub-02").write_text("a file where a folder must go")
    with pytest.raises(FileExistsError):
        write_graded_heads(tmp_path, 3, shape=SMALL, random_state=0)
    assert not (tmp_path / "labels.tsv").exists()


def test_every_grade_occurs_however_rare_its_share():
    _, y, _ = make_graded_heads(
        2, shape=8, proportions=(0.01, 0.01, 0.98), random_state=0
    )
    assert np.bincount(y).tolist() == [1, 1, 2]
