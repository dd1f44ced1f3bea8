import re
from html.parser import HTMLParser

import numpy as np
import pytest

from briqa_sk.exceptions import UnreadableVolumeError
from briqa_sk.io import Volume
from briqa_sk.reporting import GradedScan, summarize_grades, write_report

GRADES = ["none", "moderate", "severe"]
TRUTH = ["none", "none", "severe", "moderate"]
PRED = ["none", "severe", "severe", "moderate"]


class Page(HTMLParser):
    """Tags, addresses and text of a page."""

    VOID = ("meta", "img", "br")

    def __init__(self, path):
        super().__init__()
        self.source = path.read_text(encoding="utf-8")
        self.open, self.tags, self.links, self.text = [], [], [], ""
        self.feed(self.source)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self.links += [v for k, v in attrs if k in ("src", "href", "action")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" not in self.open:
            self.text += " " + data

    def names(self):
        return [tag for tag, _ in self.tags]


@pytest.fixture
def volumes():
    rng = np.random.default_rng(0)
    return [Volume(rng.random((8, 9, 10))) for _ in TRUTH]


@pytest.fixture
def page(tmp_path):
    """Write a report of four scans, with or without what is passed in place of it."""

    def write(
        *,
        truth=TRUTH,
        pred=PRED,
        names=None,
        grades=GRADES,
        baselines=None,
        subjects=None,
        **keywords,
    ):
        summary = summarize_grades(
            truth,
            pred,
            grades=grades,
            baselines=baselines,
            subjects=subjects,
            n_resamples=5,
        )
        scans = [
            GradedScan(
                name=f"scan-{i}.nii.gz" if names is None else names[i],
                grade=grade,
                probabilities={grade: 0.8},
                true_grade=None if truth is None else truth[i],
            )
            for i, grade in enumerate(pred)
        ]
        path = tmp_path / "report.html"
        write_report(path, title="Motion", summary=summary, scans=scans, **keywords)
        return Page(path)

    return write


def test_page_is_whole_and_asks_nobody_for_anything(page, volumes):
    report = page(volumes=volumes, history=[{"train_loss": 1.0}])
    assert report.open == []
    assert "script" not in report.names()
    assert len(report.links) > 3
    assert all(link.startswith("data:image/") for link in report.links)
    assert not re.search(r"url\(|@import", report.source)


def test_scores_stand_beside_interval_and_baseline(page):
    report = page()
    # True none, none, severe, moderate; one none called severe: recalls 1/2, 1, 1.
    assert re.search(
        r"Balanced accuracy.*?0\.83.*?majority baseline 0\.33", report.text, re.S
    )
    assert "95 % interval" in report.text


def test_every_baseline_has_its_number_its_own_mark_and_a_legend(page):
    others = {"forest": ["none", "none", "none", "moderate"], "<u>": TRUTH, "4": TRUTH}
    report = page(baselines={**others, "5": TRUTH})
    # Recalls of none, severe, moderate: 1, 0, 1.
    assert re.search(
        r"Balanced accuracy.*?majority baseline 0\.33\s+forest baseline 0\.67"
        r"\s+<u> baseline 1\.00",
        report.text,
        re.S,
    )
    marks = [attrs["class"] for tag, attrs in report.tags if tag == "i"]
    own = [f"base base-{mark}" for mark in (0, 1, 2, 3, 3)]
    bases = [mark for mark in marks if "base" in mark]
    assert bases == own * 5  # four scores and the legend
    assert "u" not in report.names()


@pytest.mark.parametrize(
    ("subjects", "said"),
    [
        (None, "learnt here from other scans, perhaps of the same subject."),
        (["a", "b", "c", "c"], "learnt here from other subjects."),
    ],
)
def test_the_page_says_of_whom_the_forest_learnt(page, subjects, said):
    assert said in page(baselines={"forest": TRUTH}, subjects=subjects).text


@pytest.mark.parametrize(
    ("forest", "said"),
    [
        # F1 of none 2/3, severe 2/3, moderate 1; a perfect one has 1.
        (
            TRUTH,
            "does not beat the forest baseline: 0.78 against 1.00, a difference of",
        ),
        (PRED, "does not beat the forest baseline: both have 0.78."),
        # Always none: F1 of none 2/3, of the others 0.
        (["none"] * 4, "beats the forest baseline by 0.56 ("),
    ],
    ids=["better", "equal", "worse"],
)
def test_a_sentence_says_whether_the_model_beats_the_forest(page, forest, said):
    assert said in page(baselines={"forest": forest}).text


@pytest.mark.parametrize(
    ("low", "said"),
    [
        (0.1, "by 0.50 (0.10 to 0.90)."),
        (-0.1, "by 0.50 (-0.10 to 0.90), which may be chance."),
        (None, "by 0.50, which may be chance."),
    ],
)
def test_a_margin_that_may_be_chance_is_called_so(tmp_path, low, said):
    summary = summarize_grades(
        [0, 1], [0, 1], baselines={"forest": [0, 0]}, n_resamples=5
    )
    high = None if low is None else 0.9
    summary["margins"]["forest"] = {"value": 0.5, "low": low, "high": high}
    write_report(tmp_path / "r.html", title="t", summary=summary, scans=[])
    assert said in Page(tmp_path / "r.html").text


def test_notes_are_said_as_text(page):
    assert "No forest: <too> few." in page(notes=["No forest: <too> few."]).text


def test_table_lists_the_worst_grade_first(page):
    text = page().text
    rows = text[text.index("All scans") :]
    order = re.findall(r"scan-(\d)", rows)
    assert order == ["1", "2", "3", "0"]


def test_misgraded_scans_have_their_own_section(page):
    text = page().text
    section = text[text.index("Misgraded scans") : text.index("Worst scans")]
    assert re.findall(r"scan-(\d)", section) == ["1"]


def test_a_perfect_report_says_that_it_cannot_know_how_perfect(page):
    text = page(pred=TRUTH).text
    assert "every scan got its true grade" in text
    assert "cannot show how uncertain" in text


def test_without_truth_nothing_speaks_of_it(page, volumes):
    text = page(truth=None, volumes=volumes).text
    for word in ("Macro F1", "True grade", "true:", "Misgraded", "Confusion"):
        assert word not in text


def test_every_picture_has_a_text_for_those_who_cannot_see_it(page, volumes):
    report = page(volumes=volumes, history=[{"train_loss": 1.0}])
    images = [attrs for tag, attrs in report.tags if tag == "img"]
    assert len(images) == 2 + 1 + 4  # confusion, training; misgraded; worst
    assert all(image["alt"] for image in images)


def test_hostile_names_stay_text(page):
    name = "<script>alert(1)</script>\"><img src=x onerror=alert(1)>'"
    report = page(names=[name] * 4, provenance={name: name})
    assert "script" not in report.names()
    assert "onerror" not in {k for _, attrs in report.tags for k in attrs}
    assert name in report.text


def test_unreadable_scans_are_rows_with_a_meaning(page):
    finding = {"path": "x.nii", "finding": "truncated", "message": "Ends at byte 9."}
    text = page(findings=[finding]).text
    assert "1 more could not be graded" in text
    assert "the file ends before the image does" in text
    assert "Ends at byte 9." in text


def test_a_report_of_nothing_but_unreadable_scans_is_written(page):
    finding = {"path": "x.nii", "finding": "empty", "message": "No bytes."}
    text = page(truth=None, pred=[], findings=[finding]).text
    assert "0 scans graded" in text


def test_a_scan_that_vanished_since_loses_only_its_picture(page):
    class Gone:
        def __len__(self):
            return 4

        def __getitem__(self, index):
            raise UnreadableVolumeError("Gone.", path="x", finding="missing")

    assert "no picture" in page(volumes=Gone()).text


def test_only_the_scans_on_show_are_read(page, volumes):
    read = []

    class Counting(list):
        def __getitem__(self, index):
            read.append(index)
            return super().__getitem__(index)

    page(volumes=Counting(volumes), n_pictures=1)
    assert read == [1, 1]  # the worst scan is the misgraded one, too


def test_unordered_grades_have_no_worst_scan(page):
    text = page(grades=None).text
    assert "Worst" not in text
    assert "worst first" not in text


@pytest.mark.parametrize("truth", [TRUTH, None])
def test_unordered_grades_are_said_to_be_so_and_stay_in_the_order_of_the_scans(
    page, truth
):
    written = page(grades=None, truth=truth, names=["d.nii", "b.nii", "c.nii", "a.nii"])
    assert "Nobody said which of these grades is better" in written.text
    table = written.text[written.text.rindex("All scans") :]
    assert re.findall(r"[abcd]\.nii", table) == ["d.nii", "b.nii", "c.nii", "a.nii"]
    for words in ("Quadratic kappa", "Grade error", "largest mistakes"):
        assert words not in written.text
    assert "Nobody said" not in page(truth=truth).text


def test_one_subject_is_one_subject(page):
    with pytest.warns(UserWarning, match="at least 2 subjects"):
        written = page(subjects=["sub-01"] * 4)
    assert "resampling 1 subject," in written.text


def test_a_scan_on_which_the_model_failed_is_a_row_with_a_meaning(page):
    row = {"path": "a.nii", "finding": "no_grade", "message": "NaN."}
    assert "the model gives no grade for this scan" in page(findings=[row]).text


def test_a_failed_report_leaves_the_old_one(page, tmp_path):
    before = page().source
    with pytest.raises(KeyError):
        page(findings=[{"path": "x", "finding": "haunted", "message": "Boo."}])
    assert (tmp_path / "report.html").read_text(encoding="utf-8") == before
    assert [p.name for p in tmp_path.iterdir()] == ["report.html"]


def test_a_grade_without_a_place_in_the_summary_is_refused(tmp_path):
    summary = summarize_grades(None, [0, 1])
    with pytest.raises(ValueError, match=r"one of \['0', '1'\].*got 7 for 'a.nii'"):
        write_report(
            tmp_path / "r.html",
            title="t",
            summary=summary,
            scans=[GradedScan("a.nii", 7)],
        )


def test_volumes_and_scans_must_be_as_many(page, volumes):
    with pytest.raises(ValueError, match="as many as scans, 4, got 3"):
        page(volumes=volumes[:3])


def test_a_truth_of_floats_fits_grades_of_integers(tmp_path):
    summary = summarize_grades([0.0, 2.0], [0, 1], grades=[0, 1, 2], n_resamples=5)
    scans = [
        GradedScan("a.nii", 0, {0: 1.0}, true_grade=0.0),
        GradedScan("b.nii", np.int64(1), {np.int64(1): 1.0}, true_grade=2.0),
    ]
    write_report(tmp_path / "r.html", title="t", summary=summary, scans=scans)
    text = Page(tmp_path / "r.html").text
    section = text[text.index("Misgraded scans") : text.index("Worst scans")]
    assert "b.nii" in section
    assert "a.nii" not in section


def test_a_single_grade_makes_a_report(page):
    assert (
        "4 scans graded"
        in page(truth=["none"] * 4, pred=["none"] * 4, grades=["none"]).text
    )


def test_names_that_are_not_utf_8_are_written_with_escapes(page):
    names = [b"M\xfcller.nii".decode("utf-8", "surrogateescape")] * 4
    assert "M\\udcfcller.nii" in page(names=names).text
