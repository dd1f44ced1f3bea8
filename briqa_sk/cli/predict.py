"""``briqa-sk predict``."""

import sys
from pathlib import Path

import pandas as pd

from briqa_sk.cli.grading import (
    count_graded,
    grade_files,
    is_several,
    last_step,
    refuse_no_grade,
    report_grades,
    tabulate,
)
from briqa_sk.cli.labels import match_labels, parse_prior
from briqa_sk.cli.submission import submit
from briqa_sk.cli.tables import (
    find_scans,
    prepare_output,
    read_scan_table,
    write_table,
)
from briqa_sk.persistence import load


def run(args):
    """Grade scans with a saved model, and write a table or a submission.

    A table is written even if grading is interrupted, with the scans graded so far,
    and even if the model fails on some of them, which is then an error.

    Parameters
    ----------
    args : argparse.Namespace
        From :func:`briqa_sk.cli.parser.make_parser`.
    """
    is_lisa = args.format == "lisa"
    given = args.target or args.group or args.report
    if is_lisa and given:
        raise ValueError(
            "--target, --group and --report must be left out with --format lisa, got "
            f"{given!r}. To compare a submission with the truth, run briqa-sk score."
        )
    scans = scans_to_grade(args)
    if given and not args.report:
        raise ValueError(
            "--target and --group must come with --report, which compares grades with "
            f"the truth and counts subjects, got {given!r} alone. Add --report "
            "report.html, or leave them out."
        )
    model = load(args.model, device=args.device)
    if args.prior:
        state_prior(model, args.prior)
    out = args.out or ("submission.csv" if is_lisa else "predictions.tsv")
    if is_lisa:
        submit(model, scans["path"].tolist(), out, model_path=args.model)
    else:
        _predict_table(args, model, scans, out)


def state_prior(model, text):
    """Let a model speak for the prevalence of ``--prior``.

    Raises
    ------
    ValueError
        If it is none of its grades, or the model can't speak for any prevalence.
    """
    grader = last_step(model)
    if is_several(model):
        priors = [parse_prior(text, classes) for classes in model.classes_]
        grader.set_params(estimator__prior=priors[0])
        return
    if grader.trained_prior_ is None:
        raise ValueError(
            "--prior must be left out where a model belongs to no prevalence, got "
            f"{text!r} for one of criterion={grader.criterion!r}."
        )
    grader.set_params(prior=parse_prior(text, model.classes_))


def _predict_table(args, model, scans, out):
    """Write grades and probabilities, and a report if asked for."""
    if is_several(model) and (args.target or args.report):
        names = ", ".join(map(str, last_step(model).artifacts_))
        raise ValueError(
            "--target and --report must go with a model of one artifact, got "
            f"{args.model}, which grades {names}. Leave them out; the table has every "
            "grade and probability."
        )
    truth = None
    if args.target:
        labels = match_labels(scans["target"], model.classes_, caller="true grades")
        truth = pd.Series(labels, index=scans.index)
    for output in filter(None, [out, args.report]):
        prepare_output(output)
    table = grade_into(out, model, scans["path"])
    if args.report:
        report_grades(
            args.report,
            model,
            table,
            title=f"Grades by {Path(args.model).name}",
            truth=truth,
            subjects=scans.get("group"),
            Model=args.model,
        )
    sys.stdout.write(f"{count_graded(table['finding'])}: {out}\n")
    refuse_no_grade(table)


def grade_into(out, model, paths):
    """Return the table of all grades; what is graded gets written, come what may."""
    rows = []
    try:
        for row in grade_files(model, paths):
            rows.append(row)
    finally:
        if rows:
            write_table(tabulate(model, rows), out)
    return tabulate(model, rows)


def scans_to_grade(args):
    """Return a table of the files of the command line and of ``--table``.

    Raises
    ------
    ValueError
        If there is no file, files and a table are mixed, or a column is named without
        a table.
    """
    if bool(args.scans) == bool(args.table):
        raise ValueError(
            "scans must be given either as files and folders or by --table, got "
            f"{'both' if args.scans else 'neither'}."
        )
    if args.table:
        columns = {"path": args.path_column, "target": args.target, "group": args.group}
        return read_scan_table(args.table, columns)
    if args.target or args.group:
        raise ValueError(
            "--target and --group must come with --table, which holds these columns, "
            "got files and folders."
        )
    return pd.DataFrame({"path": find_scans(args.scans)}, dtype=object)
