"""The commands as a person types them, on small phantoms."""

import itertools
import os
import re
import shutil
import subprocess
import sys
import warnings

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import f1_score

from briqa_sk import (
    CropOrPad,
    Reorient,
    Resample,
    SeverityClassifier,
    load,
    read_volume,
    save,
)
from briqa_sk.cli import grading, main
from briqa_sk.cli.parser import make_parser
from briqa_sk.datasets import write_graded_heads
from briqa_sk.exceptions import BriqaWarning, UnreadableVolumeError
from briqa_sk.kernels.quality.head import find_head
from briqa_sk.reporting import forest_baseline

SMALL = ["--spacing-mm", "12", "--shape", "16", "18", "16", "--epochs", "2"]


@pytest.fixture(scope="module")
def labels(tmp_path_factory):
    """Table of 12 small phantom scans of 6 subjects."""
    return write_graded_heads(
        tmp_path_factory.mktemp("scans"),
        6,
        shape=(16, 18, 16),
        proportions=(0.5, 0.25, 0.25),
        random_state=0,
    )


@pytest.fixture(scope="module")
def model(labels):
    out = labels.parent / "model.zip"
    assert train(labels, out) == 0
    return out


def train(labels, out, *more):
    what = ["--table", str(labels), "--target", "severity"]
    return main(["train", *what, "--out", str(out), *SMALL, *more])


