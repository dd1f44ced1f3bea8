import numpy as np
import pytest
from safetensors import safe_open

from briqa_sk import Volume
from briqa_sk.preprocessing._entry import pack, unpack


def test_any_memory_order_comes_back_with_its_values(tmp_path):
    data = np.random.default_rng(0).normal(size=(3, 4, 5)).astype(np.float32)
    for index, view in enumerate([data, data.T, data[::-1, ::2]]):
        path = tmp_path / str(index)
        path.write_bytes(pack(Volume(view, path="scan", history=("a", "b"))))
        volume = unpack(path)
        np.testing.assert_array_equal(volume.data, view)
        assert (volume.path, volume.history) == ("scan", ("a", "b"))


def test_an_entry_is_an_ordinary_safetensors_file(tmp_path):
    (tmp_path / "entry").write_bytes(pack(Volume(np.ones((2, 2, 2)))))
    with safe_open(tmp_path / "entry", framework="numpy") as file:
        assert set(file.keys()) == {"affine", "data", "source_affine"}


@pytest.mark.parametrize("position", [-1, -130, -260, -1000])  # arrays are at the end
def test_a_flipped_bit_is_found(tmp_path, position):
    content = bytearray(pack(Volume(np.random.default_rng(0).normal(size=(9, 9, 9)))))
    content[position] ^= 1
    (tmp_path / "entry").write_bytes(content)
    with pytest.raises(ValueError, match="checksum"):
        unpack(tmp_path / "entry")
