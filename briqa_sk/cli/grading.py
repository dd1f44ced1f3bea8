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
    """Grade files, one after the other; one that can't be graded has a finding.

    Parameters
    ----------
    model : Pipeline or SeverityClassifier
        Fitted.
    paths : sequence of str
        The files.

    Yields
    ------
    row : dict
        Of one file: ``path``, and either ``grade`` and ``p_<class>`` for every class,
        or ``finding`` and ``message``.
    """
    for path in tqdm(paths, desc="grade", unit="scan"):
        row = {"path": path}
        try:
            proba = model.predict_proba([path])[0]
        except UnreadableVolumeError as error:
            row |= {"finding": error.finding, "message": str(error)}
        except ValueError as error:  # a shape that this model doesn't take
            row |= {"finding": "wrong_dimensions", "message": str(error)}
        else:
            row["grade"] = model.classes_[proba.argmax()]
            row |= dict(zip(_proba_columns(model), proba.round(4), strict=True))
        yield row


def tabulate(model, rows):
    """Return the rows of :func:`grade_files` as a table with all columns."""
    columns = ["path", "grade", *_proba_columns(model), "finding", "message"]
    # object: the str of pandas may refuse file names that are not UTF-8.
    table = pd.DataFrame(rows, columns=columns, dtype=object)
    numbers = dict.fromkeys(_proba_columns(model), float)
    grade = pd.Series(model.classes_).convert_dtypes().dtype
    return table.astype({"grade": grade, **numbers})


def report_grades(path, model, table, *, title, truth=None, subjects=None, **facts):
    """Write the HTML report of :func:`grade_files`.

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
    classifier = model[-1] if isinstance(model, Pipeline) else model
    y_pred = graded["grade"].to_numpy(dtype=model.classes_.dtype)
    proba = graded[_proba_columns(model)].to_numpy(dtype=float)
    compared = truth is not None and len(graded) > 0
    y_true = truth[graded.index].to_numpy() if compared else None
    groups = None if subjects is None else subjects[graded.index].to_numpy()
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
            grades=classifier.grades_,
            subjects=groups,
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
        provenance={
            "Made": datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
            **facts,
            **software_versions(),
        },
    )


def _printable(text):
    """Replace the bytes of a file name that are not UTF-8; a page can't hold them."""
    return text.encode(errors="surrogateescape").decode(errors="replace")


def _proba_columns(model):
    return [f"p_{grade}" for grade in model.classes_]


def _volumes(model, paths):
    """Return the volumes as the network sees them, to be read one by one."""
    if not paths:
        return []
    if isinstance(model, Pipeline):
        return model[:-1].transform(paths)
    return VolumeSequence(paths)
