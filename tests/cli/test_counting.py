"""Numbers of things, in words."""

import pytest

from briqa_sk.cli.counting import counted


@pytest.mark.parametrize(
    ("number", "text"), [(0, "0 scans"), (1, "1 scan"), (2, "2 scans")]
)
def test_one_takes_the_singular(number, text):
    assert counted(number, "scan") == text
