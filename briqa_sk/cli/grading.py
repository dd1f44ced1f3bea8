"""Grade files one by one, and report."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timezone

import numpy as np
import pandas as pd
from sklearn.pipeline import Pipeline
from tqdm.auto import tqdm

from briqa_sk.cli.counting import counted
from briqa_sk.exceptions import UnreadableVolumeError
from briqa_sk.io import VolumeSequence
from briqa_sk.reporting import (
    GradedScan,
    forest_baseline,
    software_versions,
    summarize_grades,
    write_report,
)
from briqa_sk.reporting.html import NO_GRADE
from briqa_sk.reporting.summary import grade_name


@dataclass(frozen=True, eq=False)
class ArtifactColumns:
    """What a model says of one artifact, and where that stands in the table.

    Parameters
    ----------
    column : str
        Of the grade.
    proba_columns : list of str
        One for each class.
    classes : ndarray of shape (n_classes,)
        Grades, sorted.
    """

    column: str
    proba_columns: list
    classes: np.ndarray


def last_step(model):
    """Return what grades: the model itself, or the last step of a Pipeline."""
    return model[-1] if isinstance(model, Pipeline) else model


def is_several(model):
    """Return whether a model grades several artifacts."""
    return isinstance(model.classes_, list)


def artifact_columns(model):
    """Return the ArtifactColumns of each artifact that a fitted model grades.

    Parameters
    ----------
    model : Pipeline, SeverityClassifier or MultiArtifactClassifier
        Fitted.

    Returns
    -------
    artifacts : list of ArtifactColumns
        One artifact has the columns ``grade`` and ``p_<class>``, each of several
        ``<artifact>`` and ``p_<artifact>_<class>``.
    """
    if not is_several(model):
        proba = [f"p_{grade_name(grade)}" for grade in model.classes_]
        return [ArtifactColumns("grade", proba, model.classes_)]
    return [
        ArtifactColumns(name, [f"p_{name}_{grade_name(g)}" for g in classes], classes)
        for name, classes in zip(
            last_step(model).artifacts_, model.classes_, strict=True
        )
    ]


def grade_files(model, paths):
    """Grade files, one after the other; one that can't be graded has a finding.

    It is ``no_grade`` where the file is a scan and the fault is the model's, which
    takes volumes of another shape or gives NaN instead of probabilities.

    Parameters
    ----------
    model : Pipeline, SeverityClassifier or MultiArtifactClassifier
        Fitted.
    paths : sequence of str
        The files.

    Yields
    ------
    row : dict
        Of one file: ``path``, and either the columns of :func:`artifact_columns` or
        ``finding`` and ``message``.
    """
    artifacts = artifact_columns(model)
    volumes = _volumes(model, list(paths))
    # None: no bar where nobody watches, as in a log file.
    for index, path in enumerate(tqdm(paths, desc="grade", unit="scan", disable=None)):
        row = {"path": path}
        try:
            volume = VolumeSequence([volumes[index]])  # once for all networks
            proba = last_step(model).predict_proba(volume)
            proba = proba if is_several(model) else [proba]
        except UnreadableVolumeError as error:
            row |= {"finding": error.finding, "message": str(error)}
        except ValueError as error:
            row |= {"finding": NO_GRADE, "message": str(error)}
        else:
            for artifact, (p,) in zip(artifacts, proba, strict=True):  # p: (n_classes,)
                row[artifact.column] = artifact.classes[p.argmax()]
                rounded = p.astype(float).round(4)
                row |= dict(zip(artifact.proba_columns, rounded, strict=True))
        yield row


def tabulate(model, rows):
    """Return the rows of :func:`grade_files` as a table with all columns."""
    types = {}
    for artifact in artifact_columns(model):
        types[artifact.column] = pd.Series(artifact.classes).convert_dtypes().dtype
        types |= dict.fromkeys(artifact.proba_columns, float)
    # object: the str of pandas may refuse file names that are not UTF-8.
    columns = ["path", *types, "finding", "message"]
    return pd.DataFrame(rows, columns=columns, dtype=object).astype(types)


def refuse_no_grade(table):
    """Raise ``ValueError`` if a model failed on scans that could be read.

    Parameters
    ----------
    table : DataFrame
        With the columns of :func:`grade_files`.
    """
    failed = table[table["finding"] == NO_GRADE]
    if len(failed):
        raise ValueError(
            "the model must grade every scan that can be read, got no grade for "
            f"{len(failed)} of {counted(len(table), 'scan')}, first for "
            f"{failed['path'].iloc[0]}: {failed['message'].iloc[0]}"
        )


def count_graded(findings):
    """Return how many scans could be graded, in words.

    Parameters
    ----------
    findings : Series of length n_scans
        What is wrong with each scan, missing for a graded one.

    Returns
    -------
    text : str
        Without a full stop.
    """
    unread = findings.dropna()
    counts = ", ".join(f"{n} {finding}" for finding, n in Counter(unread).items())
    n_graded = len(findings) - len(unread)
    graded = f"Graded {n_graded} of {counted(len(findings), 'scan')}"
    return f"{graded} ({counts})" if counts else graded


def report_grades(path, model, table, *, title, truth=None, subjects=None, **facts):
    """Write the HTML report of :func:`grade_files`, with a forest to beat.

    Parameters
    ----------
    path : str or os.PathLike
        The page.
    model : Pipeline or SeverityClassifier
        The model that graded.
    table : DataFrame
        From :func:`tabulate`.
    title : str
        What was graded.
    truth, subjects : Series of length n_scans or None, default=None
        True grade, as the model knows it, and subject of each row.
    **facts : object
        More provenance, by name.
    """
    graded = table[table["grade"].notna()]
    (artifact,) = artifact_columns(model)
    y_pred = graded["grade"].to_numpy(dtype=model.classes_.dtype)
    proba = graded[artifact.proba_columns].to_numpy(dtype=float)
    compared = truth is not None and len(graded) > 0
    y_true = truth[graded.index].to_numpy() if compared else None
    groups = None if subjects is None else subjects[graded.index].to_numpy()
    baselines, notes = {}, []
    if compared:
        baselines, notes = _forest_or_reason(graded["path"].tolist(), y_true, groups)
    scans = [
        GradedScan(
            name=_printable(file),
            grade=y_pred[i],
            probabilities=dict(zip(model.classes_, proba[i], strict=True)),
            true_grade=None if y_true is None else y_true[i],
            subject=None if groups is None else groups[i],
        )
        for i, file in enumerate(graded["path"])
    ]
    write_report(
        path,
        title=title,
        summary=summarize_grades(
            y_true,
            y_pred,
            proba=proba,
            classes=model.classes_,
            grades=last_step(model).grades_,
            subjects=groups,
            baselines=baselines,
        ),
        scans=scans,
        volumes=_volumes(model, graded["path"].tolist()),
        history=facts.pop("history", None),
        findings=[
            {
                **row,
                "path": _printable(row["path"]),
                "message": _printable(row["message"]),
            }
            for row in table[table["finding"].notna()].to_dict("records")
        ],
        notes=notes,
        provenance={
            "Made": datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
            **facts,
            **software_versions(),
        },
    )


def _forest_or_reason(paths, y_true, subjects):
    """Return the forest baseline by name, and the sentence that says why there is none.

    The scans have been graded, and what stops a forest must not stop their report.
    """
    try:
        pred = forest_baseline(paths, y_true, subjects=subjects, verbose=1)
    except (ValueError, UnreadableVolumeError) as error:
        reason = str(error).removeprefix("forest_baseline: ")
        return {}, [f"There is no forest baseline: {_printable(reason)}"]
    return {"forest": pred}, []


def _printable(text):
    """Replace the bytes of a file name that are not UTF-8; a page can't hold them."""
    return text.encode(errors="surrogateescape").decode(errors="replace")


def _volumes(model, paths):
    """Return the volumes as the network sees them, to be read one by one."""
    if not paths:
        return []
    if isinstance(model, Pipeline):
        return model[:-1].transform(paths)
    return VolumeSequence(paths)
