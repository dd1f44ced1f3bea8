import platform

import numpy as np

from briqa_sk.reporting import provenance, software_versions


def test_versions_are_those_that_run():
    versions = software_versions()
    assert versions["numpy"] == np.__version__
    assert versions["Python"] == platform.python_version()


def test_a_package_that_is_absent_is_left_out(monkeypatch):
    monkeypatch.setattr(provenance, "PACKAGES", ("no-such-package",))
    assert list(software_versions()) == ["Python"]
