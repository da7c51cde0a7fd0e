"""How long it takes to check the book that ships, its formulas typeset before."""

from __future__ import annotations

import sys
from statistics import median

from generator.source import load_book
from tests.benchmark.book import PROJECT
from tests.benchmark.test_build import ROUNDS, Command, run

SECONDS = 2.0
"""Asked of a check of the whole book."""


def test_check() -> None:
    command = Command([sys.executable, "-m", "generator", "check"])
    run(Command([sys.executable, "-m", "generator", "build", "apkg"]))  # typesets the formulas
    seconds = median(run(command).seconds for _ in range(ROUNDS))
    count = sum(1 for _ in load_book(PROJECT).questions)
    print(f"\ncheck of {count} questions: {seconds:.2f} s; asked: {SECONDS:.0f} s")
