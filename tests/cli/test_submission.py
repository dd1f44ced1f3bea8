"""The LISA challenge from the command line, on phantoms of its layout."""

import shutil

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
from sklearn.pipeline import make_pipeline

from briqa_sk import SeverityClassifier, StandardizeIntensity, load, save
from briqa_sk.cli import main
from briqa_sk.cli.submission import check_model, most_frequent_grades
from briqa_sk.datasets import make_lisa_like, read_lisa, read_lisa_labels
from briqa_sk.estimators import MultiArtifactClassifier
from briqa_sk.estimators.checkpoint import Checkpoint
from briqa_sk.metrics.lisa_table import LISA_ARTIFACTS

SMALL = ["--spacing-mm", "20", "--shape", "12", "14", "12", "--epochs", "1"]
ONE_GRADE = pytest.mark.filterwarnings("ignore:.*only one class is known")
BOTH = pytest.mark.parametrize("encoder", ["shared", "separate"])


@pytest.fixture(scope="module")
def lisa(tmp_path_factory):
    """Folder of 18 small phantom scans of 6 subjects, with grades."""
    folder = tmp_path_factory.mktemp("lisa")
    make_lisa_like(6, folder, shape=16, random_state=0)
    return folder


@pytest.fixture(scope="module")
def models(lisa):
    """Model files, by encoder."""
    files = {name: lisa / f"{name}.zip" for name in ("shared", "separate")}
    for name, out in files.items():
        assert train(lisa, out, "--encoder", name) == 0
    return files


@pytest.fixture
def test_set(lisa, tmp_path):
    """Folder of 3 scans: upper case, as made, and empty."""
    folder = tmp_path / "test"
    folder.mkdir()
    shutil.copy(lisa / "LISA_0001_LF_cor.nii.gz", folder / "LISA_0001_LF_COR.NII.GZ")
    shutil.copy(lisa / "LISA_0001_LF_axi.nii.gz", folder)
    (folder / "LISA_0001_LF_sag.nii.gz").write_bytes(b"")
    return folder


def train(lisa, out, *more):
    where = ["--format", "lisa", "--table", str(lisa), "--out", str(out)]
    return main(["train", *where, *SMALL, *more])


def predict(model, *more):
    return main(["predict", "--format", "lisa", str(model), *map(str, more)])


@BOTH
def test_from_a_folder_to_a_score(lisa, models, tmp_path, capsys, encoder):
    out = tmp_path / "submission.csv"
    assert predict(models[encoder], lisa, "--out", out) == 0
    assert f"Graded 18 of 18 scans: {out}" in capsys.readouterr().out
    lines = out.read_text().splitlines()
    assert lines[0] == ",".join(["filename", *LISA_ARTIFACTS])
    names = [line.split(",")[0] for line in lines[1:]]
    assert names == sorted(path.name for path in lisa.glob("*.nii.gz"))
    assert {cell for line in lines[1:] for cell in line.split(",")[1:]} <= set("012")
    assert main(["score", str(lisa / "labels.csv"), str(out)]) == 0
    assert "Score of the LISA challenge, 18 scans" in capsys.readouterr().out


@BOTH
def test_a_submission_has_what_the_library_predicts(lisa, models, tmp_path, encoder):
    out = tmp_path / "submission.csv"
    assert predict(models[encoder], lisa, "--out", out) == 0
    expected = load(models[encoder]).predict(read_lisa(lisa).paths)
    assert read_lisa_labels(out).to_numpy().tolist() == expected.tolist()


def test_the_grades_are_counted_after_training(lisa, tmp_path, capsys):
    assert train(lisa, tmp_path / "m.zip", "--plane-head") == 0
    said = capsys.readouterr().out
    assert "Trained 7 artifacts on 18 scans of 6 subjects, with a shared" in said
    motion = read_lisa_labels(lisa / "labels.csv")["Motion"]
    counts = ", ".join(f"{sum(motion == grade)} x {grade}" for grade in (0, 1, 2))
    assert f"Motion       {counts}\n" in said
    shared = load(tmp_path / "m.zip")["grade"]._shared
    assert shared.planes_.tolist() == ["axi", "cor", "sag"]


