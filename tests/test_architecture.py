"""The import direction promised in docs/architecture.rst."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "briqa_sk"

# Top to bottom. A module imports from lower lines only; units on one line do
# not know each other.
LAYERS = """
cli
runner
explain persistence reporting
datasets estimators model_selection
calibration preprocessing simulation
losses metrics networks sampling
base
io kernels
_optional _random _validation _version
exceptions
"""
LEVEL = {
    unit: -depth
    for depth, line in enumerate(LAYERS.split("\n"))
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


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_module_imports_lower_layers_only(path):
    unit = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    for name in imports_of(path):
        if name == "briqa_sk":
            pytest.fail(f"{unit} imports the package root")
        if name.startswith("briqa_sk.") and unit_of(name) != unit:
            target = unit_of(name)
            assert LEVEL[target] < LEVEL[unit], f"{unit} must not import {target}"
