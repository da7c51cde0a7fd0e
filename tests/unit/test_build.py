"""Building: whole files or none, and bytes that depend on the input alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from generator import build
from generator.build import write_atomically
from generator.diagnostics import BookError


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "书" / "a.bin"
    assert write_atomically(path, b"one") == 3
    assert write_atomically(path, b"three") == 5
    assert path.read_bytes() == b"three"
    assert list(path.parent.iterdir()) == [path]


def test_a_full_disk_leaves_the_earlier_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(b"earlier")

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(build.os, "fsync", fail)
    with pytest.raises(BookError, match="No space left on device"):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"earlier"
    assert list(tmp_path.iterdir()) == [path]
