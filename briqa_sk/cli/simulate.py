"""``briqa-sk simulate``."""

import sys
from contextlib import closing
from pathlib import Path

import joblib
import pandas as pd
from tqdm.auto import tqdm

from briqa_sk.cli.copies import (
    find_missing,
    inspect,
    list_copies,
    make_copies,
    plan_copies,
)
from briqa_sk.cli.counting import counted
from briqa_sk.cli.tables import find_sources, relative_path, write_table
from briqa_sk.datasets.lisa.look_alike import write_lisa_like
from briqa_sk.datasets.lisa.subject import PLANES
from briqa_sk.simulation import (
    ARTIFACTS,
    LISA_2025,
    LISA_ARTIFACTS,
    ArtifactSimulator,
)


def run(args):
    """Write corrupted copies of scans, a table of their severities, and provenance.

    Parameters
    ----------
    args : argparse.Namespace
        From :func:`briqa_sk.cli.parser.make_parser`.

    Raises
    ------
    ValueError
        If arguments contradict each other or what is in the folder, or no scan is
        usable.
    """
    out = Path(args.out)
    if out.exists() and not out.is_dir():
        raise ValueError(f"OUT must be a folder, got the file {out}.")
    if args.layout == "lisa":
        _write_lisa(args, out)
    else:
        _write_copies(args, out)


def _write_lisa(args, out):
    given = [args.artifacts, args.severities, args.copies if args.copies > 1 else None]
    if any(value is not None for value in given):
        raise ValueError(
            "--layout lisa must come without --artifacts, --severities and --copies, "
            "because the challenge says how often each artifact occurs, got one of "
            "them."
        )
    paths = list(find_sources(args.scans, out))
    inspected = list(_work(inspect, [(path,) for path in paths], args.jobs, "read"))
    heads = [head for head, refusal in inspected if refusal is None]
    refusals = [refusal for _, refusal in inspected if refusal is not None]
    _check_usable(len(heads), refusals, out)
    n_subjects = args.subjects or len(heads)
    table = write_lisa_like(
        n_subjects,
        out,
        heads,
        rater_kappa=args.rater_kappa,
        n_jobs=args.jobs,
        verbose=1,
        random_state=args.seed,
    )
    _write_skipped(refusals, out)
    _say_made(len(PLANES) * n_subjects, refusals, table)


def _write_copies(args, out):
    if args.subjects is not None or args.rater_kappa is not None:
        raise ValueError(
            "--subjects and --rater-kappa must come with --layout lisa, got --layout "
            f"{args.layout}."
        )
    artifacts = args.artifacts or list(LISA_ARTIFACTS)
    simulator = _make_simulator(artifacts, args.severities)
    copies = plan_copies(
        args.scans,
        out,
        artifacts=artifacts,
        severities=args.severities,
        n_copies=args.copies,
        seed=args.seed,
    )
    missing = find_missing(out, copies)
    out.mkdir(parents=True, exist_ok=True)
    rows, refusals = _make_all(simulator, copies, missing, out, args.jobs)
    wanted = {f"{copy.name}.nii.gz" for copy in copies}
    n_made = sum(row["path"] in wanted for row in rows)
    _check_usable(n_made, refusals, out)
    _say_made(n_made, refusals, out / "labels.tsv")


def _make_simulator(artifacts, severities):
    """Return a simulator of chosen severities, or of drawn ones; judge both."""
    probabilities = None
    if severities is not None:  # nothing is drawn, so any artifact will do
        probabilities = dict.fromkeys(artifacts, (1.0, 0.0, 0.0))
    simulator = ArtifactSimulator(artifacts, probabilities=probabilities)
    rare = [name for name in artifacts if name not in LISA_2025.counts]
    if severities is None and rare and set(rare) <= set(ARTIFACTS):
        raise ValueError(
            f"--artifacts {','.join(rare)} must come with --severities, because nobody "
            f"counted how often they occur: {', '.join(LISA_2025.counts)} alone can be "
            "drawn. Add --severities 0,1,2."
        )
    simulator.draw(1)  # refuses what can't be drawn before any scan is read
    for name in artifacts:
        highest = len(ARTIFACTS[name].RANGES) - 1
        if not all(0 <= severity <= highest for severity in severities or []):
            raise ValueError(
                f"--severities of {name} must be from 0 to {highest}, got {severities}."
            )
    return simulator


def _make_all(simulator, copies, missing, out, n_jobs):
    """Make the missing copies; ``labels.tsv`` holds what is complete, come what may."""
    tasks = [(simulator, of_one, out) for of_one in missing]
    refusals = []
    try:
        for refusal in _work(make_copies, tasks, n_jobs, "simulate"):
            refusals += [refusal] if refusal else []
    finally:
        rows = list_copies(out, copies)
        _write_or_remove(rows, out / "labels.tsv")
        _write_skipped(refusals, out)
    return rows, refusals


def _work(function, tasks, n_jobs, verb):
    """Yield what a function makes of each scan, behind a progress bar."""
    work = (joblib.delayed(function)(*task) for task in tasks)
    results = joblib.Parallel(n_jobs=n_jobs, return_as="generator")(work)
    with closing(results):  # an interrupt ends the other processes first
        yield from tqdm(results, desc=verb, total=len(tasks), unit="scan", disable=None)


def _write_or_remove(rows, path):
    if rows:
        write_table(pd.DataFrame(rows, dtype=object), path)
    else:
        path.unlink(missing_ok=True)


def _write_skipped(refusals, out):
    rows = [{**r, "source": relative_path(r["source"], out)} for r in refusals]
    _write_or_remove(rows, out / "skipped.tsv")


def _check_usable(n_usable, refusals, out):
    if not n_usable:
        out.mkdir(parents=True, exist_ok=True)
        _write_skipped(refusals, out)
        raise ValueError(
            f"at least one scan must be usable, got {len(refusals)} that are not. "
            f"{out / 'skipped.tsv'} says why."
        )


def _say_made(n_made, refusals, table):
    skipped = table.with_name("skipped.tsv")
    refused = f" ({len(refusals)} of the sources not used: {skipped})"
    sys.stdout.write(
        f"Made {counted(n_made, 'scan')}{refused if refusals else ''}: {table}\n"
    )
