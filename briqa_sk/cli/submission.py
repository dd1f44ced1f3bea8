"""A submission to the LISA challenge."""

import sys
from pathlib import Path

import numpy as np
import pandas as pd

from briqa_sk.cli.grading import (
    count_graded,
    grade_files,
    is_several,
    last_step,
    refuse_no_grade,
)
from briqa_sk.cli.tables import prepare_output
from briqa_sk.datasets import write_submission
from briqa_sk.metrics.lisa_table import (
    LISA_ARTIFACTS,
    LISA_GRADES,
    name_some,
    scan_ids,
)


def submit(model, paths, out, *, model_path):
    """Grade the seven artifacts of each scan and write a complete submission.

    A submission must have each scan. One that can't be read gets, for each artifact,
    the grade that was most frequent in training, and is named on standard error.

    Parameters
    ----------
    model : Pipeline or MultiArtifactClassifier
        Fitted.
    paths : list of str
        The scans.
    out : str or os.PathLike
        The submission.
    model_path : str
        What the user calls the model.

    Raises
    ------
    ValueError
        If the model does not grade the seven artifacts 0, 1 or 2, or two scans have one
        name; before a scan is read. If no scan can be read, or the model fails on one
        that can.
    """
    check_model(model, model_path)
    paths = _sort_by_name(paths)
    prepare_output(out)
    table = pd.DataFrame(grade_files(model, paths))
    if "finding" not in table:
        table["finding"] = None
    refuse_no_grade(table)
    unread = table["finding"].notna()
    if unread.all():
        raise ValueError(
            f"at least 1 scan must be readable, got {len(table)} that are not, the "
            f"first because {table['message'][0]}"
        )
    grades = table[list(LISA_ARTIFACTS)].set_axis([Path(p).name for p in paths])
    usual = most_frequent_grades(model)
    grades = grades.fillna(usual).astype(int)
    if unread.any():
        _say_guessed(table[unread], usual, len(table))
    write_submission(grades, out)
    sys.stdout.write(f"{count_graded(table['finding'])}: {out}\n")


def check_model(model, path):
    """Refuse a model that can't make a submission.

    Raises
    ------
    ValueError
        If it lacks an artifact, or knows other grades than 0, 1 and 2.
    """
    advice = "Train one with briqa-sk train --format lisa."
    artifacts = last_step(model).artifacts_ if is_several(model) else []
    missing = [name for name in LISA_ARTIFACTS if name not in artifacts]
    if missing:
        graded = ", ".join(map(str, artifacts)) or "one artifact without a name"
        raise ValueError(
            f"--format lisa must have a model of {', '.join(LISA_ARTIFACTS)}, got "
            f"{path}, which grades {graded}. {advice}"
        )
    for name, classes in zip(artifacts, model.classes_, strict=True):
        is_number = classes.dtype.kind in "iuf"
        if name in LISA_ARTIFACTS and not (
            is_number and np.isin(classes, LISA_GRADES).all()
        ):
            raise ValueError(
                f"--format lisa must have a model of the grades 0, 1 and 2, got {path} "
                f"with {classes.tolist()} for {name}. {advice}"
            )


def most_frequent_grades(model):
    """Return the grade of most training scans, by artifact of the challenge."""
    grader = last_step(model)
    usual = {
        name: int(classes[counts.argmax()])
        for name, classes, counts in zip(
            grader.artifacts_, grader.classes_, grader.class_counts_, strict=True
        )
        if name in LISA_ARTIFACTS
    }
    return {name: usual[name] for name in LISA_ARTIFACTS}


def _sort_by_name(paths):
    ids = scan_ids([Path(path).name for path in paths])
    repeated = ids.duplicated(keep=False)
    if repeated.any():
        same = sorted(p for p, twice in zip(paths, repeated, strict=True) if twice)
        raise ValueError(
            "--format lisa must have one file for each scan, got several of one name, "
            f"but for case, ending or folder: {name_some(same)}."
        )
    return [paths[index] for index in ids.argsort()]


def _say_guessed(unread, usual, n_scans):
    names = ", ".join(
        f"{Path(path).name} ({finding})"
        for path, finding in zip(unread["path"], unread["finding"], strict=True)
    )
    grades = ", ".join(f"{name} {grade}" for name, grade in usual.items())
    sys.stderr.write(
        f"briqa-sk predict: warning: {len(unread)} of {n_scans} scans can't be graded, "
        "but a submission must have every scan, so they are given the grades most "
        f"frequent in training ({grades}): {names}.\n"
    )
