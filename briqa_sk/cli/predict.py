"""``briqa-sk predict``."""

import sys
from collections import Counter
from pathlib import Path

import pandas as pd

from briqa_sk.cli.grading import grade_files, report_grades
from briqa_sk.cli.tables import find_scans, read_scan_table, write_table
from briqa_sk.persistence import load


def run(args):
    """Grade scans with a saved model and write the table.

    Parameters
    ----------
    args : argparse.Namespace
        From :func:`briqa_sk.cli.parser.make_parser`.
    """
    scans = scans_to_grade(args)
    model = load(args.model, device=args.device)
    table = grade_files(model, scans["path"])
    write_table(table, args.out)
    if args.report:
        report_grades(
            args.report,
            model,
            table,
            title=f"Grades by {Path(args.model).name}",
            truth=scans.get("target"),
            subjects=scans.get("group"),
            Model=args.model,
        )
    unreadable = table["finding"].dropna()
    counts = ", ".join(f"{n} {finding}" for finding, n in Counter(unreadable).items())
    sys.stdout.write(
        f"Graded {len(table) - len(unreadable)} of {len(table)} scans"
        f"{f' ({counts})' if counts else ''}: {args.out}\n"
    )


def scans_to_grade(args):
    """Return a table of the files of the command line and of ``--table``.

    Raises
    ------
    ValueError
        If there is no file, or files and true grades are mixed.
    """
    if bool(args.scans) == bool(args.table):
        raise ValueError(
            "scans must be given either as files and folders or by --table, got "
            f"{'both' if args.scans else 'neither'}."
        )
    if args.table:
        columns = {"path": args.path_column, "target": args.target, "group": args.group}
        return read_scan_table(args.table, columns)
    return pd.DataFrame({"path": find_scans(args.scans)})
