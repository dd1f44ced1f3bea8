"""A report that is one HTML file: no script, no request, nothing to install."""

from dataclasses import dataclass, field

from jinja2 import Environment, PackageLoader, StrictUndefined

from briqa_sk.exceptions import FINDINGS, UnreadableVolumeError
from briqa_sk.io.atomic import write_atomically
from briqa_sk.reporting._key_numbers import key_baselines, key_numbers, verdicts
from briqa_sk.reporting.figures import (
    confusion_figure,
    grade_colours,
    history_figure,
    reliability_figure,
    slices_picture,
)
from briqa_sk.reporting.summary import grade_name

#: Finding of a scan that can be read, and on which the model fails.
NO_GRADE = "no_grade"
_MEANINGS = {**FINDINGS, NO_GRADE: "the model gives no grade for this scan"}
_UNORDERED = (
    "Nobody said which of these grades is better than which, so they stand in "
    "alphabetical order, and what needs an order is left out: kappa, the grade error "
    "and which scans are worst. A model trained with the grades from best to "
    "worst has them."
)


@dataclass(frozen=True)
class GradedScan:
    """One scan of a report.

    Parameters
    ----------
    name : str
        What to call it, e.g. its path.
    grade : object
        Predicted grade, one of ``summary["grades"]``.
    probabilities : dict of object to float, default=empty
        Grade -> probability.
    true_grade : object or None, default=None
        None where it is not known.
    subject : str or None, default=None
        Whose scan it is.

    Examples
    --------
    >>> GradedScan("sub-01.nii.gz", 2, {0: 0.1, 1: 0.2, 2: 0.7}, true_grade=1).grade
    2
    """

    name: str
    grade: object
    probabilities: dict = field(default_factory=dict)
    true_grade: object = None
    subject: str = None


def write_report(
    path,
    *,
    title,
    summary,
    scans,
    volumes=None,
    history=None,
    findings=(),
    notes=(),
    provenance=None,
    n_pictures=12,
):
    """Write a report of graded scans as one self-contained HTML file.

    It shows the key numbers with their intervals beside the baselines, and says which
    of them the model does not beat; the worst and the misgraded scans in pictures, a
    table of all scans, the scans that could not be graded, and where the numbers come
    from. Without true grades it leaves out what needs them, and where the grades have
    no order it says so and leaves out what needs one. All text is escaped, file names
    too.

    Parameters
    ----------
    path : str or os.PathLike
        The file; written whole or not at all.
    title : str
        What was graded, e.g. ``"Noise in head phantoms"``.
    summary : dict
        From :func:`summarize_grades`.
    scans : sequence of GradedScan
        In any order.
    volumes : sequence of Volume, VolumeSequence or None, default=None
        The scans as pictures, in the order of ``scans``. Only those that are shown are
        read. None: no pictures.
    history : sequence of dict or None, default=None
        Losses per epoch; see :func:`history_figure`.
    findings : sequence of dict, default=()
        Scans without a grade: ``path``, ``finding`` (a key of
        :data:`briqa_sk.exceptions.FINDINGS`, or ``"no_grade"`` where the scan can be
        read and the model failed) and ``message``.
    notes : sequence of str, default=()
        Sentences to say above the key numbers, e.g. why there is no forest baseline.
    provenance : dict of str to object or None, default=None
        Versions, parameters, date: whatever it takes to do it again.
    n_pictures : int, default=12
        Most pictures of the worst scans, and of the misgraded ones.

    Raises
    ------
    ValueError
        If a scan has a grade that the summary lacks, or ``volumes`` another length
        than ``scans``.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from briqa_sk.reporting import GradedScan, summarize_grades, write_report
    >>> scans = [GradedScan("a.nii", 0, {0: 0.9, 1: 0.1}), GradedScan("b.nii", 1)]
    >>> page = Path(tempfile.mkdtemp()) / "report.html"
    >>> summary = summarize_grades(None, [0, 1])
    >>> write_report(page, title="Two scans", summary=summary, scans=scans)
    >>> "<h1>Two scans</h1>" in page.read_text(encoding="utf-8")
    True
    """
    _check(summary, scans, volumes)
    colours = grade_colours(len(summary["grades"]), ordered=summary["ordered"])
    rows = [_row(i, scan, summary) for i, scan in enumerate(scans)]
    wrong = [row for row in rows if row["is_wrong"]]
    if summary["ordered"]:
        rows, wrong = _worst_first(rows), _worst_first(wrong)
        wrong.sort(key=lambda row: -abs(row["rank"] - row["true_rank"]))
    page = _ENVIRONMENT.get_template("report.html").render(
        title=title,
        summary=summary,
        grades=list(zip(summary["grades"], colours, summary["predicted"], strict=True)),
        order="" if summary["ordered"] else _UNORDERED,
        scores=key_numbers(summary),
        baselines=key_baselines(summary),
        remarks=[*verdicts(summary), *notes],
        rows=rows,
        worst=_with_pictures(rows[:n_pictures], volumes),
        wrong=_with_pictures(wrong[:n_pictures], volumes),
        n_wrong=len(wrong),
        figures=_figures(summary, history),
        findings=[{**row, "meaning": _MEANINGS[row["finding"]]} for row in findings],
        provenance=provenance or {},
    )
    # File names that are not UTF-8 hold lone surrogates, which UTF-8 can't encode.
    write_atomically(
        path, lambda file: file.write(page.encode(errors="backslashreplace"))
    )


def _check(summary, scans, volumes):
    if volumes is not None and len(volumes) != len(scans):
        raise ValueError(
            f"write_report: volumes must be as many as scans, {len(scans)}, "
            f"got {len(volumes)}."
        )
    for scan in scans:
        for grade in (scan.grade, scan.true_grade, *scan.probabilities):
            if grade is not None and grade_name(grade) not in summary["grades"]:
                raise ValueError(
                    f"write_report: every grade must be one of {summary['grades']}, "
                    f"as in the summary, got {grade_name(grade)} for {scan.name!r}."
                )


def _row(index, scan, summary):
    """Return what the templates need to know of a scan, as text and numbers."""

    def rank_of(grade):
        return summary["grades"].index(grade_name(grade))

    by_rank = {rank_of(g): float(p) for g, p in scan.probabilities.items()}
    rank = rank_of(scan.grade)
    true_rank = None if scan.true_grade is None else rank_of(scan.true_grade)
    return {
        "index": index,
        "name": str(scan.name),
        "subject": scan.subject,
        "rank": rank,
        "true_rank": true_rank,
        "is_wrong": true_rank not in (None, rank),
        "probability": by_rank.get(rank),
        "probabilities": sorted(by_rank.items()),
        "expected_rank": sum(r * p for r, p in by_rank.items()),
    }


def _worst_first(rows):
    return sorted(rows, key=lambda row: (-row["rank"], -row["expected_rank"]))


def _with_pictures(rows, volumes):
    if volumes is None:
        return [{**row, "picture": None} for row in rows]
    return [{**row, "picture": _picture(volumes, row["index"])} for row in rows]


def _picture(volumes, index):
    try:
        return slices_picture(volumes[index])
    except UnreadableVolumeError:
        return None  # the file was there when it was graded, and is gone now


def _figures(summary, history):
    return {
        "confusion": confusion_figure(summary) if "confusion" in summary else None,
        "reliability": (
            reliability_figure(summary) if summary.get("reliability") else None
        ),
        "history": history_figure(history) if history else None,
    }


_ENVIRONMENT = Environment(
    loader=PackageLoader("briqa_sk.reporting"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