def test_help_is_fast_and_imports_no_torch():
    code = (
        "import sys; from briqa_sk.cli import main\n"
        "try: main(['train', '--help'])\n"
        "except SystemExit: pass\n"
        "sys.exit('torch' in sys.modules or 'sklearn' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)


def test_train_writes_a_model_and_says_on_what(labels, model, capsys, tmp_path):
    held_out = ["--early-stopping", "--group", "subject"]
    assert train(labels, tmp_path / "model.zip", *held_out) == 0
    said = capsys.readouterr().out
    counts = "(6 x 0, 3 x 1, 3 x 2)"
    assert f"Trained on 12 scans of 6 subjects {counts} for 2 epochs" in said
    assert load(model)["grade"].classes_.tolist() == [0, 1, 2]


def test_predict_ends_in_a_complete_table(labels, model, tmp_path, capsys):
    (labels.parent / "empty.nii.gz").write_bytes(b"")
    scans = sorted(str(p) for p in labels.parent.rglob("*.nii.gz"))
    out = tmp_path / "predictions.tsv"
    assert main(["predict", str(model), *scans, "nowhere.nii", "--out", str(out)]) == 0
    table = pd.read_csv(out, sep="\t", index_col="path")
    assert table.index.tolist() == [*scans, "nowhere.nii"]
    assert table["finding"].dropna().tolist() == ["empty", "missing"]
    graded = table[table["finding"].isna()]
    assert graded["grade"].isin([0, 1, 2]).all()
    np.testing.assert_allclose(graded.filter(like="p_").sum(axis=1), 1, atol=2e-4)
    assert "Graded 12 of 14 scans (1 empty, 1 missing)" in capsys.readouterr().out


def test_predict_searches_folders_and_reports(labels, model, tmp_path):
    out, page = tmp_path / "predictions.csv", tmp_path / "report.html"
    what = ["--table", str(labels), "--target", "severity", "--group", "subject"]
    files = ["--out", str(out), "--report", str(page)]
    assert main(["predict", str(model), *what, *files]) == 0
    assert len(pd.read_csv(out)) == 12
    text = page.read_text()
    assert "Macro F1" in text
    # 12 scans are too few for a forest, and the report says so.
    assert re.search(r"There is no forest baseline: each fold must .* got 8", text)
    assert "sub-01_run-1_T1w.nii.gz" in text
    folder = str(labels.parent / "sub-01")
    assert main(["predict", str(model), folder, "--out", str(out)]) == 0
    assert len(pd.read_csv(out)) == 2


def test_a_report_with_a_truth_shows_what_a_forest_reaches(
    model, tmp_path, monkeypatch
):
    monkeypatch.setattr("briqa_sk.reporting.baseline.N_TREES", 20)
    labels = write_graded_heads(
        tmp_path / "scans", 12, shape=(16, 18, 16), random_state=1
    )
    table = pd.read_csv(labels, sep="\t")
    paths = [labels.parent / path for path in table["path"]]
    forest = forest_baseline(paths, table["severity"], subjects=table["subject"])
    score = f1_score(table["severity"], forest, average="macro")
    page = tmp_path / "report.html"
    what = ["--table", str(labels), "--target", "severity", "--group", "subject"]
    files = ["--out", str(tmp_path / "p.tsv"), "--report", str(page)]
    assert main(["predict", str(model), *what, *files]) == 0
    assert f"forest baseline {score:.2f}" in page.read_text()


def test_a_report_survives_a_scan_that_a_forest_cannot_read(
    labels, model, tmp_path, monkeypatch
):
    def lose(*_, **__):
        raise UnreadableVolumeError("It is <gone>.", path="x", finding="missing")

    monkeypatch.setattr("briqa_sk.cli.grading.forest_baseline", lose)
    page = tmp_path / "report.html"
    what = ["--table", str(labels), "--target", "severity", "--group", "subject"]
    files = ["--out", str(tmp_path / "p.tsv"), "--report", str(page)]
    assert main(["predict", str(model), *what, *files]) == 0
    text = page.read_text()
    assert "There is no forest baseline: It is &lt;gone&gt;." in text
    assert "majority baseline" in text


def test_predictions_equal_those_of_the_library(labels, model, tmp_path):
    folder = str(labels.parent / "sub-02")
    out = tmp_path / "predictions.tsv"
    main(["predict", str(model), folder, "--out", str(out)])
    table = pd.read_csv(out, sep="\t")
    assert table["grade"].tolist() == load(model).predict(table["path"]).tolist()


def test_a_prevalence_moves_the_probabilities_of_a_model(labels, model, tmp_path):
    out, folder = tmp_path / "p.tsv", str(labels.parent / "sub-02")
    shares = {0: 0.98, 1: 0.01, 2: 0.01}
    prior = ",".join(f"{grade}={share}" for grade, share in shares.items())
    ask = ["predict", str(model), folder, "--out", str(out)]
    assert main([*ask, "--prior", prior]) == 0
    table = pd.read_csv(out, sep="\t")
    expected = load(model)
    expected.set_params(grade__prior=shares)
    np.testing.assert_allclose(
        table[["p_0", "p_1", "p_2"]], expected.predict_proba(table["path"]), atol=1e-4
    )
    assert main([*ask, "--prior", "0=.5,1=.4"]) == 1


def test_text_grades_take_their_order_from_the_command_line(labels, tmp_path):
    table = pd.read_csv(labels, sep="\t")
    table["severity"] = table["severity"].map({0: "good", 1: "fair", 2: "bad"})
    table["path"] = [str(labels.parent / path) for path in table["path"]]
    table.to_csv(tmp_path / "labels.csv", index=False)
    out = tmp_path / "model.zip"
    order = ["--criterion", "corn", "--grades", "good,fair,bad"]
    assert train(tmp_path / "labels.csv", out, *order) == 0
    assert load(out)["grade"].grades_.tolist() == ["good", "fair", "bad"]


def test_an_unreadable_scan_stops_training_unless_it_is_skipped(
    labels, tmp_path, capsys
):
    table = pd.read_csv(labels, sep="\t")
    table["path"] = [str(labels.parent / path) for path in table["path"]]
    table.loc[len(table)] = [str(tmp_path / "lost.nii.gz"), 0, "sub-99"]
    table.to_csv(tmp_path / "labels.tsv", sep="\t", index=False)
    out = tmp_path / "model.zip"
    assert train(tmp_path / "labels.tsv", out) == 1
    said = capsys.readouterr().err
    assert "missing: " in said
    assert "got 1 of 13 that are not" in said
    assert not out.exists()
    assert train(tmp_path / "labels.tsv", out, "--skip-unreadable") == 0
    assert "Trained on 12 scans" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"severity": "grade"}, "must have the columns path, severity, got"),
        ({"path": "file"}, "--path-column"),
    ],
)
def test_a_missing_column_is_named(labels, tmp_path, capsys, change, said):
    table = pd.read_csv(labels, sep="\t").rename(columns=change)
    table.to_csv(tmp_path / "labels.tsv", sep="\t", index=False)
    assert train(tmp_path / "labels.tsv", tmp_path / "model.zip") == 1
    assert said in capsys.readouterr().err


