"""The glossary as books print it: in the order of pinyin, references resolved."""

from __future__ import annotations

from dataclasses import dataclass

from generator.model import Block, Book, Kind, Term


@dataclass(frozen=True, slots=True)
class GlossaryEntry:
    """A term with its anchor, and those that it refers to."""

    anchor: str
    zh: str
    en: str
    abbr: str
    definition: Block
    see: tuple[GlossaryEntry, ...] = ()


def glossary_entries(book: Book) -> list[GlossaryEntry]:
    """The glossary in the order of pinyin, tones apart (GB/T 13418—1992, 音序)."""
    plain = {term.id: _entry(term) for term in book.terms}
    ordered = sorted(book.terms, key=lambda term: (pinyin(term.zh), term.zh))
    return [_entry(term, tuple(plain[other] for other in term.see)) for term in ordered]


def pinyin(words: str) -> tuple[str, ...]:
    """How words are said, syllable by syllable with the tone behind; what is not Han in small."""
    # Here, not at the top: its dictionaries take 0.2 s, and not every book has a glossary.
    from pypinyin import Style, lazy_pinyin

    return tuple(syllable.lower() for syllable in lazy_pinyin(words, Style.TONE3))


def _entry(term: Term, see: tuple[GlossaryEntry, ...] = ()) -> GlossaryEntry:
    anchor = f"{Kind.TERM}-{term.id}"
    return GlossaryEntry(anchor, term.zh, term.en, term.abbr, term.definition, see)
