"""``briqa-sk demo``: from nothing to a report, without a download."""

import sys
import time
from pathlib import Path

from sklearn.model_selection import StratifiedGroupKFold

from briqa_sk._validation import check_positive
from briqa_sk.cli.counting import counted
from briqa_sk.cli.grading import grade_files, report_grades, tabulate
from briqa_sk.cli.model import make_pipeline
from briqa_sk.cli.tables import read_scan_table, write_table
from briqa_sk.datasets import write_graded_heads
from briqa_sk.estimators import SeverityClassifier
from briqa_sk.persistence import save

SHAPE = (48, 56, 48)
COLUMNS = {"path": "path", "target": "severity", "group": "subject"}
N_PARTS = 3


def run(args):
    """Make phantoms, train, grade held-out subjects, and report.

    Parameters
    ----------
    args : argparse.Namespace
        From :func:`briqa_sk.cli.parser.make_parser`.

    Raises
    ------
    ValueError
        If there are too few subjects to split, or no epochs.
    """
    check_positive(args.epochs, "--epochs", caller="training")
    if args.subjects < N_PARTS:
        raise ValueError(
            f"--subjects must be at least {N_PARTS}, to train on two thirds and grade "
            f"the others, got {args.subjects}."
        )
    start = time.perf_counter()
    out = Path(args.out)
    say(f"1/4  Scanning {counted(args.subjects, 'phantom head')} ...")
    labels = write_graded_heads(
        out / "scans",
        args.subjects,
        scans_per_subject=4,
        shape=SHAPE,
        random_state=args.seed,
    )
    table = read_scan_table(labels, COLUMNS)
    training, held_out = split_subjects(table, args.seed)
    say(f"2/4  Training on {of_subjects(training)} ...")
    pipeline = make_pipeline(
        SeverityClassifier(max_epochs=args.epochs, random_state=args.seed, verbose=1),
        spacing_mm=4.0,
        shape=SHAPE,
        cache=out / "cache",
    )
    pipeline.fit(training["path"].tolist(), training["target"].to_numpy())
    say(f"3/4  Grading {of_subjects(held_out, 'other subject')} ...")
    grades = tabulate(pipeline, grade_files(pipeline, held_out["path"]))
    say("4/4  Writing the report ...")
    write_table(grades.assign(severity=held_out["target"]), out / "predictions.tsv")
    save(pipeline, out / "model.zip")
    report_grades(
        out / "report.html",
        pipeline,
        grades,
        title="Noise in phantom heads",
        truth=held_out["target"],
        subjects=held_out["group"],
        history=pipeline["grade"].history_,
        Command=f"briqa-sk demo --subjects {args.subjects} --epochs {args.epochs} "
        f"--seed {args.seed}",
        Training=of_subjects(training),
    )
    say(
        f"Done in {time.perf_counter() - start:.0f} s. Open {out / 'report.html'}; "
        f"the grades are in {out / 'predictions.tsv'}, the model in "
        f"{out / 'model.zip'}."
    )


def split_subjects(table, seed):
    """Return the rows to train on and a third to grade; they share no subject."""
    splitter = StratifiedGroupKFold(N_PARTS, shuffle=True, random_state=seed)
    training, held_out = next(splitter.split(table, table["target"], table["group"]))
    return table.iloc[training], table.iloc[held_out].reset_index(drop=True)


def of_subjects(table, noun="subject"):
    """Return how many scans of how many subjects a table has, in words."""
    n_scans = counted(len(table), "scan")
    return f"{n_scans} of {counted(table['group'].nunique(), noun)}"


def say(text):
    """Tell the person at the terminal what happens now."""
    sys.stderr.write(f"{text}\n")