def test_a_scan_without_a_grade_is_named_by_its_line(labels, tmp_path, capsys):
    table = pd.read_csv(labels, sep="\t").astype({"severity": float})
    table.loc[3, "severity"] = np.nan
    table.to_csv(tmp_path / "labels.tsv", sep="\t", index=False)
    assert train(tmp_path / "labels.tsv", tmp_path / "model.zip") == 1
    assert "got 1 without one, first in lines [5]" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["predict", "nowhere.zip", "scan.nii"], "nowhere.zip"),
        (["predict", "nowhere.zip"], "got neither"),
        (["predict", "nowhere.zip", "scan.nii", "--table", "t.tsv"], "got both"),
    ],
)
def test_wrong_calls_end_in_one_sentence(capsys, arguments, said):
    assert main(arguments) == 1
    message = capsys.readouterr().err
    assert said in message
    assert message.count("\n") == 1


@pytest.mark.parametrize("seed", ["-1", "a"])
def test_a_seed_is_a_whole_number_from_0_on(labels, tmp_path, capsys, seed):
    with pytest.raises(SystemExit, match="2"):
        train(labels, tmp_path / "model.zip", "--seed", seed)
    assert "argument --seed" in capsys.readouterr().err


def test_a_folder_without_scans_is_refused(model, tmp_path, capsys):
    assert main(["predict", str(model), str(tmp_path)]) == 1
    assert "must hold scans" in capsys.readouterr().err


def test_warnings_of_ours_are_sentences_and_others_stay_as_they_are(monkeypatch):
    said = []

    def run(args):
        for category in (BriqaWarning, UserWarning):
            said.append(warnings.formatwarning("Beware.", category, "file.py", 1, ""))

    monkeypatch.setattr("briqa_sk.cli.score.run", run)
    assert main(["score", "truth.csv", "pred.csv"]) == 0
    usual = warnings.formatwarning("Beware.", UserWarning, "file.py", 1, "")
    assert said == ["briqa-sk score: warning: Beware.\n", usual]


def test_traceback_shows_where_an_error_comes_from():
    with pytest.raises(ValueError, match="neither"):
        main(["predict", "nowhere.zip", "--traceback"])


def test_an_interrupt_is_reported_as_one(labels, tmp_path, monkeypatch, capsys):
    def interrupt(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr("briqa_sk.estimators.trainer.train", interrupt)
    assert train(labels, tmp_path / "model.zip") == 130
    assert capsys.readouterr().err.endswith("interrupted.\n")
    assert not (tmp_path / "model.zip").exists()


@pytest.fixture
def unread(monkeypatch):
    """Fail as soon as a scan is read."""

    def refuse(*args, **kwargs):
        raise AssertionError("a scan was read")

    monkeypatch.setattr("briqa_sk.cli.train.read_all", refuse)
    monkeypatch.setattr("briqa_sk.cli.predict.grade_files", refuse)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--module", "nothing"], "module"),
        (["--batches", "rotating", "--batch-size", "7"], "batch_size"),
        (["--epochs", "0"], "max_epochs"),
        (["--grades", "0,1"], "grades"),
        (["--grades", "good,bad"], "--grades must be labels like [0, 1, 2]"),
        (["--device", "cudo"], "device"),
        (["--shape", "0", "18", "16"], "shape"),
        (["--orientation", "XYZ"], "orientation"),
        (["--target", "subject"], "text grades must come with their order"),
        (["--group", "subject"], "--group must come with --early-stopping"),
    ],
)
def test_arguments_are_judged_before_a_scan_is_read(
    labels, tmp_path, capsys, unread, arguments, said
):
    assert train(labels, tmp_path / "model.zip", *arguments) == 1
    message = capsys.readouterr().err
    assert said in message
    assert message.count("\n") == 1