def test_separate_networks_say_whose_turn_it_is(lisa, tmp_path, capsys):
    assert train(lisa, tmp_path / "m.zip", "--encoder", "separate") == 0
    said = capsys.readouterr().err
    counts = read_lisa_labels(lisa / "labels.csv").nunique()
    learned = counts.index[counts > 1]
    turns = [f"{n} ({i} of {len(learned)})" for i, n in enumerate(learned, start=1)]
    assert [line for line in said.splitlines() if " of " in line] == turns


def test_several_targets_of_a_table_train_one_model(lisa, tmp_path, capsys):
    table = pd.read_csv(lisa / "labels.csv").astype({"Zipper": "Int64"})
    table.loc[0, "Zipper"] = pd.NA
    table["usable"] = np.where(table.index % 3, "yes", "no")
    table["filename"] = [str(lisa / name) for name in table["filename"]]
    table.to_csv(tmp_path / "t.csv", index=False)
    out = tmp_path / "m.zip"
    where = ["--table", str(tmp_path / "t.csv"), "--path-column", "filename"]
    what = ["--target", "Zipper,usable", "--out", str(out)]
    assert main(["train", *where, *what, *SMALL]) == 0
    said = capsys.readouterr().out
    assert ", 1 not rated\nusable  6 x no, 12 x yes\nTrained 2 artifacts" in said
    assert load(out)["grade"].artifacts_ == ["Zipper", "usable"]
    with pytest.raises(ValueError, match="which grades Zipper, usable"):
        check_model(load(out), out)


def test_several_targets_take_their_grades_from_the_command_line(lisa, tmp_path):
    table = pd.read_csv(lisa / "labels.csv")
    table["filename"] = [str(lisa / name) for name in table["filename"]]
    table.to_csv(tmp_path / "t.csv", index=False)
    out = tmp_path / "m.zip"
    where = ["--table", str(tmp_path / "t.csv"), "--path-column", "filename"]
    what = ["--target", "Motion,Contrast", "--grades", "2,1,0", "--out", str(out)]
    assert main(["train", *where, *what, *SMALL]) == 0
    assert [g.tolist() for g in load(out)["grade"]._shared.grades_] == [[2, 1, 0]] * 2


def test_a_table_has_grade_and_probabilities_of_each_artifact(
    models, test_set, tmp_path, capsys
):
    out = tmp_path / "grades.csv"
    # The scans come after an option, which argparse alone would not take.
    assert (
        main(["predict", str(models["shared"]), "--out", str(out), str(test_set)]) == 0
    )
    table = pd.read_csv(out)
    assert len(table) == 3
    assert table["finding"].dropna().tolist() == ["empty"]
    graded = table[table["finding"].isna()]
    proba = graded.filter(regex="^p_Motion_[012]$").to_numpy()
    np.testing.assert_allclose(proba.sum(axis=1), 1, atol=2e-4)
    assert graded["Motion"].tolist() == proba.argmax(axis=1).tolist()
    assert "Graded 2 of 3 scans (1 empty)" in capsys.readouterr().out


# What can't be read


def test_an_unreadable_scan_gets_the_most_frequent_grades_and_is_named(
    lisa, models, test_set, tmp_path, capsys
):
    out = tmp_path / "submission.csv"
    assert predict(models["shared"], test_set, "--out", out) == 0
    table = read_lisa_labels(out)
    names = ["LISA_0001_LF_axi.nii.gz", "LISA_0001_LF_COR.NII.GZ"]
    assert table.index.tolist() == [*names, "LISA_0001_LF_sag.nii.gz"]
    majority = read_lisa_labels(lisa / "labels.csv").mode().iloc[0]
    assert table.loc["LISA_0001_LF_sag.nii.gz"].tolist() == majority.tolist()
    said = capsys.readouterr().err
    assert "warning: 1 of 3 scans can't be graded" in said
    assert "LISA_0001_LF_sag.nii.gz (empty).\n" in said


