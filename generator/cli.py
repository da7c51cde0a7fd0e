"""The command line. Only this module prints."""

from __future__ import annotations

import gc
import json
import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn
from rich.table import Table

from generator import __version__
from generator.build import (
    MATH_CACHE,
    Options,
    Reporter,
    Result,
    build_book,
    build_time,
    check_book,
)
from generator.config import PAPERS
from generator.diagnostics import CODES, BookError, Diagnostic, Diagnostics, Severity
from generator.exporters import available, load
from generator.formula import MathJaxUnavailable
from generator.ledger import Release
from generator.lint import lint_book
from generator.source import load_book, load_bounds
from generator.starter import create_book

_root = click.option(
    "--root",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=Path(),
    help="The folder that holds content/ (default: here).",
)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="studyguide")
def main() -> None:
    """One content source, rendered into an Anki deck, a handbook and an EPUB."""
    # What is read stays to the end: looking through it for garbage takes a sixth of a build.
    gc.set_threshold(50_000, 20, 50)


# -- build ----------------------------------------------------------------------------------------


@main.command()
@click.argument("formats", nargs=-1, metavar="[FORMAT]…")
@_root
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where the artefacts go (default: ROOT/build).",
)
@click.option(
    "--jobs",
    type=click.IntRange(min=1),
    default=lambda: os.cpu_count() or 1,
    help="How many processes may work at once (default: one a processor).",
)
@click.option(
    "--paper", type=click.Choice(PAPERS), help="The handbook's paper (default: the book's)."
)
@click.option(
    "--print", "print_ready", is_flag=True, help="Make the handbook for a printing house."
)
def build(  # noqa: PLR0913, PLR0917 - one argument an option
    formats: tuple[str, ...],
    root: Path,
    out: Path | None,
    jobs: int,
    paper: str | None,
    print_ready: bool,
) -> None:
    """Build the artefacts in FORMAT…, or in all installed formats."""
    options = Options(
        root=root,
        out=out or root / "build",
        formats=_chosen(formats),
        paper=paper,
        print_ready=print_ready,
        jobs=jobs,
    )
    diagnostics = Diagnostics()
    console = Console(stderr=True)
    with _reporter(console) as reporter, _diagnosed(console):
        results = build_book(options, diagnostics, reporter)
    _print_text(console, diagnostics)
    Console().print(_closing_table(results))


def _chosen(formats: Sequence[str]) -> list[str]:
    """The formats asked for, in the order in which exporters may build on each other."""
    installed = list(available())
    unknown = [name for name in formats if name not in installed]
    if unknown:
        legal = ", ".join(installed)
        raise click.UsageError(f"no such format: {', '.join(unknown)}. Installed are {legal}.")
    return [name for name in installed if not formats or name in formats]


def _closing_table(results: Iterable[Result]) -> Table:
    table = Table(box=None, pad_edge=False)
    for title, justify in (
        ("artefact", "left"),
        ("size", "right"),
        ("holds", "left"),
        ("seconds", "right"),
    ):
        table.add_column(title, justify=justify)  # type: ignore[arg-type]
    for result in results:
        holds = ", ".join(
            f"{count:,} {unit[:-1] if count == 1 else unit}"
            for unit, count in result.counts.items()
        )
        table.add_row(str(result.path), _size(result.size), holds, f"{result.seconds:.1f}")
    return table


def _size(size: int) -> str:
    return f"{size / 1e6:.1f} MB" if size >= 1_000_000 else f"{size / 1e3:.0f} KB"


# -- check ----------------------------------------------------------------------------------------


@main.command()
@_root
@click.option(
    "--format",
    "style",
    type=click.Choice(["text", "json", "github"]),
    default="text",
    help="How diagnostics are printed.",
)
def check(root: Path, style: str) -> None:
    """Check the book without building anything. Exit status 1 if it has an error."""
    diagnostics = Diagnostics()
    cache = root / "build" / "cache" / MATH_CACHE
    try:
        book, _ = check_book(root, cache if cache.parent.is_dir() else None, diagnostics, QUIET)
        diagnostics.extend(lint_book(book))
    except BookError as error:
        diagnostics.extend(error.diagnostics)
    except MathJaxUnavailable as error:
        raise click.ClickException(str(error)) from error
    _PRINTERS[style](Console(soft_wrap=True), diagnostics)
    if diagnostics.has_errors:
        raise SystemExit(1)


_STYLES = {Severity.ERROR: "bold red", Severity.WARNING: "yellow", Severity.ADVICE: "cyan"}