@pytest.mark.parametrize("grades", [["1"] * 12, [0, 1.5] * 6])
def test_grades_are_judged_before_a_scan_is_read(
    labels, tmp_path, capsys, unread, grades
):
    table = pd.read_csv(labels, sep="\t").assign(severity=grades)
    table.to_csv(tmp_path / "labels.tsv", sep="\t", index=False)
    assert train(tmp_path / "labels.tsv", tmp_path / "model.zip") == 1
    assert "briqa-sk train: " in capsys.readouterr().err


def test_outputs_are_judged_before_a_scan_is_read(
    labels, model, tmp_path, capsys, unread
):
    assert train(labels, tmp_path) == 1
    predict = ["predict", str(model), str(labels.parent)]
    assert main([*predict, "--out", str(tmp_path)]) == 1
    report = ["--out", str(tmp_path / "p.tsv"), "--report", str(tmp_path)]
    assert main([*predict, *report]) == 1
    assert capsys.readouterr().err.count("must be a file, got the folder") == 3


@pytest.mark.parametrize("name", ["model.pkl", "model"])
def test_a_model_is_a_zip_file_and_nothing_else(labels, tmp_path, capsys, unread, name):
    assert train(labels, tmp_path / "new" / name) == 1
    said = capsys.readouterr().err
    assert f"*.zip, got {tmp_path / 'new' / name}. Write " in said
    assert f"{tmp_path / 'new' / 'model.zip'}." in said
    assert not (tmp_path / "new").exists()


def test_the_folder_of_the_model_is_made(labels, tmp_path):
    assert train(labels, tmp_path / "new" / "model.zip") == 0
    assert (tmp_path / "new" / "model.zip").is_file()


def test_an_unknown_device_is_refused_before_a_scan_is_read(
    labels, model, capsys, unread
):
    arguments = ["predict", str(model), str(labels.parent), "--device", "cudo"]
    assert main(arguments) == 1
    assert "device must be" in capsys.readouterr().err


def test_an_interrupt_leaves_the_grades_so_far(labels, model, tmp_path, monkeypatch):
    out = tmp_path / "predictions.tsv"
    graded = grading.grade_files

    def interrupted(model, paths):
        yield from itertools.islice(graded(model, paths), 2)
        raise KeyboardInterrupt

    monkeypatch.setattr("briqa_sk.cli.predict.grade_files", interrupted)
    folders = [str(labels.parent / name) for name in ("sub-01", "sub-02")]
    assert main(["predict", str(model), *folders, "--out", str(out)]) == 130
    assert pd.read_csv(out, sep="\t")["grade"].notna().tolist() == [True, True]


def test_a_file_name_that_is_not_utf_8_is_graded_and_reported(labels, model, tmp_path):
    scan = next(labels.parent.rglob("*_T1w.nii.gz"))
    strange = os.fsencode(tmp_path / "scans") + b"/\xff.nii.gz"
    os.mkdir(tmp_path / "scans")
    shutil.copy(scan, strange)
    with open(strange.replace(b"\xff", b"\xfe"), "wb"):
        pass
    out, page = tmp_path / "predictions.tsv", tmp_path / "report.html"
    files = ["--out", str(out), "--report", str(page)]
    assert main(["predict", str(model), str(tmp_path / "scans"), *files]) == 0
    assert b"\xff.nii.gz\t" in out.read_bytes()
    assert "\N{REPLACEMENT CHARACTER}.nii.gz" in page.read_text()


