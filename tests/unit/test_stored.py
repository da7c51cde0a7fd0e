"""Files of a cache: whole or not there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from generator.stored import keep_newest, read_stored, write_stored


def test_what_is_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "new" / "entry"
    assert read_stored(path) is None
    write_stored(path, b"payload")
    assert read_stored(path) == b"payload"
    write_stored(path, b"")
    assert read_stored(path) == b""


@pytest.mark.parametrize("place", [0, 31, 32, 38])
def test_a_flipped_bit_is_noticed(tmp_path: Path, place: int) -> None:
    path = tmp_path / "entry"
    write_stored(path, b"payload")
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(data)
    assert read_stored(path) is None


@pytest.mark.parametrize("length", [0, 5, 32, 38])
def test_a_short_file_is_noticed(tmp_path: Path, length: int) -> None:
    path = tmp_path / "entry"
    write_stored(path, b"payload")
    path.write_bytes(path.read_bytes()[:length])
    assert read_stored(path) is None


def test_a_folder_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    write_stored(tmp_path / "file" / "entry", b"payload")
    assert read_stored(tmp_path / "file" / "entry") is None


def test_a_disk_that_fills_up_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    write_stored(tmp_path / "entry", b"payload")
    assert not list(tmp_path.iterdir())


def test_the_newest_are_kept(tmp_path: Path) -> None:
    paths = [tmp_path / name for name in "abcd"]
    for age, path in enumerate(paths):
        path.touch()
        os.utime(path, ns=(age, age))
    keep_newest([*paths, tmp_path / "gone"], 2)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["c", "d"]
