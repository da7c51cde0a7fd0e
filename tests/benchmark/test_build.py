"""Our build beside Pandoc's, in one run: whole processes in turns, medians, peak memory.

Nothing here fails for being slow: times depend on the machine, and only ratios on the code.
``BENCH_ROUNDS=9 make bench`` measures more often.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import median

import pypandoc
import pytest
from rich.console import Console
from rich.table import Table

from tests.benchmark.book import PROJECT, write_book

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "5"))
EPUBS = ("epub", "epub-compat")
FORMATS = ("apkg", *EPUBS)
_MEBIBYTE = 2**20
_MAXRSS_UNIT = 1 if sys.platform == "darwin" else 1024
"""Bytes; getrusage(2) counts in bytes on macOS, in KiB on Linux."""


@dataclass(frozen=True, slots=True)
class Command:
    """A process to measure.

    Before each run, the folder ``forget`` is removed, and the chapter ``edit`` gets one more line,
    in which ``{}`` is a new number.
    """

    arguments: Sequence[str]
    folder: Path = PROJECT
    forget: Path | None = None
    edit: Path | None = None
    line: str = ""


@dataclass(frozen=True, slots=True)
class Run:
    """One process: seconds by the clock and of the processors; the most memory it held, in MiB.

    ``phases`` are the seconds between the lines “… …” by which our build reports its steps.
    """

    seconds: float
    work: float
    memory: float
    phases: Mapping[str, float]


def run(command: Command) -> Run:
    """Run a command and wait for it; what it prints is shown only if it fails."""
    if command.forget:
        shutil.rmtree(command.forget, ignore_errors=True)
    if command.edit:
        with command.edit.open("a", encoding="utf-8") as chapter:
            chapter.write(f"\n{command.line.format(time.time_ns())}\n")
    lines: list[tuple[str, float]] = [("start …\n", time.perf_counter())]
    with subprocess.Popen(
        command.arguments,
        cwd=command.folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        lines += ((line, time.perf_counter()) for line in process.stdout or ())
        _pid, status, usage = os.wait4(process.pid, 0)
        end = time.perf_counter()
        process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, "".join(line for line, _ in lines)
    return Run(
        seconds=end - lines[0][1],
        work=usage.ru_utime + usage.ru_stime,
        memory=usage.ru_maxrss * _MAXRSS_UNIT / _MEBIBYTE,
        phases=dict(_phases(lines, end)),
    )


def _phases(lines: Sequence[tuple[str, float]], end: float) -> Iterator[tuple[str, float]]:
    steps = [(line.removesuffix(" …\n"), when) for line, when in lines if line.endswith(" …\n")]
    for (name, begun), (_next, ended) in pairwise([*steps, ("", end)]):
        yield name, ended - begun


@dataclass(frozen=True, slots=True)
class Bench:
    """The book to measure with, and where the artefacts go."""

    root: Path
    out: Path
    chapters: Sequence[Path]

    def ours(self, *formats: str, forget: Path | None = None, line: str = "") -> Command:
        build = [sys.executable, "-m", "generator", "build", *formats]
        arguments = [*build, "--root", str(self.root), "--out", str(self.out)]
        return Command(arguments, forget=forget, edit=self.chapters[0] if line else None, line=line)

    def pandoc(self, *options: str) -> Command:
        reads = ["-f", "markdown+east_asian_line_breaks", "-M", "title=Benchmark", "-M", "lang=zh"]
        writes = ["-t", "epub3", "--mathml", "--toc", "-o", str(self.out / "pandoc.epub")]
        arguments = [pypandoc.get_pandoc_path(), *reads, *writes, *options]
        # Pandoc looks for figures from its working folder, and they lie beside every part's.
        return Command([*arguments, *map(str, self.chapters)], self.chapters[0].parent)

    @property
    def citeproc(self) -> list[str]:
        return ["--citeproc", "--bibliography", str(self.root / "content" / "references.yaml")]


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    root, out = tmp_path / "book", tmp_path / "out"
    bench = Bench(root, out, write_book(root))
    run(bench.ours(*FORMATS))  # fills the caches
    return bench


def test_build(bench: Bench) -> None:
    commands = {
        "pandoc: epub": bench.pandoc(*bench.citeproc),
        "pandoc: epub, no --citeproc": bench.pandoc(),
        "ours: apkg, epub, epub-compat": bench.ours(*FORMATS),
        "… with pictures to draw": bench.ours(*FORMATS, forget=bench.out / "cache/epub-compat"),
        "ours: epub, epub-compat": bench.ours(*EPUBS),
        "… after an edit": bench.ours(*EPUBS, line="又一句，数是 {}。"),
        "… and a new formula": bench.ours(*EPUBS, line="又一句，数是 $x_{{{}}}$。"),
        "ours: epub": bench.ours("epub"),
        "ours: apkg": bench.ours("apkg"),
    }
    runs: dict[str, list[Run]] = {name: [] for name in commands}
    for _ in range(ROUNDS):
        for name, command in commands.items():
            runs[name].append(run(command))
    _print_runs(runs)
    _print_phases(runs["ours: apkg, epub, epub-compat"])
    _print_phases(runs["… and a new formula"])


def _print_runs(runs: Mapping[str, Sequence[Run]]) -> None:
    full, bare = (
        median(run.seconds for run in runs[name])
        for name in ("pandoc: epub", "pandoc: epub, no --citeproc")
    )
    table = Table(
        "", "seconds", ": pandoc", ": no citeproc", "fastest", "CPU seconds", "peak MiB", box=None,
        title=f"500 questions, 150 formulas, math cache warm: medians of {ROUNDS} runs",
    )  # fmt: skip
    for name, measured in runs.items():
        seconds = median(run.seconds for run in measured)
        fastest = min(run.seconds for run in measured)
        work = median(run.work for run in measured)
        memory = max(run.memory for run in measured)
        figures = (seconds, seconds / full, seconds / bare, fastest, work)
        table.add_row(name, *(f"{figure:.2f}" for figure in figures), f"{memory:.0f}")
    _print(table)


def _print_phases(runs: Sequence[Run]) -> None:
    table = Table("phase", "seconds", box=None, title="Our build, by phase")
    for name in runs[0].phases:
        table.add_row(name, f"{median(run.phases[name] for run in runs):.2f}")
    _print(table)


def _print(table: Table) -> None:
    console = Console(width=100)
    console.print()
    console.print(table)