def _print_text(console: Console, diagnostics: Iterable[Diagnostic]) -> None:
    counts = dict.fromkeys(Severity, 0)
    for item in diagnostics:
        counts[item.severity] += 1
        style = _STYLES[item.severity]
        console.print(f"{item.position}: ", end="", markup=False, highlight=False, soft_wrap=True)
        console.print(
            f"{item.severity} [{item.code}]", end=" ", style=style, markup=False, highlight=False
        )
        console.print(item.message, markup=False, highlight=False, soft_wrap=True)
        if item.hint:
            console.print(
                f"    {item.hint}", style="dim", markup=False, highlight=False, soft_wrap=True
            )
    if any(counts.values()):
        advice = counts.pop(Severity.ADVICE)
        words = [f"{count} {severity}{'s' * (count != 1)}" for severity, count in counts.items()]
        words += [f"{advice} advice"] if advice else []
        console.print(", ".join(words), highlight=False)


def _print_json(console: Console, diagnostics: Iterable[Diagnostic]) -> None:
    items = [
        {
            "code": item.code,
            "severity": item.severity,
            "path": item.position.path,
            "line": item.position.line,
            "column": item.position.column,
            "message": item.message,
            "hint": item.hint,
        }
        for item in diagnostics
    ]
    click.echo(json.dumps(items, ensure_ascii=False, indent=2), file=console.file)


def _print_github(console: Console, diagnostics: Iterable[Diagnostic]) -> None:
    """GitHub's workflow commands, which mark lines in a pull request."""
    for item in diagnostics:
        place = item.position
        properties = {
            "file": place.path,
            "line": place.line,
            "col": place.column,
            "title": item.code,
        }
        words = f"{item.message} {item.hint}".strip()
        fields = ",".join(f"{key}={_escape(str(value), ':,')}" for key, value in properties.items())
        command = "notice" if item.severity is Severity.ADVICE else item.severity
        click.echo(f"::{command} {fields}::{_escape(words)}", file=console.file)


def _escape(text: str, more: str = "") -> str:
    for character in f"%\r\n{more}":
        text = text.replace(character, f"%{ord(character):02X}")
    return text


_PRINTERS: dict[str, Callable[[Console, Iterable[Diagnostic]], None]] = {
    "text": _print_text,
    "json": _print_json,
    "github": _print_github,
}


# -- inspect --------------------------------------------------------------------------------------


@main.command()
@click.argument(
    "file", metavar="FILE.pdf", type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@_root
@click.option("--json", "as_json", is_flag=True, help="Print JSON, with every finding.")
def inspect(file: Path, root: Path, as_json: bool) -> None:
    """Measure the typography of a handbook. Exit status 1 beyond the bounds in book.yaml."""
    from generator.inspection import report  # pikepdf: nobody else waits for it

    console = Console(soft_wrap=True)
    with _diagnosed(Console(stderr=True)):
        bounds = load_bounds(root)
    try:
        found = report.inspect_file(file, bounds)
    except report.UnreadableError as error:
        raise click.ClickException(str(error)) from error
    if as_json:
        click.echo(json.dumps(found.as_json(), ensure_ascii=False, indent=2))
    else:
        table = Table(box=None, pad_edge=False)
        for column in ("measure", "found", "bound", ""):
            table.add_column(column, justify="right" if column in {"found", "bound"} else "left")
        for measure in found.measures():
            style = "bold red" if measure.is_exceeded else ""
            verdict = "beyond" if measure.is_exceeded else ""
            table.add_row(measure.name, measure.found, measure.bound, verdict, style=style)
        console.print(table)
        for line in found.listing(_LISTED):
            console.print(line, markup=False, highlight=False)
    if found.exceeded:
        raise SystemExit(1)


_LISTED = 12
"""Findings of a kind that are printed; JSON has them all."""


# -- list and init --------------------------------------------------------------------------------


@main.command("list")
@click.argument("what", type=click.Choice(["formats", "questions", "codes"]))
@_root
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_command(what: str, root: Path, as_json: bool) -> None:
    """List the installed formats, the book's questions, or the diagnostic codes."""
    rows = _questions(root) if what == "questions" else _LISTS[what]()
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False, indent=2))
        return
    table = Table(box=None, pad_edge=False)
    for column in rows[0] if rows else ():
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*map(str, row.values()))
    Console().print(table)


def _formats() -> list[dict[str, Any]]:
    return [
        {"format": name, "suffix": exporter.suffix, "summary": exporter.summary}
        for name, exporter in ((name, load(name)) for name in available())
    ]


