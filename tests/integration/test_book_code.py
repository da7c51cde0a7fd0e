"""The code of the book that ships: what is marked runnable runs, and all Python parses."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from markdown_it.token import Token

from generator.source import load_book, walk

ROOT = Path(__file__).parent.parent.parent
SECONDS = 60


def _blocks() -> Iterator[tuple[str, Token]]:
    """Every Python block, named by its question and its number in it."""
    for question in load_book(ROOT).questions:
        tokens = [token for block in question.blocks for token in walk(block.tokens)]
        code = (token for token in tokens if token.type == "fence")
        python = (token for token in code if token.meta["language"] == "python")
        for number, token in enumerate(python, 1):
            yield f"{question.id}-{number}", token


BLOCKS = dict(_blocks())
RUNNABLE = [name for name, token in BLOCKS.items() if "runnable" in token.meta["classes"]]


@pytest.mark.parametrize("name", RUNNABLE)
def test_runnable_code_runs(name: str, tmp_path: Path) -> None:
    """In a process of its own, with NumPy and nothing else of note, and without a warning."""
    command = [sys.executable, "-I", "-W", "error", "-c", BLOCKS[name].content]
    done = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, timeout=SECONDS, check=False
    )
    assert done.returncode == 0, done.stderr
    assert not done.stderr


def test_all_code_parses() -> None:
    for token in BLOCKS.values():
        ast.parse(token.content)
