"""The README and the guide run when they are pasted, page by page, from the top."""

import doctest
import re
import shutil
from pathlib import Path
from textwrap import dedent

import joblib
import pytest
from sklearn import config_context

ROOT = Path(__file__).parents[1]
SCANS = ROOT / "docs" / "user_guide" / "index.rst"
PAGES = [
    ROOT / "README.md",
    *(ROOT / "docs" / f"{name}.rst" for name in ("index", "quick_start")),
    ROOT / "docs" / "adding_a_network.rst",
    *sorted({*SCANS.parent.glob("*.rst")} - {SCANS}),
]
BLOCK = {
    ".md": re.compile(r"^```python\n(.*?)^```$", re.S | re.M),
    ".rst": re.compile(r"^( *)\.\. code-block:: python\n((?:\1 +\S.*\n| *\n)+)", re.M),
}


def python_blocks(text, suffix):
    """Yield (number of lines before it, code) of each python block of a page."""
    for match in BLOCK[suffix].finditer(text):
        code = match[match.lastindex]
        yield text.count("\n", 0, match.start(match.lastindex)), dedent(code)


def paste(page, names):
    """Run the blocks of a page in one namespace; a traceback points into the page."""
    for n_lines, code in python_blocks(page.read_text("utf-8"), page.suffix):
        if ">>>" in code:
            run_doctest(code, names, page, n_lines)
        else:
            program = compile("\n" * n_lines + code, page, "exec")
            exec(program, names)  # noqa: S102 (our own pages)


def run_doctest(code, names, page, n_lines):
    parser, runner = doctest.DocTestParser(), doctest.DocTestRunner()
    example = parser.get_doctest(code, names, page.name, str(page), n_lines)
    report = []
    runner.run(example, out=report.append, clear_globs=False)
    assert not runner.failures, "".join(report)
    names.update(example.globs)


@pytest.fixture(scope="module")
def scans(tmp_path_factory):
    """Folder with the scans and tables that the first page of the guide makes."""
    folder = tmp_path_factory.mktemp("guide")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        paste(SCANS, {})
    return folder


@pytest.fixture
def folder(scans, tmp_path, monkeypatch):
    """Working directory with a copy of these scans, and settings that end with it."""
    shutil.copytree(scans, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    # Threads, because worker processes stay in the folder where the first one began.
    with config_context(), joblib.parallel_config(backend="threading"):
        yield tmp_path


def test_blocks_are_found_in_both_markups():
    markdown = "Text.\n\n```python\nif x:\n    y\n```\n\n```bash\nls\n```\n"
    rest = "Text.\n\n.. code-block:: python\n\n   if x:\n\n       y\n\nText.\n"
    assert list(python_blocks(markdown, ".md")) == [(3, "if x:\n    y\n")]
    assert list(python_blocks(rest, ".rst")) == [(3, "\nif x:\n\n    y\n\n")]


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_runs_when_pasted(page, folder):
    paste(page, {"__name__": "__main__"})
