"""Nothing public is left without a test, an export and a page."""

import ast
import importlib
import pkgutil
from pathlib import Path

import pytest

import briqa_sk

PACKAGE = Path(briqa_sk.__file__).parent
TESTS = Path(__file__).parent
DOCS = TESTS.parent / "docs"
MODULES = [
    name
    for _, name, is_folder in pkgutil.walk_packages(briqa_sk.__path__, "briqa_sk.")
    if not is_folder and not name.rsplit(".", 1)[1].startswith("_")
]
FOLDERS = [
    name
    for _, name, is_folder in pkgutil.iter_modules(briqa_sk.__path__, "briqa_sk.")
    if is_folder
]
#: Folders whose names are for the user; the others are internal.
SHOWN = sorted(set(FOLDERS) - {"briqa_sk.cli", "briqa_sk.kernels"})
#: Modules whose test stands under another name, and which.
TESTED_IN = {
    "briqa_sk.base": "preprocessing/test_every_transformer.py",
    "briqa_sk.cli.copies": "cli/test_simulate.py",
    "briqa_sk.calibration.prior": "estimators/test_prior.py",
    "briqa_sk.estimators.augmentation": "estimators/test_multi_artifact_augment.py",
    "briqa_sk.estimators.planes": "estimators/test_plane.py",
    "briqa_sk.estimators.samples": "estimators/test_augment.py",
    "briqa_sk.estimators.selection": "estimators/test_multi_artifact.py",
    "briqa_sk.io.steps": "io/test_sequence.py",
    "briqa_sk.persistence.codec": "persistence/test_model_file.py",
    "briqa_sk.persistence.registry": "persistence/test_model_file.py",
    "briqa_sk.sampling.shuffled": "sampling/test_every_plan.py",
    "briqa_sk.sampling.slots": "sampling/test_rotating.py",
    "briqa_sk.simulation.corruption": "simulation/test_simulator.py",
    "briqa_sk.simulation.registry": "simulation/test_every_artifact.py",
    **{
        f"briqa_sk.networks.{module}": "networks/test_every_network.py"
        for module in (
            "backbones",
            "densenet",
            "efficientnet",
            "mednext",
            "resnet",
        )
    },
    **{
        f"briqa_sk.cli.{module}": "cli/test_commands.py"
        for module in (
            "demo",
            "grading",
            "main",
            "model",
            "parser",
            "predict",
            "tables",
            "train",
        )
    },
}


@pytest.mark.parametrize("name", MODULES)
def test_every_module_has_a_test_file(name):
    *folders, module = name.split(".")[1:]
    expected = TESTED_IN.get(name, "/".join([*folders, f"test_{module}.py"]))
    assert (TESTS / expected).is_file()


@pytest.mark.parametrize("name", [*FOLDERS, "briqa_sk"])
def test_every_exported_name_exists(name):
    module = importlib.import_module(name)
    assert sorted(module.__all__) == sorted(set(module.__all__))
    for public in module.__all__:
        assert getattr(module, public) is not None


@pytest.mark.parametrize("name", SHOWN)
def test_every_exported_name_is_in_the_api_pages(name):
    page = (DOCS / "api.rst").read_text()
    missing = [n for n in importlib.import_module(name).__all__ if n not in page]
    assert missing == []


def test_top_level_names_come_from_where_they_are_defined():
    for name, home in briqa_sk._PUBLIC.items():
        assert name in importlib.import_module(home).__all__


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'GradeEverything'"):
        _ = briqa_sk.GradeEverything


def test_importing_the_package_imports_nothing_heavy():
    tree = ast.parse((PACKAGE / "__init__.py").read_text())
    imported = {
        node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)
    }
    assert imported == {"importlib", "briqa_sk._version"}
    assert set(briqa_sk.__all__) <= set(dir(briqa_sk))
