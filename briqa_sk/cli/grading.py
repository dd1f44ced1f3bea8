"""Grade files one by one, and report."""

from datetime import datetime, timezone

import pandas as pd
from sklearn.pipeline import Pipeline
from tqdm.auto import tqdm

from briqa_sk.exceptions import UnreadableVolumeError
from briqa_sk.io import VolumeSequence
from briqa_sk.reporting import (
    GradedScan,
    software_versions,
    summarize_grades,
    write_report,
)


def grade_files(model, paths):
    """Grade every file; one that can't be read is a row with a finding.

    Parameters
    ----------
    model : Pipeline or SeverityClassifier
        Fitted.
    paths : sequence of str
        The files.

    Returns
    -------
    table : DataFrame
        One row per file, in order: ``path``, ``grade``, ``p_<class>`` for every class,
        ``finding`` and ``message``. Either the grade or the finding is missing.
    """
    rows = []
    for path in tqdm(paths, desc="grade", unit="scan"):
        row = {"path": path}
        try:
            proba = model.predict_proba([path])[0]
        except UnreadableVolumeError as error:
            row |= {"finding": error.finding, "message": str(error)}
        else:
            row["grade"] = model.classes_[proba.argmax()]
            row |= dict(zip(_proba_columns(model), proba.round(4), strict=True))
        rows.append(row)
    columns = ["path", "grade", *_proba_columns(model), "finding", "message"]
    table = pd.DataFrame(rows, columns=columns)
    return table.astype({"grade": pd.Series(model.classes_).convert_dtypes().dtype})


def report_grades(path, model, table, *, title, truth=None, subjects=None, **facts):
    """Write the HTML report of :func:`grade_files`.

    Parameters
    ----------
    path : str or os.PathLike
        The page.
    model : Pipeline or SeverityClassifier
        The model that graded.
    table : DataFrame
        From :func:`grade_files`.
    title : str
        What was graded.
    truth, subjects : Series of length n_scans or None, default=None
        True grade and subject of each row.
    **facts : object
        More provenance, by name.
    """
    graded = table[table["grade"].notna()]
    classifier = model[-1] if isinstance(model, Pipeline) else model
    y_pred = graded["grade"].to_numpy(dtype=model.classes_.dtype)
    proba = graded[_proba_columns(model)].to_numpy(dtype=float)
    y_true = None if truth is None else truth[graded.index].to_numpy()
    groups = None if subjects is None else subjects[graded.index].to_numpy()
    scans = [
        GradedScan(
            name=file,
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
            grades=classifier.grades_,
            subjects=groups,
        ),
        scans=scans,
        volumes=_volumes(model, graded["path"].tolist()),
        history=facts.pop("history", None),
        findings=table[table["finding"].notna()].to_dict("records"),
        provenance={
            "Made": datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
            **facts,
            **software_versions(),
        },
    )


def _proba_columns(model):
    return [f"p_{grade}" for grade in model.classes_]


def _volumes(model, paths):
    """Return the volumes as the network sees them, to be read one by one."""
    if not paths:
        return []
    if isinstance(model, Pipeline):
        return model[:-1].transform(paths)
    return VolumeSequence(paths)
