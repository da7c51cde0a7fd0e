"""Golden tests compare with a stored file; ``UPDATE_GOLDEN=1 pytest tests/golden`` writes it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Protocol

import pytest


class Golden(Protocol):
    """Holds a text against a stored file."""

    def __call__(self, path: Path, actual: str) -> None: ...


@pytest.fixture
def golden() -> Golden:
    return _golden


def _golden(path: Path, actual: str) -> None:
    if os.environ.get("UPDATE_GOLDEN") == "1":
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(actual, encoding="utf-8", newline="\n")
        return
    assert path.is_file(), f"{path} is missing; UPDATE_GOLDEN=1 writes it"
    assert actual == path.read_text(encoding="utf-8")
