"""From a book's folder to its artefacts: checking, typesetting math, exporting, writing."""

from __future__ import annotations

import os
import re
import tempfile
import time
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from generator.diagnostics import BookError, Diagnostic, Diagnostics, Position
from generator.exporters import Artifact, Context, Exporter, load
from generator.formula import Failure, Formula, Request, Typesetter
from generator.model import Book
from generator.render import Templates
from generator.source import read_book, walk

MATH_CACHE = "formulas.sqlite"


@dataclass(frozen=True, slots=True)
class Options:
    """What a build was asked for. ``paper`` is the book's own where it is ``None``."""

    root: Path
    out: Path
    formats: Sequence[str]
    paper: str | None = None
    print_ready: bool = False
    jobs: int = 1

    @property
    def cache(self) -> Path:
        """Where caches lie; they may be deleted at any time."""
        return self.out / "cache"


@dataclass(frozen=True, slots=True)
class Result:
    """A written artefact: ``size`` in bytes, ``seconds`` of its exporter's work."""

    format: str
    path: Path
    size: int
    counts: Mapping[str, int]
    seconds: float


class Reporter(Protocol):
    """Who watches a build."""

    def step(self, name: str) -> None:
        """A step begins: ``source``, ``math``, or a format."""

    def progress(self, done: int, total: int) -> None:
        """The step has come so far."""


def check_book(
    root: Path, cache: Path | None, diagnostics: Diagnostics, reporter: Reporter
) -> tuple[Book, dict[Request, Formula]]:
    """Read and check a book and typeset its math.

    Warnings stay in ``diagnostics``. Raises :class:`BookError` with everything that is wrong.
    """
    reporter.step("source")
    book = read_book(root, diagnostics)
    if book is None:
        raise BookError(diagnostics)
    reporter.step("math")
    formulas = typeset_math(book, cache, diagnostics)
    diagnostics.raise_errors()
    return book, formulas


def typeset_math(
    book: Book, cache: Path | None, diagnostics: Diagnostics
) -> dict[Request, Formula]:
    """Typeset every formula of the book; those that fail become diagnostics."""
    places: dict[Request, list[Position]] = {}
    for block in book.blocks:
        for token in walk(block.tokens):
            if token.type in {"math_inline", "math_display"}:
                request = Request(token.content, display=token.type == "math_display")
                places.setdefault(request, []).append(token.meta["position"])
    formulas: dict[Request, Formula] = {}
    with Typesetter(cache) as typesetter:
        for request, outcome in typesetter.typeset(places).items():
            if isinstance(outcome, Failure):
                for position in places[request]:
                    hint = f"The formula is {request.tex[:80]}"
                    diagnostics.add("math-failed", position, outcome.message, hint)
            else:
                formulas[request] = outcome
    return formulas


def build_book(options: Options, diagnostics: Diagnostics, reporter: Reporter) -> list[Result]:
    """Make the artefacts, then write them all: they are always of one build.

    Raises :class:`BookError`; nothing has been written then.
    """
    book, formulas = check_book(options.root, options.cache / MATH_CACHE, diagnostics, reporter)
    timestamp = _timestamp()
    templates = Templates(options.root / "templates")
    found: dict[str, Mapping[str, object]] = {}
    made: list[tuple[str, Path, Artifact, float]] = []
    for name in options.formats:
        reporter.step(name)
        exporter = load(name)
        context = Context(
            formulas=formulas,
            templates=templates,
            cache=options.cache / name,
            timestamp=timestamp,
            paper=options.paper or book.paper,
            print_ready=options.print_ready,
            jobs=options.jobs,
            found=found,
            progress=reporter.progress,
            warn=lambda diagnostic: diagnostics.extend([diagnostic]),
        )
        start = time.perf_counter()
        artifact = _export(name, exporter, book, context)
        seconds = time.perf_counter() - start
        found[name] = artifact.found
        made.append((name, options.out / f"{book.id}{exporter.suffix}", artifact, seconds))
    return [
        Result(name, path, write_atomically(path, artifact.data), artifact.counts, seconds)
        for name, path, artifact, seconds in made
    ]


def _timestamp() -> int:
    """The build's time: SOURCE_DATE_EPOCH where it is set (reproducible-builds.org), else now."""
    variable = os.environ.get("SOURCE_DATE_EPOCH", "")
    if not variable:
        return int(time.time())
    if not re.fullmatch(r"\d{1,11}", variable):
        message = f"“{variable}” is no number of seconds since 1970"
        position = Position("SOURCE_DATE_EPOCH")
        raise BookError([Diagnostic("value-invalid", position, message)])
    return int(variable)


def _export(name: str, exporter: Exporter, book: Book, context: Context) -> Artifact:
    """Run an exporter; whatever it raises ends as a diagnostic."""
    try:
        context.cache.mkdir(parents=True, exist_ok=True)
        return exporter.export(book, context)
    except BookError:
        raise
    except Exception as error:
        frame = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{Path(frame.filename).name}:{frame.lineno}"
        message = f"the exporter “{name}” failed: {type(error).__name__}: {error} ({place})"
        position = Position("content/book.yaml")
        raise BookError([Diagnostic("export-failed", position, message)]) from error


def write_atomically(path: Path, data: bytes) -> int:
    """Write a file whole or not at all, and return its size in bytes.

    The bytes go to a temporary file beside the target, which is then renamed: whoever interrupts
    this, or fills the disk, leaves the earlier file as it was. Raises :class:`BookError`.
    """
    temporary: str | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(
            prefix=f".{path.name}.", dir=path.parent, delete=False
        ) as file:
            temporary = file.name
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
        temporary = None
    except OSError as error:
        message = f"cannot write {path.name}: {error.strerror or error}"
        hint = "The earlier file, if there was one, is untouched."
        position = Position("content/book.yaml")
        raise BookError([Diagnostic("export-failed", position, message, hint)]) from error
    finally:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)
    return len(data)