def _codes() -> list[dict[str, Any]]:
    return [
        {"code": code.name, "severity": code.severity.value, "summary": code.summary}
        for code in CODES.values()
    ]


_LISTS: dict[str, Callable[[], list[dict[str, Any]]]] = {"formats": _formats, "codes": _codes}


def _questions(root: Path) -> list[dict[str, Any]]:
    with _diagnosed(Console(stderr=True)):
        book = load_book(root)
    return [
        {
            "id": question.id,
            "level": question.level,
            "hot": question.hot,
            "chapter": chapter.id,
            "question": question.title,
            "position": str(question.position),
        }
        for chapter in book.chapters
        for question in chapter.questions
    ]


@main.command()
@click.argument("folder", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))
def init(folder: Path) -> None:
    """Create a new book in DIR, which builds at once."""
    try:
        written = create_book(folder)
    except FileExistsError as error:
        raise click.UsageError(f"{error.args[0]} exists already") from error
    for path in written:
        click.echo(path)
    click.echo(f"Now run: studyguide build --root {click.format_filename(folder)}")


# -- release --------------------------------------------------------------------------------------


@main.command()
@click.argument("version")
@_root
def release(version: str, root: Path) -> None:
    """Release the book as VERSION: move its ledger and its change log on.

    The time of the release is SOURCE_DATE_EPOCH, or now.
    """
    from generator.release import Wanted, release_book  # genanki: nobody else waits for it

    diagnostics = Diagnostics()
    console = Console(stderr=True)
    with _reporter(console) as reporter, _diagnosed(console):
        wanted = Wanted(version, build_time(), int(time.time()))
        outcome = release_book(root, wanted, diagnostics, reporter)
    _print_text(console, diagnostics)
    if outcome.release is None:
        click.echo(f"Nothing has changed since release {outcome.last}; nothing was written.")
        return
    for line in _news(outcome.release, outcome.last):
        click.echo(line)
    if not outcome.listed:
        click.echo("Readers do not see it yet: add CHANGES.md to “back” in content/book.yaml.")


def _news(edition: Release, last: str) -> Iterator[str]:
    notes = sum(edition.sizes.values())
    yield f"Released {edition.version}, {notes:,} note{'s' * (notes != 1)}, " + (
        f"after {last}:" if last else "for the first time."
    )
    for verb in ("new", "returned", "changed", "moved", "renamed", "withdrawn"):
        for entry in getattr(edition, verb):
            name = entry if isinstance(entry, str) else entry.note
            origin = "" if isinstance(entry, str) else f" (from {entry.before})"
            yield f"  {verb:<9} {name}{origin}"
    yield "Commit content/ledger.yaml and content/CHANGES.md, then build."


# -- who watches ----------------------------------------------------------------------------------


class _diagnosed:  # noqa: N801 - reads as a statement
    """Print the diagnostics of a failed phase and exit with status 1."""

    def __init__(self, console: Console) -> None:
        self.console = console

    def __enter__(self) -> None:
        pass

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, BookError):
            _print_text(self.console, error.diagnostics)
            raise SystemExit(1) from error
        if isinstance(error, MathJaxUnavailable):
            raise click.ClickException(str(error)) from error


class Quiet:
    """A reporter that says nothing."""

    def __enter__(self) -> Reporter:
        return self

    def __exit__(self, *_error: object) -> None:
        pass

    def step(self, name: str) -> None:
        """Say nothing."""

    def progress(self, done: int, total: int) -> None:
        """Say nothing."""


QUIET = Quiet()
"""For whoever wants no report."""


class _Lines(Quiet):
    """Plain lines, for logs."""

    def __init__(self, console: Console) -> None:
        self.console = console

    def step(self, name: str) -> None:
        """Name the step."""
        self.console.print(f"{name} …", highlight=False)


class _Bar(Quiet):
    """A progress bar, for terminals."""

    def __init__(self, console: Console) -> None:
        self.bar = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            console=console,
            transient=True,
        )

    def __enter__(self) -> Reporter:
        self.bar.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.bar.stop()

    def step(self, name: str) -> None:
        """Begin a bar of its own."""
        for task in self.bar.task_ids:
            self.bar.remove_task(task)
        self.bar.add_task(name, total=None)

    def progress(self, done: int, total: int) -> None:
        """Move the bar."""
        for task in self.bar.task_ids:
            self.bar.update(task, completed=done, total=total)


def _reporter(console: Console) -> Quiet:
    return _Bar(console) if console.is_terminal else _Lines(console)
