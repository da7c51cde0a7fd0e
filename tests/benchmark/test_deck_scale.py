"""The deck of a very large book: our export beside genanki alone, its memory, and how it grows.

Nothing here fails for being slow: the figures are printed, beside what was asked of them.
``BENCH_ROUNDS=9 make bench`` measures more often.

genanki alone gets what our deck holds, read back from the .apkg: the same fields, tags, GUIDs,
templates and pictures. It only writes them; our export step also makes the fields out of the
parsed text. Hence two figures for ours: the whole step, and what follows the last field.
"""

from __future__ import annotations

import gc
import io
import json
import os
import shutil
import sqlite3
import sys
import time
import warnings
import zipfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from statistics import median

import genanki
import pytest
from rich.console import Console
from rich.table import Table

from generator.build import check_book
from generator.diagnostics import Diagnostics
from generator.exporters import Context
from generator.exporters.anki_target import source_entry
from generator.exporters.apkg import ApkgExporter
from generator.formula import Formula, Request
from generator.model import Book, Chapter, Part, Question
from generator.render import Templates, highlight
from tests.benchmark import book as generated
from tests.benchmark.test_build import Command, run

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "3"))
QUESTIONS = 10_000
COPIES = (1, 2, 5)
"""Books of 10,000, 20,000 and 50,000 questions."""

RATIO = 1.5
"""Asked of the export: at most this many times genanki's own seconds."""

MEMORY = 1000**3 / 2**20
"""Asked of a build from source: at most this many MiB, which are 1 GB."""


