"""The import direction promised in docs/architecture.rst."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "briqa_sk"

# Top to bottom. A module imports from lower lines only; units on one line do
# not know each other.
FLOORS = re.search(
    r"^   cli$.*?^   exceptions$",
    (ROOT / "docs" / "architecture.rst").read_text(),
    re.M | re.S,
)[0]
LEVEL = {
    unit: -depth
    for depth, line in enumerate(FLOORS.splitlines())
    for unit in line.split()
}


def unit_of(dotted):
    return dotted.split(".")[1]


def imports_of(path):
    """Every briqa_sk import in a file, those inside functions included."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name}: use absolute imports"
            yield node.module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


MODULES = sorted(
    p for p in PACKAGE.rglob("*.py") if p.parent != PACKAGE or p.stem in LEVEL
)


def test_every_unit_stands_on_a_floor():
    units = {path.stem for path in PACKAGE.iterdir() if path.name[:2] != "__"}
    assert units == set(LEVEL)


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_module_imports_lower_layers_only(path):
    unit = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    for name in imports_of(path):
        if name == "briqa_sk":
            pytest.fail(f"{unit} imports the package root")
        if name.startswith("briqa_sk.") and unit_of(name) != unit:
            target = unit_of(name)
            assert LEVEL[target] < LEVEL[unit], f"{unit} must not import {target}"