@pytest.mark.parametrize("typed", [float, str])
def test_true_grades_are_compared_in_the_type_of_the_model(
    labels, model, tmp_path, typed
):
    table = pd.read_csv(labels, sep="\t")
    table["path"] = [str(labels.parent / path) for path in table["path"]]
    page = tmp_path / "report.html"
    table.astype({"severity": typed}).to_csv(tmp_path / "t.csv", index=False)
    what = ["--table", str(tmp_path / "t.csv"), "--target", "severity"]
    files = ["--out", str(tmp_path / "p.tsv"), "--report", str(page)]
    assert main(["predict", str(model), *what, *files]) == 0
    assert "Macro F1" in page.read_text()


def test_a_report_without_a_readable_scan_is_a_list_of_findings(model, tmp_path):
    (tmp_path / "t.csv").write_text("path,severity\nlost.nii,0\n")
    what = ["--table", str(tmp_path / "t.csv"), "--target", "severity"]
    page = tmp_path / "report.html"
    files = ["--out", str(tmp_path / "p.tsv"), "--report", str(page)]
    assert main(["predict", str(model), *what, *files]) == 0
    assert "missing" in page.read_text()


def test_a_scan_of_another_shape_is_a_finding_and_an_error(labels, tmp_path, capsys):
    X, y = np.random.default_rng(0).normal(size=(6, 8, 8, 8)), [0, 1, 2] * 2
    out = tmp_path / "model.zip"
    save(SeverityClassifier(max_epochs=1, random_state=0).fit(X, y), out)
    nib.save(nib.Nifti1Image(X[0], np.eye(4)), tmp_path / "a.nii")
    scans = [str(next(labels.parent.rglob("*_T1w.nii.gz"))), str(tmp_path / "a.nii")]
    table = tmp_path / "p.tsv"
    assert main(["predict", str(out), *scans, "--out", str(table)]) == 1
    table = pd.read_csv(table, sep="\t")
    assert table["finding"].tolist()[0] == "no_grade"
    assert table["grade"].notna().tolist() == [False, True]
    assert f"got no grade for 1 of 2 scans, first for {scans[0]}: " in (
        capsys.readouterr().err
    )


@pytest.fixture
def broken(labels, model, tmp_path):
    """A model file whose weights are NaN, and what it answers."""
    pipeline = load(model)
    for weights in pipeline["grade"].net_.module_.parameters():
        weights.data.fill_(np.nan)
    save(pipeline, tmp_path / "broken.zip")
    return tmp_path / "broken.zip"


def test_a_model_of_nan_grades_nothing(labels, broken, tmp_path, capsys):
    (tmp_path / "empty.nii").write_bytes(b"")
    scans = [str(labels.parent / "sub-01"), str(tmp_path / "empty.nii")]
    out, page = tmp_path / "p.tsv", tmp_path / "report.html"
    files = ["--out", str(out), "--report", str(page)]
    assert main(["predict", str(broken), *scans, *files]) == 1
    table = pd.read_csv(out, sep="\t")
    assert table["grade"].isna().all()
    assert table["finding"].tolist() == ["no_grade", "no_grade", "empty"]
    assert table["message"].str.contains("NaN").tolist() == [True, True, False]
    said = capsys.readouterr()
    assert "Graded 0 of 3 scans (2 no_grade, 1 empty)" in said.out
    assert "got no grade for 2 of 3 scans" in said.err
    assert "NaN" in said.err
    assert "the model gives no grade for this scan" in page.read_text()


