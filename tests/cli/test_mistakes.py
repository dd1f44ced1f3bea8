"""Tables that can be read and can't be meant."""

import pytest

from briqa_sk.cli.labels import parse_grades
from briqa_sk.cli.mistakes import refuse_mistakes
from briqa_sk.cli.parser import make_parser
from briqa_sk.cli.rated import read_rated


@pytest.fixture
def judge(tmp_path):
    """Judge a table of scans a, b, c ... with the grades given."""

    def judge_grades(*grades, names="abcdefgh", columns="x", order=None):
        table = tmp_path / "t.csv"
        rows = zip(names, grades, strict=False)
        lines = [f"path,{columns}", *(f"{name},{grade}" for name, grade in rows)]
        table.write_text("\n".join(lines))
        what = ["--table", str(table), "--target", columns, "--out", "m.zip"]
        args = make_parser().parse_args(["train", *what])
        scans = read_rated(args)
        refuse_mistakes(
            scans,
            parse_grades(order, scans.grades),
            table="t.csv",
            path_column="path",
            targets=args.target,
        )

    return judge_grades


def test_good_tables_pass(judge):
    judge(0, 1, 2, 0, 1)
    judge("0.0", "1.0", "1.0")
    judge("True", "False", "True")
    judge("good", "bad", "bad", order="good,bad")
    judge("1", "2a", "2a", "1", order="1,2a")
    judge(0, 1)  # two scans are no evidence of anything
    judge("0,yes", ",no", "1,yes", "1,", columns="x,y")


@pytest.mark.parametrize(
    ("grades", "said"),
    [
        ("1 2 O 1 2", "column x: .* without text among numbers, got O in line 4"),
        ("0 1 l 0 l", "without text among numbers, got l in lines 4, 6"),
        ("ok bad 1 ok bad", "without a number among text, got 1 in line 4"),
    ],
)
def test_a_typo_is_named_by_its_line(judge, grades, said):
    with pytest.raises(ValueError, match=said):
        judge(*grades.split())


def test_a_typo_in_one_of_several_columns_is_found(judge):
    with pytest.raises(ValueError, match=r"column y: .* got O in line 3"):
        judge("0,1", "1,O", "1,2", "0,1", "0,2", columns="x,y")


@pytest.mark.parametrize(
    ("grades", "order"), [("1 2 O 1 2", "1,2"), ("0 1 3 0 0", "0,1")]
)
def test_a_label_that_is_no_grade_is_named_by_its_line(judge, grades, order):
    with pytest.raises(ValueError, match=rf"--grades {order}, got [O3] in line 4\."):
        judge(*grades.split(), order=order)


def test_the_same_file_twice_is_named_by_its_lines(judge, tmp_path):
    with pytest.raises(ValueError, match=r"column path: .*/b in lines 3, 5\. Keep"):
        judge(0, 1, 0, 1, names=["a", "b", "c", "./b"])
    (tmp_path / "link").symlink_to(tmp_path / "a")
    with pytest.raises(ValueError, match=r"/a in lines 2, 3\. 1 more are repeated"):
        judge(0, 1, 0, 1, names=["a", "link", "c", "c"])


@pytest.mark.parametrize("grades", [["s1", "s2", "s3"], [7, 9, 11], ["1", "2", "3a"]])
def test_a_column_of_names_is_no_column_of_grades(judge, grades):
    with pytest.raises(ValueError, match="a value of its own for each of 3 scans"):
        judge(*grades)


@pytest.mark.parametrize("odd", ["0.5", "inf"])
def test_a_fraction_is_named_by_its_line(judge, odd):
    with pytest.raises(ValueError, match=f"column x: .* got {odd} in lines 3, 5"):
        judge(0, odd, 1, odd)


def test_text_of_one_artifact_needs_its_order(judge):
    with pytest.raises(ValueError, match=r"got bad, good\. .* --grades"):
        judge("good", "bad", "bad")


def test_many_lines_are_counted(judge):
    with pytest.raises(ValueError, match="lines 2, 3, 4, 5, 6 and 2 more"):
        judge(*["0.5"] * 7, 1)