def test_a_submission_of_guesses_only_is_refused(models, tmp_path, capsys):
    out = tmp_path / "submission.csv"
    assert predict(models["shared"], tmp_path / "lost.nii.gz", "--out", out) == 1
    assert "at least 1 scan must be readable" in capsys.readouterr().err
    assert not out.exists()


def test_an_unreadable_scan_stops_training_unless_it_is_skipped(lisa, tmp_path, capsys):
    folder = tmp_path / "lisa"
    shutil.copytree(lisa, folder)
    (folder / "LISA_0002_LF_sag.nii.gz").write_bytes(b"")
    assert train(folder, tmp_path / "m.zip") == 1
    assert "got 1 of 18 that are not" in capsys.readouterr().err
    assert train(folder, tmp_path / "m.zip", "--skip-unreadable") == 0
    assert "on 17 scans of 6 subjects" in capsys.readouterr().out


@ONE_GRADE
@BOTH
def test_most_frequent_grades_are_those_of_the_rated_scans(scans_of_seven, encoder):
    X, Y = scans_of_seven
    clf = MultiArtifactClassifier(SeverityClassifier(max_epochs=1), encoder=encoder)
    usual = most_frequent_grades(clf.fit(X, Y))
    assert usual == {**dict.fromkeys(LISA_ARTIFACTS, 2), "Noise": 1, "Banding": 0}
    assert list(usual) == list(LISA_ARTIFACTS)


@pytest.fixture
def scans_of_seven(volumes):
    """Six volumes, columns in another order; Banding has one grade."""
    Y = pd.DataFrame({name: [0, 0, 2, 2, 2, 1] for name in reversed(LISA_ARTIFACTS)})
    Y["Noise"] = [0, 1, 2, 1, None, None]
    return volumes, Y.assign(Banding=0, Blur=[1, 1, 1, 1, 1, 0])


# Before a scan is read


@pytest.fixture
def unread(monkeypatch):
    """Fail as soon as a scan is read."""

    def refuse(*args, **kwargs):
        raise AssertionError("a scan was read")

    monkeypatch.setattr("briqa_sk.cli.train.read_all", refuse)
    monkeypatch.setattr("briqa_sk.cli.predict.grade_files", refuse)
    monkeypatch.setattr("briqa_sk.cli.submission.grade_files", refuse)


@pytest.mark.parametrize("more", [["--module", "nothing"], ["--epochs", "0"]])
@BOTH
def test_arguments_are_judged_first(lisa, tmp_path, unread, capsys, more, encoder):
    assert train(lisa, tmp_path / "m.zip", "--encoder", encoder, *more) == 1
    assert capsys.readouterr().err.count("\n") == 1


def test_every_separate_network_is_rehearsed(tmp_path, unread, capsys):
    (tmp_path / "t.csv").write_text("path,a,b\nx,0,bad\ny,1,good\n")
    what = ["--table", str(tmp_path / "t.csv"), "--target", "a,b", "--out", "m.zip"]
    both = ["--encoder", "separate", "--criterion", "corn"]
    assert main(["train", *what, *SMALL, *both]) == 1
    assert "grades must give the order" in capsys.readouterr().err


def test_a_model_of_one_artifact_is_refused(
    volumes, grades, lisa, tmp_path, unread, capsys
):
    save(SeverityClassifier(max_epochs=1).fit(volumes, grades), tmp_path / "m.zip")
    assert predict(tmp_path / "m.zip", lisa) == 1
    said = capsys.readouterr().err
    assert "which grades one artifact without a name" in said
    assert said.count("\n") == 1


@ONE_GRADE
@pytest.mark.parametrize("other", [[0, 1, 3, 0, 1, 3], ["0", "1", "2"] * 2])
def test_other_grades_are_refused(
    scans_of_seven, lisa, tmp_path, unread, other, capsys
):
    X, Y = scans_of_seven
    clf = MultiArtifactClassifier(SeverityClassifier(max_epochs=1), encoder="shared")
    save(clf.fit(X, Y.assign(Motion=other)), tmp_path / "m.zip")
    assert predict(tmp_path / "m.zip", lisa) == 1
    said = capsys.readouterr().err
    assert f"with {sorted(set(other))} for Motion" in said
    assert "grades 0, 1 and 2" in said


