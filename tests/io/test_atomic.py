import os
import stat

import pytest

from briqa_sk.io.atomic import write_atomically


def test_the_file_is_whole(tmp_path):
    write_atomically(tmp_path / "a", lambda file: file.write(b"new"))
    assert (tmp_path / "a").read_bytes() == b"new"


@pytest.mark.parametrize("error", [OSError(28, "No space left"), KeyboardInterrupt()])
def test_a_failure_leaves_what_was_there(tmp_path, error):
    (tmp_path / "a").write_bytes(b"old")

    def write(file):
        file.write(b"half")
        raise error

    with pytest.raises(type(error)):
        write_atomically(tmp_path / "a", write)
    assert (tmp_path / "a").read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["a"]


def test_the_file_has_the_permissions_of_any_new_file(tmp_path):
    write_atomically(tmp_path / "a", lambda file: file.write(b"new"))
    (tmp_path / "b").write_bytes(b"new")
    modes = [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in "ab"]
    assert modes[0] == modes[1]


def test_an_error_names_the_file_and_not_the_temporary_one(tmp_path):
    target = tmp_path / "nowhere" / "a"
    with pytest.raises(FileNotFoundError) as missing:
        write_atomically(target, lambda file: file.write(b"new"))
    assert str(missing.value) == f"[Errno 2] No such file or directory: '{target}'"
    with pytest.raises(IsADirectoryError) as folder:
        write_atomically(tmp_path, lambda file: file.write(b"new"))
    assert str(folder.value).endswith(f"'{tmp_path}'")
    assert os.listdir(tmp_path) == []