class _Silent:
    """Nobody watches this build."""

    def step(self, _name: str) -> None: ...
    def progress(self, _done: int, _total: int) -> None: ...


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds of an export: all of it, and of that what follows the last note's fields."""

    whole: float
    packaging: float

    @property
    def fields(self) -> float:
        return self.whole - self.packaging


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    chapters = generated.PARTS * generated.CHAPTERS
    monkeypatch.setattr(generated, "QUESTIONS", QUESTIONS // chapters)
    generated.write_book(tmp_path / "book")
    return tmp_path / "book"


def test_deck_scale(root: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    build = [sys.executable, "-m", "generator", "build", "apkg"]
    command = Command([*build, "--root", str(root), "--out", str(out)])
    built = run(command)  # with its formulas to typeset; the next one finds them typeset
    again = run(command)
    _print_build({"formulas to typeset": built.memory, "formulas typeset before": again.memory})
    book, formulas = check_book(root, out / "cache" / "formulas.sqlite", Diagnostics(), _Silent())
    _compare(book, formulas, tmp_path)
    _grow(book, formulas, tmp_path)


# -- beside genanki -------------------------------------------------------------------------------


def _compare(book: Book, formulas: Mapping[Request, Formula], folder: Path) -> None:
    target = folder / "ours.apkg"
    _export(book, formulas, target)
    deck = _Deck.read(target, folder / "media")
    runs: dict[str, list[Times]] = {}
    alone: dict[str, Callable[[Path], None]] = {
        "genanki alone, as it ships": lambda path: deck.write(path, genanki.Note),
        "genanki alone, HTML check off": lambda path: deck.write(path, _UncheckedNote),
        "… and its file deflated, as ours is": lambda path: _deflate(deck, path),
    }
    for _ in range(ROUNDS):
        runs.setdefault("ours", []).append(_export(book, formulas, target))
        for name, write in alone.items():
            gc.collect()
            start = time.perf_counter()
            with warnings.catch_warnings():  # what the check finds is none of our business here
                warnings.simplefilter("ignore")
                write(folder / f"{name}.apkg")
            seconds = time.perf_counter() - start
            runs.setdefault(name, []).append(Times(seconds, seconds))
    plain = folder / "genanki alone, as it ships.apkg"
    assert _Deck.read(plain, folder / "media-again").content == deck.content
    _print_comparison(runs, {name: folder / f"{name}.apkg" for name in runs}, deck)


def _export(book: Book, formulas: Mapping[Request, Formula], path: Path, copies: int = 1) -> Times:
    """Our export step, from the book in memory to a file, as a new process would run it."""
    ends: list[float] = []

    def progress(done: int, total: int) -> None:
        if done == total:
            ends.append(time.perf_counter())
        if done % (total // copies) == 0:
            highlight.cache_clear()  # the next copy's code shall be as new as it is in a book

    highlight.cache_clear()
    source_entry.cache_clear()
    context = Context(
        formulas=formulas,
        templates=Templates(),
        cache=path.parent,
        timestamp=1_700_000_000,
        progress=progress,
    )
    gc.collect()
    start = time.perf_counter()
    path.write_bytes(ApkgExporter().export(book, context).data)
    end = time.perf_counter()
    return Times(end - start, end - ends[-1])


class _UncheckedNote(genanki.Note):  # type: ignore[misc]  # genanki is untyped
    def _check_invalid_html_tags_in_fields(self) -> None:
        pass


@dataclass(frozen=True, slots=True)
class _Deck:
    """What a package holds, as the arguments of genanki's classes."""

    models: Sequence[Mapping[str, object]]
    decks: Sequence[Mapping[str, object]]
    notes: Sequence[tuple[str, int, int, int, list[str], list[str]]]
    """GUID, note type, deck, position of its cards, fields, tags."""

    cards: Sequence[tuple[str, int, int, int]]
    """GUID of the note, number among its cards, deck, position."""

    media: Sequence[Path]

    @property
    def content(self) -> object:
        """What must be the same in both packages."""
        return self.notes, self.cards, [path.name for path in self.media]

    @classmethod
    def read(cls, package: Path, folder: Path) -> _Deck:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        with zipfile.ZipFile(package) as archive:
            data = archive.read("collection.anki2")
            names = json.loads(archive.read("media"))
            for index, name in names.items():
                (folder / name).write_bytes(archive.read(index))
        with closing(sqlite3.connect(":memory:")) as connection:
            connection.deserialize(data)
            models, decks = connection.execute("SELECT models, decks FROM col").fetchone()
            notes = connection.execute(
                "SELECT guid, mid, did, due, flds, tags FROM notes JOIN cards ON nid = notes.id "
                "GROUP BY notes.id ORDER BY notes.id"
            ).fetchall()
            cards = connection.execute(
                "SELECT guid, ord, did, due FROM cards JOIN notes ON nid = notes.id "
                "ORDER BY notes.id, ord"
            ).fetchall()
        return cls(
            models=[_model(model) for model in json.loads(models).values()],
            decks=[_deck(deck) for deck in json.loads(decks).values() if deck["id"] != 1],
            notes=[
                (guid, mid, did, due, fields.split("\x1f"), tags.split())
                for guid, mid, did, due, fields, tags in notes
            ],
            cards=cards,
            media=[folder / name for name in names.values()],
        )

    def write(self, path: Path, make: type[genanki.Note]) -> None:
        """Write the package as a program would that uses genanki and has the fields ready."""
        models = {model["model_id"]: genanki.Model(**model) for model in self.models}
        decks = {deck["deck_id"]: genanki.Deck(**deck) for deck in self.decks}
        for guid, model, deck, due, fields, tags in self.notes:
            note = make(model=models[model], fields=fields, tags=tags, guid=guid, due=due)
            decks[deck].add_note(note)
        media = list(map(str, self.media))
        genanki.Package(list(decks.values()), media).write_to_file(path)


def _model(model: Mapping[str, object]) -> dict[str, object]:
    return {
        "model_id": int(str(model["id"])),
        "name": model["name"],
        "fields": model["flds"],
        "templates": model["tmpls"],
        "css": model["css"],
        "model_type": model["type"],
        "sort_field_index": model["sortf"],
    }


def _deck(deck: Mapping[str, object]) -> dict[str, object]:
    return {"deck_id": deck["id"], "name": deck["name"], "description": deck["desc"]}


def _deflate(deck: _Deck, path: Path) -> None:
    deck.write(path, _UncheckedNote)
    buffer = io.BytesIO()
    with (
        zipfile.ZipFile(path) as stored,
        zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive,
    ):
        for name in stored.namelist():
            archive.writestr(name, stored.read(name))
    path.write_bytes(buffer.getvalue())


# -- growth ---------------------------------------------------------------------------------------


def _grow(book: Book, formulas: Mapping[Request, Formula], folder: Path) -> None:
    table = Table(
        "questions", "notes", "seconds", "fields", "packaging", "seconds for 1,000 notes",
        box=None, title="Our export step, by size of the book",
    )  # fmt: skip
    sizes: list[tuple[int, float]] = []
    for copies in COPIES:
        large = _copied(book, copies)
        notes = sum(1 + len(question.clozes) for question in large.questions) + len(large.terms)
        times = _export(large, formulas, folder / "large.apkg", copies)
        sizes.append((notes, times.whole))
        figures = (times.whole, times.fields, times.packaging, 1000 * times.whole / notes)
        questions = copies * QUESTIONS
        table.add_row(f"{questions:,}", f"{notes:,}", *(f"{figure:.3f}" for figure in figures))
    _print(table)
    for (few, short), (many, long) in pairwise(sizes):
        growth = (long / short) / (many / few)
        print(f"{many / few:.2f} × the notes: {growth:.2f} × the seconds for each")


def _copied(book: Book, copies: int) -> Book:
    """The book several times over, in parts with names of their own; the parsed text is shared.

    A book of 50,000 questions would take minutes to read, and fill 5 GB.
    """
    parts = tuple(_copy(part, copy) for copy in range(copies) for part in book.parts)
    return replace(book, parts=parts)


def _copy(part: Part, copy: int) -> Part:
    def question(original: Question) -> Question:
        clozes = tuple(replace(cloze, id=f"{cloze.id}-{copy}") for cloze in original.clozes)
        return replace(original, id=f"{original.id}-{copy}", clozes=clozes)

    def chapter(original: Chapter) -> Chapter:
        questions = tuple(map(question, original.questions))
        return replace(original, id=f"{original.id}-{copy}", questions=questions)

    return replace(
        part,
        id=f"{part.id}-{copy}",
        label=f"{part.label} {copy}",
        chapters=tuple(map(chapter, part.chapters)),
    )


# -- what is printed ------------------------------------------------------------------------------


def _print_build(memory: Mapping[str, float]) -> None:
    table = Table(
        "", "peak MiB", f": {MEMORY:.0f} MiB", box=None, title=_title("build from source")
    )
    for name, peak in memory.items():
        table.add_row(name, f"{peak:.0f}", f"{peak / MEMORY:.2f}")
    _print(table)


def _print_comparison(
    runs: Mapping[str, Sequence[Times]], files: Mapping[str, Path], deck: _Deck
) -> None:
    title = f"{len(deck.notes):,} notes, {len(deck.cards):,} cards: medians of {ROUNDS} runs"
    table = Table(
        "", "seconds", ": as it ships", ": check off", "file, MB",
        box=None, title=_title(title, f"asked: at most {RATIO} × genanki's"),
    )  # fmt: skip
    shipped, unchecked = (
        median(times.whole for times in runs[f"genanki alone, {how}"])
        for how in ("as it ships", "HTML check off")
    )
    rows = {
        "ours: whole export step": (median(times.whole for times in runs["ours"]), "ours"),
        "… of it making the fields": (median(times.fields for times in runs["ours"]), "ours"),
        "… of it packaging": (median(times.packaging for times in runs["ours"]), "ours"),
    } | {
        name: (median(times.whole for times in measured), name)
        for name, measured in runs.items()
        if name != "ours"
    }
    for name, (seconds, file) in rows.items():
        figures = (seconds, seconds / shipped, seconds / unchecked)
        size = files[file].stat().st_size / 1e6
        table.add_row(name, *(f"{figure:.2f}" for figure in figures), f"{size:.1f}")
    _print(table)


def _title(*words: str) -> str:
    return "; ".join((f"{QUESTIONS:,} questions with clozes", *words))


def _print(table: Table) -> None:
    console = Console(width=100)
    title, table.title = table.title, None  # as a title it would be broken to the table's width
    console.print()
    console.print(title)
    console.print(table)
