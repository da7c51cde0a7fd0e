"""The linked handbook beside one WeasyPrint document with page counters: time, memory, size.

The same XHTML, style sheets, faces and line finishing, in turns on two processors, each run a
process of its own; from XHTML to bytes, and beside it what writing the XHTML takes on both ways.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import pypdfium2
import pytest
from rich.console import Console
from rich.table import Table

from generator.typography.fonts import prepare_book_fonts
from tests.benchmark.book import PROJECT, write_book

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "3"))
PROCESSORS = 2
PARTS = 3
"""Of five chapters each: 360 pages of A5."""

_MEBIBYTE = 2**20


@dataclass(frozen=True, slots=True)
class Run:
    """Seconds by the clock from XHTML to bytes, and those before for the XHTML.

    ``work`` are the seconds of all processors and processes from start to end, ``memory`` the most
    that all processes held, in MiB.
    """

    seconds: float
    writing: float
    work: float
    memory: float


@dataclass(frozen=True, slots=True)
class Bench:
    """A book, its caches, and where the files go."""

    root: Path
    cache: Path
    out: Path
    chapters: Sequence[Path]

    def forget(self) -> None:
        """Leave nothing in the cache but the faces and the formulas."""
        for path in self.cache.iterdir():
            if path.suffix in {".section", ".labels"}:
                path.unlink()

    def edit(self, number: int) -> None:
        """Change one question in the middle of the book."""
        path = self.chapters[len(self.chapters) // 2]
        text = path.read_text(encoding="utf-8")
        place = [match.end() for match in re.finditer(r"^::: pitfall\n“", text, re.MULTILINE)][3]
        path.write_text(f"{text[:place]}第{number}次修改，{text[place:]}", encoding="utf-8")

    def run(self, route: str) -> Run:
        """Make the handbook by a route, ``linked`` or ``whole``."""
        command = [sys.executable, "-m", "tests.benchmark.handbook", str(self.root)]
        command += [str(self.cache), route, str(self.out / f"{route}.pdf")]
        before = os.times()
        with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True) as process:
            peak = _Peak(process.pid)
            peak.start()
            printed, _ = process.communicate()
            peak.join()
        assert process.returncode == 0
        after = os.times()
        work = sum(after[2:4]) - sum(before[2:4])
        seconds, writing = map(float, printed.split())
        return Run(seconds, writing, work, peak.most / _MEBIBYTE)


class _Peak(threading.Thread):
    """Watches the memory of a process and its children; pages that they share count once."""

    def __init__(self, pid: int) -> None:
        super().__init__()
        self.pid = pid
        self.most = 0

    def run(self) -> None:
        while held := sum(map(_held, _family(self.pid))):
            self.most = max(self.most, held)
            time.sleep(0.1)


def _family(pid: int) -> list[int]:
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return [pid]
    return [pid, *(one for child in children for one in _family(int(child)))]


def _held(pid: int) -> int:
    """Bytes: the proportional set size (proc_pid_smaps(5))."""
    try:
        found = re.search(r"^Pss:\s*(\d+) kB", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.M)
    except OSError:
        return 0
    return int(found[1]) * 1024 if found else 0


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    if sys.platform == "linux":
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:PROCESSORS])
    chapters = write_book(tmp_path / "book", parts=PARTS)
    (tmp_path / "cache").mkdir()
    prepare_book_fonts(tmp_path / "cache")
    return Bench(tmp_path / "book", tmp_path / "cache", tmp_path, chapters)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_handbook(bench: Bench) -> None:
    cold: Callable[[int], None] = lambda _: bench.forget()  # noqa: E731 - a row of a table
    ways: dict[str, tuple[str, Callable[[int], None]]] = {
        "one document": ("whole", lambda _: None),
        "linked, cold": ("linked", cold),
        "one question edited": ("linked", bench.edit),
        "nothing changed": ("linked", lambda _: None),
    }
    runs: dict[str, list[Run]] = {name: [] for name in ways}
    for number in range(ROUNDS):
        for name, (route, prepare) in ways.items():
            prepare(number)
            runs[name].append(bench.run(route))
    _print_runs(bench, runs)


def _print_runs(bench: Bench, runs: Mapping[str, Sequence[Run]]) -> None:
    with pypdfium2.PdfDocument(bench.out / "linked.pdf") as pdf:
        pages = len(pdf)
    whole, *_ = (median(run.seconds for run in measured) for measured in runs.values())
    peak, *_ = (max(run.memory for run in measured) for measured in runs.values())
    table = Table(
        "", "seconds", ": one document", "XHTML", "CPU seconds", "peak MiB", ": one document",
        box=None, title=f"{pages} pages, {PROCESSORS} processors: medians of {ROUNDS} runs",
    )  # fmt: skip
    for name, measured in runs.items():
        seconds = median(run.seconds for run in measured)
        memory = max(run.memory for run in measured)
        table.add_row(
            name,
            f"{seconds:.2f}",
            f"{seconds / whole:.3f}",
            f"{median(run.writing for run in measured):.2f}",
            f"{median(run.work for run in measured):.2f}",
            f"{memory:.0f}",
            f"{memory / peak:.2f}",
        )
    sizes = [(bench.out / f"{route}.pdf").stat().st_size for route in ("linked", "whole")]
    console = Console(width=100)
    console.print()
    console.print(table)
    console.print(f"size: {sizes[0] / 1e6:.2f} MB, one document {sizes[1] / 1e6:.2f} MB")
