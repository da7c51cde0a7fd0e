"""What the YAML files of a book say: book.yaml, references.yaml, glossary.yaml, front matters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from generator.bibliography import TYPES
from generator.diagnostics import Diagnostics, Position
from generator.model import Exemption, Name, Reference
from generator.yaml import Fields, Items, Text, parse_yaml

ID_PATTERN = r"[a-z0-9]+(?:-[a-z0-9]+)*"
"""Ids are permanent, ASCII and kebab-case: they end up in file names, anchors and searches."""

_ID_EXPECTED = "ASCII kebab-case, such as “kv-cache-size”"

PAPERS = ("A4", "A5", "B5", "16k")


@dataclass(frozen=True, slots=True)
class ChapterEntry:
    """A chapter as book.yaml lists it."""

    id: str
    label: str
    position: Position


@dataclass(frozen=True, slots=True)
class PartEntry:
    """A part as book.yaml lists it."""

    id: str
    title: str
    label: str
    chapters: tuple[ChapterEntry, ...]
    position: Position


@dataclass(frozen=True, slots=True)
class Bounds:
    """What ``studyguide inspect`` lets pass in the handbook.

    ``flush`` is the least share of lines that end at the edge, ``gap`` the most that may be added
    to a gap, in ems; all else are numbers of faults.
    """

    flush: float = 0.99
    gap: float = 0.25
    line_breaks: int = 0
    overfull: int = 0
    missing_glyphs: int = 0
    stray_fonts: int = 0
    lone_characters: int = 0
    holes: int = 0
    unnumbered_figures: int = 0
    dead_links: int = 0
    structure: int = 0


@dataclass(frozen=True, slots=True)
class BookConfig:
    """book.yaml."""

    id: str
    uid: str
    title: str
    subtitle: str
    language: str
    authors: tuple[str, ...]
    license: str
    edition: str
    paper: str
    report_url: str
    front: tuple[Text, ...]
    back: tuple[Text, ...]
    parts: tuple[PartEntry, ...]
    exemptions: tuple[Exemption, ...]
    inspect: Bounds


@dataclass(frozen=True, slots=True)
class TermEntry:
    """An entry of glossary.yaml, its definition not yet parsed."""

    id: str
    zh: str
    en: str
    abbr: str
    definition: Text
    see: tuple[Text, ...]
    avoid: tuple[str, ...]
    was: str
    position: Position


def parse_book(text: str, path: str, diagnostics: Diagnostics) -> BookConfig | None:
    """Read book.yaml; ``None`` when it is no mapping at all. Faults are recorded."""
    fields = parse_yaml(text, path, diagnostics)
    if not isinstance(fields, Fields):
        _expect(fields, path, "a mapping", diagnostics)
        return None
    config = BookConfig(
        id=fields.matching("id", ID_PATTERN, _ID_EXPECTED, required=True),
        uid=fields.matching(
            "uid", r"[0-9a-f]{16,64}", "16 to 64 hexadecimal digits", required=True
        ),
        title=fields.text("title", required=True),
        subtitle=fields.text("subtitle"),
        language=fields.text("language", default="zh-CN"),
        authors=tuple(author.text for author in fields.texts("authors")),
        license=fields.text("license"),
        edition=fields.text("edition", required=True),
        paper=fields.choice("paper", PAPERS, "A4"),
        report_url=fields.matching("report_url", r"https://\S+", "an https address"),
        front=fields.texts("front"),
        back=fields.texts("back"),
        parts=tuple(_part(part, diagnostics) for part in fields.mappings("parts", required=True)),
        exemptions=tuple(map(_exemption, fields.mappings("exemptions"))),
        inspect=_bounds(fields.mapping("inspect")),
    )
    fields.finish()
    _check_unique(config.parts, ("id", "label"), diagnostics)
    chapters = [chapter for part in config.parts for chapter in part.chapters]
    _check_unique(chapters, ("id",), diagnostics)
    return config


def _bounds(fields: Fields) -> Bounds:
    def share(key: str, default: float) -> float:
        return float(fields.matching(key, r"0(\.\d+)?|1(\.0+)?", "from 0 to 1") or default)

    def count(key: str) -> int:
        return int(fields.matching(key, r"\d{1,6}", "a whole number") or 0)

    default = Bounds()
    bounds = Bounds(
        flush=share("flush", default.flush),
        gap=share("gap", default.gap),
        line_breaks=count("line_breaks"),
        overfull=count("overfull"),
        missing_glyphs=count("missing_glyphs"),
        stray_fonts=count("stray_fonts"),
        lone_characters=count("lone_characters"),
        holes=count("holes"),
        unnumbered_figures=count("unnumbered_figures"),
        dead_links=count("dead_links"),
        structure=count("structure"),
    )
    fields.finish()
    return bounds


def _part(fields: Fields, diagnostics: Diagnostics) -> PartEntry:
    part = PartEntry(
        id=fields.matching("id", ID_PATTERN, _ID_EXPECTED, required=True),
        title=fields.text("title", required=True),
        label=_label(fields),
        chapters=tuple(_chapter(chapter) for chapter in fields.mappings("chapters", required=True)),
        position=fields.position,
    )
    fields.finish()
    _check_unique(part.chapters, ("label",), diagnostics)
    return part


def _exemption(fields: Fields) -> Exemption:
    exemption = Exemption(
        code=fields.text("code", required=True),
        text=fields.text("text"),
        reason=fields.text("reason", required=True),
        position=fields.position,
    )
    fields.finish()
    return exemption


def _chapter(fields: Fields) -> ChapterEntry:
    chapter = ChapterEntry(
        id=fields.matching("id", ID_PATTERN, _ID_EXPECTED, required=True),
        label=_label(fields),
        position=fields.position,
    )
    fields.finish()
    return chapter


def _label(fields: Fields) -> str:
    """A subdeck's name. Anki separates levels by ``::`` and drops quotes and control characters."""
    return fields.matching(
        "label", r'(?!.*::)[^"\x00-\x1f]*\S', "a deck name without “::”", required=True
    )


