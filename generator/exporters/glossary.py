"""The glossary as books print it: in the order of pinyin, references resolved."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial

from generator.model import Block, Book, Kind, Term

_SAID = {
    "去重": ("qù", "chóng"),
    "重参数": ("chóng", "cān", "shù"),
    "重排": ("chóng", "pái"),
    "重加权": ("chóng", "jiā", "quán"),
    "重采样": ("chóng", "cǎi", "yàng"),
    "重计算": ("chóng", "jì", "suàn"),
    "似然": ("sì", "rán"),
}
"""Words of several readings that pypinyin's dictionary of phrases lacks."""


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
    ordered = sorted(book.terms, key=lambda term: reading(term.zh))
    return [_entry(term, tuple(plain[other] for other in term.see)) for term in ordered]


def reading(words: str) -> tuple[tuple[str, ...], str]:
    """What a name is ordered by: its syllables, each with its tone behind, and the name itself.

    What is not Han is in small letters; what stands in brackets behind the name does not count.
    """
    syllables = _speller()(words.partition("（")[0])
    return tuple(syllable.lower() for syllable in syllables), words


@cache
def _speller() -> Callable[[str], list[str]]:
    # Here, not at the top: its dictionaries take 0.2 s, and not every book has a glossary.
    from pypinyin import Style, lazy_pinyin, load_phrases_dict

    load_phrases_dict({words: [[said] for said in syllables] for words, syllables in _SAID.items()})
    return partial(lazy_pinyin, style=Style.TONE3)


def _entry(term: Term, see: tuple[GlossaryEntry, ...] = ()) -> GlossaryEntry:
    anchor = f"{Kind.TERM}-{term.id}"
    return GlossaryEntry(anchor, term.zh, term.en, term.abbr, term.definition, see)
