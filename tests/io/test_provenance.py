"""Who a scan is, whether artifacts can act on it, and the JSON beside a scan."""

import hashlib

import numpy as np
import pytest

from briqa_sk import Volume
from briqa_sk.io.provenance import (
    inspect_source,
    is_unchanged,
    read_facts,
    read_made,
    sidecar_of,
    write_made,
)
from briqa_sk.io.writing import write_volume

CUBE = Volume(np.arange(8.0).reshape(2, 2, 2))


def test_a_source_is_known_by_its_bytes(tmp_path):
    path = tmp_path / "scan.nii.gz"
    write_volume(CUBE, path)
    source = inspect_source(str(path))
    assert source.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_scan_with_negative_voxels_is_no_source(tmp_path):
    write_volume(Volume(CUBE.data - 1), tmp_path / "scan.nii.gz")
    with pytest.raises(ValueError, match=r"must be a magnitude image, .* got -1"):
        inspect_source(str(tmp_path / "scan.nii.gz"))


def test_a_scan_is_made_when_it_and_its_facts_are_there(tmp_path):
    path = tmp_path / "new" / "scan.nii.gz"
    assert read_made(path) is None
    write_made(CUBE, path, {"seed": 3})
    assert read_made(path)["seed"] == 3
    path.unlink()
    assert read_made(path) is None
    write_made(CUBE, path, {"seed": 3})
    sidecar_of(path).unlink()
    assert read_made(path) is None


def test_a_scan_that_was_cut_is_to_be_made(tmp_path):
    path = tmp_path / "scan.nii.gz"
    write_made(CUBE, path, {})
    path.write_bytes(path.read_bytes()[:-9])
    assert read_made(path) is None


def test_a_changed_byte_is_seen(tmp_path):
    path = tmp_path / "scan.nii.gz"
    write_made(CUBE, path, {})
    facts, content = read_made(path), bytearray(path.read_bytes())
    assert is_unchanged(path, facts)
    content[-1] ^= 1
    path.write_bytes(content)
    assert read_made(path) == facts
    assert not is_unchanged(path, facts)


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[1]"])
def test_what_is_no_json_object_holds_no_facts(tmp_path, content):
    (tmp_path / "scan.json").write_bytes(content)
    assert read_facts(tmp_path / "scan.json") == {}
