"""The index of terms: where the text speaks of them, and on which pages that is.

A term is listed once for each question that speaks of it, at the first mention, in the order of
pinyin; pages that are the same are printed once.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from generator.exporters.glossary import reading
from generator.model import Term

_ARTICLE = re.compile(r"<article\b.*?</article>", re.DOTALL)
_TOKEN = re.compile(r"<(?P<end>/?)(?P<name>[a-z][a-z0-9]*)(?P<rest>[^>]*)>|[^<]+")
_IDENTIFIER = re.compile(r'\bid="([^"]+)"')
_CLASS = re.compile(r'\bclass="([^"]+)"')
_VOID = frozenset({"br", "hr", "img", "wbr"})
_SILENT_ELEMENTS = frozenset({"code", "pre"})
_SILENT_CLASSES = frozenset({"citation", "footnote", "page", "number", "url"})
"""What is not prose: a term in it is no mention, and must not be touched."""

_HAN = r"[\u3400-\u9fff]"

_MOST_PAGES = 20
"""Of a term: a reader looks up no more."""

_SHORTEST_NAME = 4
"""Letters of a Latin name that may be written in small or in capital letters."""


@dataclass(frozen=True, slots=True)
class Mention:
    """A place in the book, by its anchor, that speaks of a term, by its id.

    ``is_title`` says that the place is a question, whose title has the term.
    """

    term: str
    anchor: str
    is_title: bool = False


@dataclass(frozen=True, slots=True)
class IndexEntry:
    """A line of the index. ``anchors`` stand on pages of different labels."""

    words: str
    latin: str
    anchors: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class IndexGroup:
    """The entries under a letter."""

    letter: str
    entries: tuple[IndexEntry, ...]


class TermFinder:
    """Finds the terms of a glossary in XHTML.

    The longest name counts: “多头注意力” is no mention of “注意力”. A Latin name is a whole word;
    abbreviations are written as they are in the glossary.
    """

    def __init__(self, terms: Sequence[Term]) -> None:
        self._terms: dict[str, str] = {}
        for term in terms:
            for name in filter(None, (term.zh, term.en, term.abbr)):
                self._terms.setdefault(_folded(html.escape(name)), term.id)
        names = sorted(self._terms, key=lambda name: (-len(name), name))
        self._pattern = re.compile("|".join(map(_pattern, names))) if names else None

    def _term(self, name: str) -> str:
        """The id of the term that a name in the text, whose capitals may not matter, stands for."""
        return self._terms.get(name) or self._terms[name.lower()]

    def mark(self, markup: str) -> tuple[str, list[Mention]]:
        """The markup of a chapter with an anchor at each first mention, and the mentions."""
        mentions: list[Mention] = []

        def mark(match: re.Match[str]) -> str:
            article, found = self._mark_article(match[0])
            mentions.extend(found)
            return article

        if self._pattern is not None:
            markup = _ARTICLE.sub(mark, markup)
        return markup, mentions

    def _mark_article(self, article: str) -> tuple[str, list[Mention]]:
        """Mark a question's article. What its title mentions is found at the title's own anchor."""
        heading = _IDENTIFIER.search(article)
        if heading is None or self._pattern is None:
            return article, []
        question = heading[1]
        mentions: dict[str, str] = {}

        def note(match: re.Match[str]) -> str:
            mentions.setdefault(self._term(match[0]), question)
            return match[0]

        def mark(match: re.Match[str]) -> str:
            term = self._term(match[0])
            if term in mentions:
                return match[0]
            anchor = mentions[term] = f"i-{term}-{question.partition('-')[2]}"
            return f'<span id="{anchor}">{match[0]}</span>'

        pieces = []
        for text, elements in _texts(article):
            if not elements or elements & _SILENT:
                pieces.append(text)
            else:
                pieces.append(self._pattern.sub(note if "h2" in elements else mark, text))
        return "".join(pieces), [
            Mention(term, anchor, is_title=anchor == question) for term, anchor in mentions.items()
        ]


_SILENT = _SILENT_ELEMENTS | {f".{name}" for name in _SILENT_CLASSES}


def _texts(markup: str) -> Iterator[tuple[str, frozenset[str]]]:
    """The pieces of XHTML: tags with no elements; text with the elements and .classes around it."""
    path: list[frozenset[str]] = [frozenset()]
    for token in _TOKEN.finditer(markup):
        name, rest = token["name"], token["rest"]
        if name is None:
            yield token[0], path[-1] | {"*"}
            continue
        yield token[0], frozenset()
        if token["end"]:
            path.pop()
        elif not rest.endswith("/") and name not in _VOID:
            classes = _CLASS.search(rest)
            names = {f".{one}" for one in classes[1].split()} if classes else set()
            path.append(path[-1] | names | {name})


def _folded(name: str) -> str:
    """A name as it is looked up: in small letters if its capitals do not matter."""
    return name.lower() if _is_foldable(name) else name


def _is_foldable(name: str) -> bool:
    return name.isascii() and len(name) >= _SHORTEST_NAME and name.upper() != name


def _pattern(name: str) -> str:
    """A name where it stands as a word.

    Han has no spaces between words: a single character is one only where no other is beside it.
    """
    pattern = re.escape(name)
    if name == name.lower() and _is_foldable(name):
        pattern = f"(?i:{pattern})"
    if len(name) == 1 and not _is_latin(name):
        return f"(?<!{_HAN}){pattern}(?!{_HAN})"
    before = r"(?<![A-Za-z0-9])" if _is_latin(name[0]) else ""
    after = r"(?![A-Za-z0-9])" if _is_latin(name[-1]) else ""
    return before + pattern + after


def _is_latin(character: str) -> bool:
    return character.isascii() and character.isalnum()


# -- entries --------------------------------------------------------------------------------------


def index_groups(
    terms: Sequence[Term], mentions: Iterable[Mention], labels: Mapping[str, str]
) -> list[IndexGroup]:
    """The index in the order of pinyin (GB/T 13418—1992, 音序), by letters.

    ``labels`` are the labels of the pages on which the mentions stand, in the order of the book.
    """
    found: dict[str, list[Mention]] = {}
    for mention in mentions:
        found.setdefault(mention.term, []).append(mention)
    listed = sorted((reading(term.zh), term.id) for term in terms if term.id in found)
    by_id = {term.id: term for term in terms}
    groups = groupby(listed, key=lambda item: _letter(item[0][0]))
    return [
        IndexGroup(
            letter,
            tuple(_entry(by_id[name], _places(found[name], labels)) for _, name in items),
        )
        for letter, items in groups
    ]


def _places(mentions: Sequence[Mention], labels: Mapping[str, str]) -> tuple[str, ...]:
    """An anchor for each page. A word of nearly every page is listed where titles have it."""
    by_page: dict[str, str] = {}
    for mention in mentions:
        by_page.setdefault(labels[mention.anchor], mention.anchor)
    titles = [mention for mention in mentions if mention.is_title]
    if len(by_page) > _MOST_PAGES and 0 < len(titles) < len(mentions):
        return _places(titles, labels)
    return tuple(by_page.values())


def _letter(syllables: Sequence[str]) -> str:
    """The letter under which a term stands; ``#`` for digits and signs."""
    first = syllables[0][:1].upper()
    return first if first.isascii() and first.isalpha() else "#"


def _entry(term: Term, anchors: tuple[str, ...]) -> IndexEntry:
    latin = term.abbr or (term.en if term.en != term.zh else "")
    return IndexEntry(term.zh, latin, anchors)