def _check_unique(
    entries: Sequence[PartEntry] | Sequence[ChapterEntry],
    names: tuple[str, ...],
    diagnostics: Diagnostics,
) -> None:
    for name in names:
        seen: dict[str, Position] = {}
        for entry in entries:
            value = getattr(entry, name)
            if value and value in seen:
                diagnostics.add(
                    "chapter-duplicate",
                    entry.position,
                    f"the {name} “{value}” is used twice",
                    f"It was first used at {seen[value]}.",
                )
            seen.setdefault(value, entry.position)


def parse_references(text: str, path: str, diagnostics: Diagnostics) -> dict[str, Reference]:
    """Read references.yaml: CSL-YAML as Pandoc reads it, under the key ``references``."""
    fields = parse_yaml(text, path, diagnostics)
    if not isinstance(fields, Fields):
        _expect(fields, path, "a mapping with the key “references”", diagnostics)
        return {}
    references: dict[str, Reference] = {}
    for entry in fields.mappings("references", required=True):
        reference = _reference(entry)
        _check_id(reference.id, references, reference.position, diagnostics)
        references.setdefault(reference.id, reference)
    fields.finish()
    return references


def _reference(fields: Fields) -> Reference:
    date = r"\d{4}(-\d\d){0,2}"
    reference = Reference(
        id=fields.matching(
            "id", r"[A-Za-z0-9_][\w:.#$%&+?<>~/-]*", "a citation key", required=True
        ),
        type=fields.choice("type", tuple(sorted(TYPES)), "article"),
        title=fields.text("title", required=True),
        authors=tuple(_name(name) for name in fields.mappings("author")),
        year=fields.matching("issued", date, "a year or a date such as 2017-06-12")[:4],
        container=fields.text("container-title"),
        publisher=fields.text("publisher"),
        volume=fields.text("volume"),
        issue=fields.text("issue"),
        pages=fields.text("page"),
        number=fields.text("number"),
        doi=fields.matching("DOI", r"10\.\d+/\S+", "a DOI such as 10.1000/182"),
        url=fields.matching("URL", r"https?://\S+", "an http or https address"),
        accessed=fields.matching("accessed", date, "a date such as 2026-11-22"),
        position=fields.position,
    )
    fields.finish()
    return reference


def _name(fields: Fields) -> Name:
    name = Name(fields.text("family"), fields.text("given"), fields.text("literal"))
    fields.finish()
    if not name.family and not name.literal:
        fields.diagnostics.add(
            "key-missing", fields.position, "an author needs “family” or “literal”"
        )
    return name


def parse_glossary(text: str, path: str, diagnostics: Diagnostics) -> list[TermEntry]:
    """Read glossary.yaml: a list of terms."""
    items = parse_yaml(text, path, diagnostics)
    if isinstance(items, Text) and not items.text:
        return []
    if not isinstance(items, Items):
        _expect(items, path, "a list of terms", diagnostics)
        return []
    terms: dict[str, TermEntry] = {}
    for item in items.values:
        if not isinstance(item, Fields):
            _expect(item, path, "a mapping", diagnostics)
            continue
        term = _term(item)
        _check_id(term.id, terms, term.position, diagnostics)
        terms.setdefault(term.id, term)
    for term in terms.values():
        for see in term.see:
            if see.text not in terms:
                diagnostics.add(
                    "term-unknown", see.position, f"the glossary has no entry “{see.text}”"
                )
    return list(terms.values())


def _term(fields: Fields) -> TermEntry:
    definition = fields.text("definition", required=True)
    term = TermEntry(
        id=fields.matching("id", ID_PATTERN, _ID_EXPECTED, required=True),
        zh=fields.text("zh", required=True),
        en=fields.text("en", required=True),
        abbr=fields.text("abbr"),
        definition=Text(definition, fields.at("definition")),
        see=fields.texts("see"),
        avoid=tuple(word.text for word in fields.texts("avoid")),
        was=fields.matching("was", ID_PATTERN, _ID_EXPECTED),
        position=fields.position,
    )
    fields.finish()
    return term


def _check_id(
    key: str,
    known: dict[str, Reference] | dict[str, TermEntry],
    position: Position,
    diagnostics: Diagnostics,
) -> None:
    if key in known:
        first = known[key].position
        diagnostics.add("id-duplicate", position, f"“{key}” stands twice", f"First at {first}.")


def _expect(value: object, path: str, expected: str, diagnostics: Diagnostics) -> None:
    if value is not None:  # else the parser has said what is wrong
        position = getattr(value, "position", Position(path))
        diagnostics.add("value-invalid", position, f"expected {expected}")
