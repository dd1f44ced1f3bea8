"""Scores of the challenge from the command line, and what they don't see."""

import json
from argparse import Namespace

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import cohen_kappa_score, f1_score, recall_score

from briqa_sk.cli import main, score
from briqa_sk.datasets import write_submission
from briqa_sk.exceptions import BriqaWarning
from briqa_sk.metrics import LISA_ARTIFACTS, lisa_ranking, lisa_score


@pytest.fixture
def tables(tmp_path):
    """Truth and predictions of 60 scans, as tables and as files."""
    rng = np.random.default_rng(0)
    names = [f"LISA_{i:04d}_LF_axi.nii.gz" for i in range(60)]
    truth = rng.choice(3, size=(60, 7), p=[0.6, 0.3, 0.1])
    pred = np.where(rng.random(truth.shape) < 0.7, truth, 0)
    tables = [pd.DataFrame(t, names, LISA_ARTIFACTS) for t in (truth, pred)]
    for name, table in zip(("truth", "pred"), tables, strict=True):
        write_submission(table, tmp_path / f"{name}.csv")
    return tables


def run(folder, **keywords):
    score.run(
        Namespace(
            truth=str(folder / "truth.csv"),
            predictions=str(folder / "pred.csv"),
            **{"common": False, "out": None, **keywords},
        )
    )


def test_the_official_numbers_and_the_ranking_are_printed(tables, tmp_path, capsys):
    run(tmp_path)
    said = capsys.readouterr().out
    scores = lisa_score(*tables)
    assert "60 scans" in said
    assert f"ones: {lisa_ranking(scores):.4f}" in said
    for number in scores.values():
        assert f"{number:.3f}" in said


def test_the_file_holds_every_number(tables, tmp_path):
    out = tmp_path / "new" / "scores.json"
    run(tmp_path, out=str(out))
    summary = json.loads(out.read_text())
    truth, pred = tables
    assert summary["n_scans"] == 60
    assert summary["predictions"]["scores"] == lisa_score(truth, pred)
    motion = summary["predictions"]["artifacts"]["Motion"]
    t, p = truth["Motion"], pred["Motion"]
    assert motion["macro_f1"] == round(f1_score(t, p, average="macro"), 4)
    kappa = cohen_kappa_score(t, p, weights="quadratic")
    assert motion["quadratic_kappa"] == round(kappa, 4)
    assert motion["recall"] == recall_score(t, p, average=None).round(4).tolist()


def test_the_majority_gets_a_score_and_no_kappa(tables, tmp_path):
    truth, pred = tables
    majority = score.summarize_lisa(truth, pred)["majority"]
    assert majority["scores"] == lisa_score(truth, 0 * truth)
    assert all(a["quadratic_kappa"] == 0 for a in majority["artifacts"].values())
    assert all(a["recall"] == [1, 0, 0] for a in majority["artifacts"].values())


def test_rows_that_one_table_lacks_stop_the_command(tables, tmp_path):
    write_submission(tables[1][5:], tmp_path / "pred.csv")
    with pytest.raises(ValueError, match=r"no row of \S+pred\.csv for LISA_0000"):
        run(tmp_path)


def test_errors_name_the_files_and_the_option(tables, tmp_path, capsys):
    write_submission(tables[1][5:], tmp_path / "pred.csv")
    files = [str(tmp_path / name) for name in ("truth.csv", "pred.csv")]
    assert main(["score", *files]) == 1
    said = capsys.readouterr().err
    assert f"{files[0]} and {files[1]} must have the same scans" in said
    assert "pass --common" in said
    assert "y_pred" not in said


def test_common_rows_are_scored_when_asked_for(tables, tmp_path, capsys):
    write_submission(tables[1][5:], tmp_path / "pred.csv")
    with pytest.warns(BriqaWarning, match=r"no row of \S+pred\.csv for LISA_0000"):
        run(tmp_path, common=True)
    assert "55 scans" in capsys.readouterr().out


def test_what_is_undefined_is_a_dash_and_null(tables, tmp_path, capsys):
    truth = 0 * tables[0]
    write_submission(truth, tmp_path / "truth.csv")
    write_submission(truth, tmp_path / "pred.csv")
    out = tmp_path / "scores.json"
    run(tmp_path, out=str(out))
    noise = json.loads(out.read_text())["predictions"]["artifacts"]["Noise"]
    assert (noise["quadratic_kappa"], noise["recall"]) == (None, [1, None, None])
    assert " -" in capsys.readouterr().out


def test_an_artifact_that_is_never_predicted_is_no_common_ground(tables, tmp_path):
    tables[1].assign(Noise=np.nan).to_csv(tmp_path / "pred.csv")
    with pytest.raises(ValueError, match="a grade of Noise in some scan"):
        run(tmp_path, common=True)


def test_an_artifact_that_is_not_rated_is_left_out(tables, tmp_path, capsys):
    tables[0].assign(Motion=np.nan).to_csv(tmp_path / "truth.csv")
    with pytest.warns(BriqaWarning, match="Motion is not rated") as said:
        run(tmp_path)
    assert len(said) == 1
    assert "Motion" not in capsys.readouterr().out
