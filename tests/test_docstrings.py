"""Docstrings name the parameters that exist, in their order."""

import ast
import re
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "briqa_sk"
SECTION = re.compile(
    r"^ *Parameters\n *-{10}\n(.*?)(?=\n *\n *[A-Z][A-Za-z ]+\n *-{4}|\Z)", re.S | re.M
)


def documented(docstring):
    """Return the parameter names of a numpydoc docstring, or None without any."""
    match = SECTION.search(ast.literal_eval(repr(docstring)) or "")
    if match is None:
        return None
    lines = match[1].splitlines()
    indent = min(len(s) - len(s.lstrip()) for s in lines if s.strip())
    names = [s.strip() for s in lines if s.strip() and s[indent] != " "]
    return [n.strip("* ") for s in names for n in s.split(" : ")[0].split(",")]


def signature(function):
    args = function.args
    ordered = [*args.posonlyargs, *args.args, args.vararg, *args.kwonlyargs, args.kwarg]
    return [a.arg for a in ordered if a and a.arg not in ("self", "cls")]


def pairs():
    """Yield (label, docstring, function) for every documented callable."""
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef):
                init = [f for f in node.body if getattr(f, "name", "") == "__init__"]
                target = init[0] if init else None
            elif isinstance(node, ast.FunctionDef):
                target = node
            else:
                continue
            text = ast.get_docstring(node)
            if target is not None and text and documented(text) is not None:
                yield pytest.param(text, target, id=f"{path.stem}.{node.name}")


@pytest.mark.parametrize(("text", "function"), list(pairs()))
def test_documented_parameters_match_the_signature(text, function):
    assert documented(text) == signature(function)
