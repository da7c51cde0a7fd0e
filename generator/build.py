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
from generator.exporters.anki_schema import NOTE_TYPES
from generator.formula import Failure, Formula, Request, Typesetter
from generator.ledger import CHANGES, LEDGER, RELEASED, Ledger, parse_ledger
from generator.lock import check_lock
from generator.model import Book
from generator.render import Templates
from generator.source import read_book, walk
from generator.source.files import BookFiles

MATH_CACHE = "formulas.sqlite"

_MAX_LEDGER = 50_000_000
"""Bytes. A note has 200 of them."""

SCHEMA = {
    kind: (note_type.fields, tuple(template.name for template in note_type.templates))
    for kind, note_type in NOTE_TYPES.items()
}
"""What the ledger locks of the note types: the names of their fields and templates."""


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
    book, formulas, _ledger = check_edition(root, cache, diagnostics, reporter)
    return book, formulas


def check_edition(
    root: Path, cache: Path | None, diagnostics: Diagnostics, reporter: Reporter
) -> tuple[Book, dict[Request, Formula], Ledger]:
    """The same, and hand on the ledger that the book was held against."""
    reporter.step("source")
    book = read_book(root, diagnostics)
    ledger = read_ledger(root, diagnostics)
    if book is None:
        raise BookError(diagnostics)
    files = BookFiles(root, Diagnostics())
    book_yaml = files.read_text("content/book.yaml", Position("content/book.yaml")) or ""
    check_lock(book, ledger or Ledger(), book_yaml, SCHEMA, diagnostics)
    reporter.step("math")
    formulas = typeset_math(book, cache, diagnostics)
    diagnostics.raise_errors()
    return book, formulas, ledger or Ledger()


def read_ledger(root: Path, diagnostics: Diagnostics) -> Ledger | None:
    """The book's ledger; an empty one before the first release, ``None`` if it is damaged."""
    files = BookFiles(root, diagnostics)
    place = Position(LEDGER)
    if not (files.root / LEDGER).exists():
        log = files.root / CHANGES
        if log.is_file() and RELEASED in log.read_bytes().decode(errors="replace"):
            message = f"{CHANGES} tells of releases, but the ledger is gone"
            hint = (
                "Without it, every card would overwrite what readers wrote on theirs, and renamed "
                "ones would come twice. Restore it; for a new book, delete the change log too."
            )
            diagnostics.add("ledger-damaged", place, message, hint)
        return Ledger()
    text = files.read_text(LEDGER, place, limit=_MAX_LEDGER)
    return None if text is None else parse_ledger(text, LEDGER, diagnostics)


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
    timestamp = build_time()
    book, formulas, ledger = check_edition(
        options.root, options.cache / MATH_CACHE, diagnostics, reporter
    )
    released = release_time(options.root, book, ledger)
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
            released=released,
            paper=options.paper or book.paper,
            print_ready=options.print_ready,
            jobs=options.jobs,
            found=found,
            progress=reporter.progress,
            warn=lambda diagnostic: diagnostics.extend([diagnostic]),
            ledger=ledger,
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


def release_time(root: Path, book: Book, ledger: Ledger) -> int | None:
    """When this very book was released; ``None`` if it was not, or has changed since."""
    latest = ledger.latest
    if latest is None or latest.version != book.edition:
        return None
    return latest.time if latest.content == BookFiles(root, Diagnostics()).digest() else None


def build_time() -> int:
    """The time in seconds since 1970: SOURCE_DATE_EPOCH (reproducible-builds.org), else now.

    Raises :class:`BookError` for a variable that is no such number, or that lies in the future:
    Anki would take what readers edit until then for older than the book's text.
    """
    variable = os.environ.get("SOURCE_DATE_EPOCH", "")
    now = int(time.time())
    if not variable:
        return now
    message = ""
    if not re.fullmatch(r"\d{1,11}", variable):
        message = f"“{variable}” is no number of seconds since 1970"
    elif int(variable) > now:
        message = f"{variable} s after 1970 lies in the future"
    if message:
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
    """Write a file whole or not at all, as :func:`write_together` does; its size in bytes."""
    write_together({path: data})
    return len(data)


def write_together(files: Mapping[Path, bytes]) -> None:
    """Write files whole, all of them or none.

    The bytes go to temporary files beside the targets, which are then renamed: whoever interrupts
    this, or fills the disk, leaves the earlier files as they were. Raises :class:`BookError`. Only
    a kill between two renames can part them; the last file is the one to decide by.
    """
    staged: dict[Path, Path] = {}
    name = ""
    try:
        for path, data in files.items():
            name = path.name
            staged[path] = _stage(path, data)
        _rename_all(staged)
    except OSError as error:
        message = f"cannot write {name}: {error.strerror or error}"
        hint = "The earlier file, if there was one, is untouched."
        position = Position("content/book.yaml")
        raise BookError([Diagnostic("export-failed", position, message, hint)]) from error
    finally:
        for temporary in staged.values():
            temporary.unlink(missing_ok=True)


def _stage(path: Path, data: bytes) -> Path:
    """A temporary file beside ``path`` that holds ``data``, safely on the disk."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(
        prefix=f".{path.name}.", dir=path.parent, delete=False
    ) as file:
        temporary = Path(file.name)
        try:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
    temporary.chmod(0o644)
    return temporary


def _rename_all(staged: Mapping[Path, Path]) -> None:
    """Rename the temporary files; if one fails, put back what the others replaced."""
    paths = list(staged)
    earlier = {path: path.read_bytes() if path.exists() else None for path in paths[:-1]}
    done: list[Path] = []
    try:
        for path in paths:
            staged[path].replace(path)
            done.append(path)
    except OSError:
        for path in done:
            data = earlier[path]
            if data is None:
                path.unlink()
            else:
                path.write_bytes(data)
        raise
