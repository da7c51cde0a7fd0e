"""The Anki deck: one note for a question, one for a cloze, one for a term."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import count

from generator.exporters import Artifact, Context
from generator.exporters.anki_edition import Times, note_digest, type_digest
from generator.exporters.anki_notes import (
    TERMS_LABEL,
    CardNote,
    NoteMaker,
    check_notes,
    deck_name,
)
from generator.exporters.anki_package import DescribedDeck, Package, StableModel, StableNote
from generator.exporters.anki_schema import NOTE_TYPES, CardTemplate, NoteType, permanent_id
from generator.ledger import Ledger
from generator.model import Book, Kind

_MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+\-.!|~$])")


class ApkgExporter:
    """Exporter of the Anki deck."""

    suffix = ".apkg"
    summary = "Anki deck: questions, clozes and two-way terms"

    def export(self, book: Book, context: Context) -> Artifact:
        """Make the package.

        The same book, ledger and time give the same bytes; if all of it was released, the time
        makes no difference.
        """
        maker = NoteMaker(book, context)
        total = sum(1 + len(question.clozes) for question in book.questions) + len(book.terms)
        notes = []
        for done, note in enumerate(maker.notes(), 1):
            notes.append(note)
            context.progress(done, total)
        check_notes(notes)
        counts = {"notes": len(notes), "cards": sum(len(note.ordinals) for note in notes)}
        decks = _filled_decks(book, context, notes)
        del notes  # the decks hold them now, and let go of each that is written
        return Artifact(Package(decks, maker.media).to_bytes(), counts)


def _filled_decks(
    book: Book, context: Context, notes: Sequence[CardNote]
) -> Sequence[DescribedDeck]:
    """All decks of the book with their notes, dated and numbered."""
    times = Times(context.ledger, context.timestamp)
    models = {kind: _model(book, context, NOTE_TYPES[kind], times) for kind in NOTE_TYPES}
    modified = [_modified(note, times) for note in notes]
    decks = _decks(book, context, times.newest)
    ids = _ids(notes, times.newest)
    for due, (note, time) in enumerate(zip(notes, modified, strict=True), 1):
        decks[note.deck].add_note(_packed(note, models[note.kind], due, ids, time))
    return list(decks.values())


def _modified(note: CardNote, times: Times) -> int:
    return times.of(times.notes.get(note.guid), lambda: note_digest(note))


def _ids(notes: Sequence[CardNote], timestamp: int) -> Iterator[int]:
    """Ids of notes and cards, in the book's order: milliseconds, which Anki shows as date added.

    The last one is the time of the newest note or note type: Check Database mends ids of the
    future. An import goes by GUID, so they may differ between editions.
    """
    needed = sum(1 + len(note.ordinals) for note in notes)
    return count(max(timestamp * 1000 - needed, 0) + 1)


def _packed(
    note: CardNote, model: StableModel, due: int, ids: Iterator[int], modified: int
) -> StableNote:
    return StableNote(
        ids=[next(ids) for _ in range(1 + len(note.ordinals))],
        modified=modified,
        ordinals=note.ordinals,
        model=model,
        fields=list(note.fields),
        tags=list(note.tags),
        guid=note.guid,
        due=due,
    )


def note_type_digest(book: Book, context: Context, note_type: NoteType) -> str:
    """The hash by which the ledger tells whether readers have a note type as it is now."""
    return type_digest(_sides(book, context, note_type), _css(context))


def _model(book: Book, context: Context, note_type: NoteType, times: Times) -> StableModel:
    kind = note_type.kind
    sides = _sides(book, context, note_type)
    released = context.ledger.note_types.get(kind)
    return StableModel(
        modified=times.of(released, lambda: type_digest(sides, _css(context))),
        model_id=permanent_id(book, "note type", kind),
        name=f"{book.title} {note_type.name}",
        fields=[
            {"name": name, "id": permanent_id(book, "field", kind, name)}
            for name in note_type.fields
        ],
        templates=[
            {
                "name": template.name,
                "id": permanent_id(book, "template", kind, template.name),
                "qfmt": front,
                "afmt": back,
            }
            for template, (front, back) in zip(note_type.templates, sides, strict=True)
        ],
        css=_css(context),
        model_type=StableModel.CLOZE if kind is Kind.CLOZE else StableModel.FRONT_BACK,
        sort_field_index=note_type.fields.index(note_type.sort_field),
    )


def _css(context: Context) -> str:
    return context.templates.source("anki/card.css")


def _sides(book: Book, context: Context, note_type: NoteType) -> list[tuple[str, str]]:
    """Front and back of every template."""
    return [
        (_side(book, context, template, "front"), _side(book, context, template, "back"))
        for template in note_type.templates
    ]


def _side(book: Book, context: Context, template: CardTemplate, side: str) -> str:
    return context.templates.render(
        f"anki/{template.stem}-{side}.html.j2", language=book.language, report=_report_address(book)
    )


def _report_address(book: Book) -> str:
    """Where to report a mistake, as part of a template: ``{id}`` becomes Anki's field."""
    parts = book.report_url.split("{id}")
    return "{{编号}}".join(part.replace("{", "%7B").replace("}", "%7D") for part in parts)


# -- decks ----------------------------------------------------------------------------------------


def _decks(book: Book, context: Context, modified: int) -> dict[str, DescribedDeck]:
    """All decks of the book by name, the parents among them, each with its description.

    ``modified`` is the package's time: an import goes by a deck's name and asks for no time.
    """
    decks: dict[str, DescribedDeck] = {}

    def add(level: str, *labels: str, **variables: object) -> None:
        name = deck_name(book.title, *labels)
        description = context.templates.render(
            "anki/deck.md.j2", level=level, book=book, markdown=_markdown, **variables
        )
        decks[name] = DescribedDeck(
            modified=modified,
            deck_id=permanent_id(book, "deck", name),
            name=name,
            description=description.strip(),
        )

    add("book", news=_news(book, context.ledger))
    for part in book.parts:
        add("part", part.label, part=part)
        for chapter in part.chapters:
            add("chapter", part.label, chapter.label, part=part, chapter=chapter)
    if book.terms:
        add("terms", TERMS_LABEL)
    return decks


def _news(book: Book, ledger: Ledger) -> str:
    """What this edition changed, in short: nothing for the first one, nor for a preview."""
    latest = ledger.latest
    if latest is None or latest.version != book.edition:
        return ""
    counts = {
        "新增": len(latest.new) + len(latest.returned),
        "修改": len(latest.changed),
        "移动": len(latest.moved),
        "改名": len(latest.renamed),
        "撤下": len(latest.withdrawn),
    }
    return "，".join(f"{what} {number} 条" for what, number in counts.items() if number)


def _markdown(text: str) -> str:
    """Text as Markdown that shows it unchanged."""
    return _MARKDOWN.sub(r"\\\1", text)