def test_two_scans_of_one_name_are_refused(models, lisa, test_set, unread, capsys):
    assert predict(models["shared"], lisa, test_set) == 1
    assert "several of one name" in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--target", "--group", "--report"])
def test_options_of_one_artifact_are_refused(
    models, lisa, tmp_path, unread, option, capsys
):
    where = ["--table", str(lisa / "labels.csv"), "--path-column", "filename"]
    both = [*where, option, "Noise", "--out", str(tmp_path / "p.csv")]
    assert predict(models["shared"], *both) == 1
    assert "must be left out with --format lisa" in capsys.readouterr().err
    report = ["--report", str(tmp_path / "r.html")]
    assert main(["predict", str(models["shared"]), *both, *report]) == 1
    assert "must go with a model of one artifact" in capsys.readouterr().err


def test_an_unknown_option_is_a_mistake_in_the_arguments(models, lisa, capsys):
    with pytest.raises(SystemExit, match="2"):
        predict(models["shared"], lisa, "--fromat", "lisa")
    assert "unrecognized arguments: --fromat" in capsys.readouterr().err


def test_each_artifact_has_a_checkpoint_of_its_own(lisa, tmp_path, monkeypatch):
    monkeypatch.setattr(Checkpoint, "remove", lambda self: None)
    folder = tmp_path / "checkpoints"
    more = ["--encoder", "separate", "--checkpoints", str(folder)]
    assert train(lisa, tmp_path / "m.zip", *more) == 0
    labels = read_lisa_labels(lisa / "labels.csv")
    different = labels.loc[:, labels.nunique() > 1].T.drop_duplicates()
    assert len(list(folder.glob("*.pt"))) == len(different)


def test_an_interrupt_leaves_no_half_submission(models, lisa, tmp_path, monkeypatch):
    def interrupt(model, paths):
        yield {"path": paths[0]}
        raise KeyboardInterrupt

    monkeypatch.setattr("briqa_sk.cli.submission.grade_files", interrupt)
    out = tmp_path / "submission.csv"
    assert predict(models["shared"], lisa, "--out", out) == 130
    assert not out.exists()


@ONE_GRADE
@pytest.mark.parametrize("steps", [[], [StandardizeIntensity()]])
def test_models_made_in_python_make_submissions_too(scans_of_seven, tmp_path, steps):
    X, Y = scans_of_seven
    clf = MultiArtifactClassifier(SeverityClassifier(max_epochs=1), encoder="shared")
    model = make_pipeline(*steps, clf) if steps else clf
    save(model.fit(X, Y), tmp_path / "m.zip")
    nib.save(nib.Nifti1Image(X[0], np.eye(4)), tmp_path / "a.nii")
    out = tmp_path / "submission.csv"
    assert predict(tmp_path / "m.zip", tmp_path, "--out", out) == 0
    table = read_lisa_labels(out)
    own = dict(zip(Y, model.predict(X[:1])[0], strict=True))
    assert table.loc["a.nii"].to_dict() == {name: own[name] for name in table}


@ONE_GRADE
def test_a_scan_on_which_the_model_fails_is_not_guessed(
    scans_of_seven, tmp_path, capsys
):
    X, Y = scans_of_seven
    clf = MultiArtifactClassifier(SeverityClassifier(max_epochs=1), encoder="shared")
    save(clf.fit(X, Y), tmp_path / "m.zip")
    nib.save(nib.Nifti1Image(X[0], np.eye(4)), tmp_path / "a.nii")
    nib.save(nib.Nifti1Image(X[0, :5], np.eye(4)), tmp_path / "b.nii")
    out = tmp_path / "submission.csv"
    assert predict(tmp_path / "m.zip", tmp_path, "--out", out) == 1
    assert "got no grade for 1 of 2 scans" in capsys.readouterr().err
    assert not out.exists()