def test_labels_without_an_order_stay_without_one(labels, tmp_path):
    table = pd.read_csv(labels, sep="\t")
    text = table["severity"].map({0: "good", 1: "moderate", 2: "bad"})
    table["path"] = [str(labels.parent / path) for path in table["path"]]
    table.assign(severity=text).to_csv(tmp_path / "t.csv", index=False)
    X = np.random.default_rng(0).normal(size=(12, 16, 18, 16))
    pages = {}
    for grades in (None, ["good", "moderate", "bad"]):
        clf = SeverityClassifier(grades=grades, max_epochs=1, random_state=0)
        save(clf.fit(X, text), tmp_path / "m.zip")
        what = ["--table", str(tmp_path / "t.csv"), "--target", "severity"]
        files = ["--out", str(tmp_path / "p.tsv"), "--report", str(tmp_path / "r.html")]
        assert main(["predict", str(tmp_path / "m.zip"), *what, *files]) == 0
        pages[grades is None] = (tmp_path / "r.html").read_text()
    ordinal = ("Quadratic kappa", "Grade error", "Worst scans", "worst first")
    assert all(words in pages[False] for words in ordinal)
    assert not any(words in pages[True] for words in ordinal)
    assert "Nobody said which of these grades is better" in pages[True]
    assert "Nobody said" not in pages[False]


def test_text_grades_of_one_artifact_need_their_order(labels, tmp_path, unread, capsys):
    table = pd.read_csv(labels, sep="\t")
    text = table["severity"].map({0: "good", 1: "moderate", 2: "bad"})
    table.assign(severity=text).to_csv(tmp_path / "t.csv", index=False)
    assert train(tmp_path / "t.csv", tmp_path / "m.zip") == 1
    said = capsys.readouterr().err
    assert "got bad, good, moderate. Name them from best to worst" in said
    assert "--grades good,moderate,bad" in said


def test_numbers_are_written_as_they_were_given(labels, tmp_path):
    """As 0 and not as 0.0, so that scikit-learn can compare them with the truth."""
    table = pd.read_csv(labels, sep="\t")
    table["path"] = [str(labels.parent / path) for path in table["path"]]
    table["usable"] = np.where(table["severity"] < 2, "yes", "no")
    table["noise"] = table["severity"].astype(float)
    table.to_csv(tmp_path / "t.csv", index=False)
    for targets in ("noise", "noise,usable"):
        out = tmp_path / "m.zip"
        assert train(tmp_path / "t.csv", out, "--target", targets) == 0
        scans = [*table["path"], str(tmp_path / "lost.nii")]
        graded = tmp_path / "p.csv"
        assert main(["predict", str(out), *scans, "--out", str(graded)]) == 0
        written = pd.read_csv(graded, dtype=str)
        column = "grade" if targets == "noise" else "noise"
        assert set(written[column].dropna()) <= {"0", "1", "2"}
        prefix = "p" if targets == "noise" else "p_noise"
        assert {f"{prefix}_0", f"{prefix}_1", f"{prefix}_2"} <= set(written)
        model = load(out)
        frame = grading.tabulate(model, grading.grade_files(model, table["path"]))
        assert f1_score(table["severity"], frame[column], average="macro") >= 0


@pytest.mark.parametrize(("is_watched", "shown"), [(True, "grade: 100%"), (False, "")])
def test_a_bar_is_drawn_where_somebody_watches(
    labels, model, tmp_path, monkeypatch, capsys, is_watched, shown
):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: is_watched, raising=False)
    out = str(tmp_path / "p.tsv")
    assert (
        main(["predict", str(model), str(labels.parent / "sub-01"), "--out", out]) == 0
    )
    said = capsys.readouterr().err
    assert shown in said if shown else said == ""


def test_one_epoch_is_one_epoch(labels, tmp_path, capsys):
    assert train(labels, tmp_path / "m.zip", "--epochs", "1") == 0
    assert "for 1 epoch:" in capsys.readouterr().out


