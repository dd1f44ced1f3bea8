"""``briqa-sk simulate``."""

import sys
from pathlib import Path

import joblib
import pandas as pd
from tqdm.auto import tqdm

from briqa_sk._validation import check_positive
from briqa_sk.cli.copies import check_folder, make_copy, plan_copies
from briqa_sk.cli.tables import find_scans, write_table
from briqa_sk.datasets import make_lisa_like
from briqa_sk.simulation import ARTIFACTS, LISA_ARTIFACTS, ArtifactSimulator


def run(args):
    """Write corrupted copies of scans, a table of their severities, and provenance.

    Parameters
    ----------
    args : argparse.Namespace
        From :func:`briqa_sk.cli.parser.make_parser`.
    """
    if args.layout == "lisa":
        _write_lisa(args)
    else:
        _write_copies(args)


def _write_lisa(args):
    given = [args.artifacts, args.severities, args.copies if args.copies > 1 else None]
    if any(value is not None for value in given):
        raise ValueError(
            "--layout lisa must come without --artifacts, --severities and --copies, "
            "because the challenge says how often each artifact occurs, got one of "
            "them."
        )
    heads = find_scans(args.scans)
    table = make_lisa_like(
        args.subjects or len(heads),
        args.out,
        heads=heads,
        rater_kappa=args.rater_kappa,
        random_state=args.seed,
    )
    sys.stdout.write(f"Made {len(pd.read_csv(table))} scans: {table}\n")


def _write_copies(args):
    if args.subjects is not None or args.rater_kappa is not None:
        raise ValueError(
            "--subjects and --rater-kappa must come with --layout lisa, got --layout "
            f"{args.layout}."
        )
    out = Path(args.out)
    artifacts = args.artifacts or list(LISA_ARTIFACTS)
    probabilities = None
    if args.severities is not None:  # nothing is drawn, so any artifact will do
        probabilities = dict.fromkeys(artifacts, (1.0, 0.0, 0.0))
    simulator = ArtifactSimulator(artifacts, probabilities=probabilities)
    simulator.draw(1)  # refuses what can't be drawn before any scan is read
    _check_severities(artifacts, args.severities or [], args.copies)
    copies = plan_copies(
        args.scans,
        out,
        artifacts=artifacts,
        severities=args.severities,
        n_copies=args.copies,
        seed=args.seed,
    )
    check_folder(out, copies)
    out.mkdir(parents=True, exist_ok=True)
    n_made, n_refused = _make_all(simulator, copies, out, args.jobs)
    if not n_made:
        raise ValueError(
            f"at least one scan must be usable, got {n_refused} that are not. "
            f"{out / 'skipped.tsv'} says why."
        )
    refused = f" ({n_refused} not: {out / 'skipped.tsv'})" if n_refused else ""
    sys.stdout.write(f"Made {n_made} scans{refused}: {out / 'labels.tsv'}\n")


def _check_severities(artifacts, severities, n_copies):
    check_positive(n_copies, "--copies", caller="briqa-sk simulate")
    for name in artifacts:
        highest = len(ARTIFACTS[name].RANGES) - 1
        if not all(0 <= severity <= highest for severity in severities):
            raise ValueError(
                f"--severities of {name} must be from 0 to {highest}, got {severities}."
            )


def _make_all(simulator, copies, out, n_jobs):
    """Make all copies; the tables hold what is complete, come what may."""
    work = (joblib.delayed(make_copy)(simulator, copy, out) for copy in copies)
    results = joblib.Parallel(n_jobs=n_jobs, return_as="generator")(work)
    rows = []
    try:
        for row in tqdm(results, desc="simulate", total=len(copies), unit="scan"):
            rows.append(row)
    finally:
        made = [row for row in rows if "finding" not in row]
        refused = [row for row in rows if "finding" in row]
        for name, table in [("labels.tsv", made), ("skipped.tsv", refused)]:
            (out / name).unlink(missing_ok=True)
            if table:
                write_table(pd.DataFrame(table, dtype=object), out / name)
    return len(made), len(refused)
