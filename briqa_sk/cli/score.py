"""``briqa-sk score``: the challenge's score, and what it does not see."""

import json
import sys
import warnings

import numpy as np
import pandas as pd
from sklearn.metrics import f1_score, recall_score

from briqa_sk.cli.counting import counted
from briqa_sk.cli.tables import prepare_output
from briqa_sk.datasets import read_lisa_labels
from briqa_sk.exceptions import BriqaWarning
from briqa_sk.io.atomic import write_atomically
from briqa_sk.metrics import lisa_ranking, lisa_score, quadratic_kappa
from briqa_sk.metrics.lisa_table import LISA_GRADES, join_lisa_tables

_AVERAGES = ("micro", "macro", "weighted")


def run(args):
    """Score a table of predicted grades against the true ones.

    Parameters
    ----------
    args : argparse.Namespace
        From :func:`briqa_sk.cli.parser.make_parser`: ``truth``, ``predictions``,
        ``common`` and ``out``.
    """
    if args.out:
        prepare_output(args.out)
    truth, pred = join_lisa_tables(
        read_lisa_labels(args.truth),
        read_lisa_labels(args.predictions),
        rows="common" if args.common else "all",
        caller="scores",
        names=(args.truth, args.predictions),
        switch="--common",
    )
    summary = summarize_lisa(truth, pred)
    sys.stdout.write(as_text(summary))
    if args.out:
        text = json.dumps(summary, indent=1) + "\n"
        write_atomically(args.out, lambda file: file.write(text.encode()))


def summarize_lisa(truth, pred):
    """Score predictions, and the majority baseline beside them.

    Parameters
    ----------
    truth, pred : DataFrame of shape (n_scans, 7)
        Grades of the same scans; NaN in the same places.

    Returns
    -------
    summary : dict
        What JSON can hold: ``n_scans``, and for ``predictions`` and ``majority``, which
        calls each scan the most frequent true grade, ``ranking``, ``scores`` (the 15 of
        :func:`~briqa_sk.metrics.lisa_score`), and ``artifacts``: name -> ``macro_f1``,
        ``quadratic_kappa`` and ``recall`` of each grade, None where undefined.
    """
    majority = pd.DataFrame(
        {
            name: column.where(column.isna(), _mode(column))
            for name, column in truth.items()
        }
    )
    summary = {"n_scans": len(truth), "predictions": _score_table(truth, pred)}
    with warnings.catch_warnings():  # what is not rated was just said
        warnings.simplefilter("ignore", BriqaWarning)
        summary["majority"] = _score_table(truth, majority)
    return summary


def as_text(summary):
    """Return a summary as two tables for the terminal.

    Parameters
    ----------
    summary : dict
        From :func:`summarize_lisa`.

    Returns
    -------
    text : str
        Ends in a line break.
    """
    ours, majority = summary["predictions"], summary["majority"]
    official = pd.concat(
        {who: _square(summary[who]["scores"]) for who in ("predictions", "majority")},
        axis=1,
    )
    artifacts = pd.DataFrame.from_dict(ours["artifacts"], orient="index")
    recall = pd.DataFrame(
        artifacts.pop("recall").tolist(),
        index=artifacts.index,
        columns=[f"recall {grade}" for grade in LISA_GRADES],
    )
    seen = pd.concat([artifacts, recall], axis=1).astype(float)
    baseline = pd.DataFrame.from_dict(majority["artifacts"], orient="index")
    seen["majority macro_f1"] = baseline["macro_f1"]
    seen.loc["mean"] = seen.mean()
    return (
        f"Score of the LISA challenge, {counted(summary['n_scans'], 'scan')}\n\n"
        f"{official.to_string(float_format='{:.3f}'.format)}\n\n"
        f"Ranking score, the mean of the weighted ones: {ours['ranking']:.4f}. Calling "
        f"each scan\nthe most frequent grade gets {majority['ranking']:.4f}, so look "
        "also at what can't be had for nothing:\n\n"
        f"{seen.to_string(float_format='{:.3f}'.format, na_rep='-')}\n"
    )


def _mode(column):
    return column.mode().get(0, np.nan)


def _score_table(truth, grades):
    scores = lisa_score(truth, grades)
    return {
        "ranking": round(lisa_ranking(scores), 4),
        "scores": scores,
        "artifacts": {
            name: _score_artifact(column.dropna(), grades[name].dropna())
            for name, column in truth.items()
            if column.notna().any()
        },
    }


def _score_artifact(true, pred):
    recall = recall_score(
        true, pred, labels=LISA_GRADES, average=None, zero_division=np.nan
    )
    scores = {
        "macro_f1": f1_score(true, pred, average="macro"),
        "quadratic_kappa": quadratic_kappa(true, pred, grades=LISA_GRADES),
    }
    return {
        **{name: _number(score) for name, score in scores.items()},
        "recall": [_number(score) for score in recall],
    }


def _number(score):
    return None if np.isnan(score) else round(float(score), 4)


def _square(scores):
    """Return the 15 scores as a table: a row per metric, a column per average."""
    metrics = dict.fromkeys(name.rsplit("_", 1)[0] for name in scores)
    return pd.DataFrame(
        {a: {metric: scores[f"{metric}_{a}"] for metric in metrics} for a in _AVERAGES}
    )