def test_the_volumes_hold_the_head(real_data):
    args = make_parser().parse_args(["train", "--table", "t", "--out", "m.zip"])
    reorient = Reorient(args.orientation)
    resample, crop = Resample(spacing_mm=args.spacing_mm), CropOrPad(args.shape)
    for path in [
        *sorted(real_data.glob("ixi/*_T1w.nii.gz"))[:3],
        *sorted(real_data.glob("nichart_pairs/*_T1w.nii.gz"))[:3],
    ]:
        volume = resample(reorient(read_volume(path)))
        foreground = find_head(volume.data).foreground.astype(np.float32)
        head = volume.derive(foreground, step="head")
        assert crop(head).data.sum() >= 0.99 * head.data.sum(), path.name


def test_truth_values_take_their_order_from_the_command_line(labels, tmp_path):
    table = pd.read_csv(labels, sep="\t")
    table["severity"] = table["severity"] == 0
    table["path"] = [str(labels.parent / path) for path in table["path"]]
    table.to_csv(tmp_path / "labels.csv", index=False)
    out = tmp_path / "model.zip"
    assert train(tmp_path / "labels.csv", out, "--grades", "True,False") == 0
    assert load(out)["grade"].grades_.tolist() == [True, False]


@pytest.mark.parametrize("column", ["--target", "--group"])
def test_columns_need_a_table_and_a_report(labels, model, tmp_path, capsys, column):
    assert main(["predict", str(model), str(tmp_path), column, "x"]) == 1
    assert "must come with --table" in capsys.readouterr().err
    where = ["--table", str(labels), column, "subject"]
    assert main(["predict", str(model), *where, "--out", str(tmp_path / "p.tsv")]) == 1
    assert "must come with --report" in capsys.readouterr().err


@pytest.mark.parametrize("number", [["--subjects", "2"], ["--epochs", "0"]])
def test_demo_refuses_too_few_before_any_work(tmp_path, capsys, number):
    out = tmp_path / "demo"
    assert main(["demo", "--out", str(out), *number]) == 1
    assert number[0] in capsys.readouterr().err
    assert not out.exists()


def test_demo_makes_scans_a_model_a_table_and_a_report(tmp_path):
    out = tmp_path / "demo"
    assert main(["demo", "--out", str(out), "--subjects", "6", "--epochs", "1"]) == 0
    table = pd.read_csv(out / "predictions.tsv", sep="\t")
    assert table["grade"].notna().all()
    assert "Noise in phantom heads" in (out / "report.html").read_text()
    assert load(out / "model.zip").predict([table["path"][0]]).shape == (1,)


def test_real_scans_train_and_are_graded(real_data, tmp_path):
    """Known noise on real heads, from the command line."""
    rng = np.random.default_rng(0)
    rows = []
    for path in sorted((real_data / "ixi").glob("*_T1w.nii.gz"))[:6]:
        image = nib.load(path)
        data = image.get_fdata(dtype=np.float32)
        for grade, fraction in enumerate([0.0, 0.6]):
            sigma = fraction * data[data > data.mean()].mean()
            real, imaginary = sigma * rng.normal(size=(2, *data.shape))
            noisy = np.hypot(data + real, imaginary).astype(np.float32)
            name = f"{path.name[:6]}_{grade}.nii"
            nib.save(nib.Nifti1Image(noisy, image.affine), tmp_path / name)
            rows.append((name, grade, path.name[:6]))
    table = pd.DataFrame(rows, columns=["path", "severity", "subject"])
    table[:8].to_csv(tmp_path / "train.tsv", sep="\t", index=False)
    table[8:].to_csv(tmp_path / "test.tsv", sep="\t", index=False)
    shape = ["--spacing-mm", "4", "--shape", "48", "64", "68", "--epochs", "60"]
    out = tmp_path / "predictions.tsv"
    model = str(tmp_path / "model.zip")
    assert train(tmp_path / "train.tsv", model, *shape) == 0
    arguments = ["predict", model, "--table", str(tmp_path / "test.tsv")]
    assert main([*arguments, "--out", str(out)]) == 0
    assert pd.read_csv(out, sep="\t")["grade"].tolist() == [0, 1, 0, 1]
