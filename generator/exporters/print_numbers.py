"""Page numbers: which page is called what, and slots for numbers in what is laid out before that.

A section depends on other sections' pages only by the number of digits that their numbers have. It
is laid out with zeros in their place, and again only when the number of digits turns out another.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from generator.diagnostics import Position
from generator.exporters.print_object import LaidOut, Place

ROMAN, ARABIC = "r", "D"
"""How pages are numbered, as PDF's page labels name it (ISO 32000-1, 12.4.2)."""

_MOST_ROUNDS = 8
"""Two or three settle a book; more mean that a number pushes its own page to and fro."""

_WIDE_SLOT = "0000"
"""For a number that stands alone: the linker sets it flush right, however long it is."""

_UNKNOWN = "00"

_ID = re.compile(r'\bid="([^"]+)"')
_LINK = re.compile(r'\bhref="#([^"]+)"')
_NUMBER = re.compile(r'<span class="page" data-page="([^"]+)"></span>')
_LONE_NUMBER = re.compile(r'(<a\b[^>]* href="#[^"]+") data-page=""></a>')


class NumbersUnsettledError(Exception):
    """Page numbers push each other to and fro."""


@dataclass(frozen=True, slots=True)
class Section:
    """A stretch of the book that is laid out apart.

    ``markup`` is a whole XHTML document. It begins on a right page; ``numbering`` begins with 1
    where it is another than the section's before.
    """

    name: str
    markup: str
    position: Position
    numbering: str = ARABIC


@dataclass(frozen=True, slots=True)
class Numbering:
    """The pages of a book: where each section begins, and the label of every page and anchor.

    ``ranges`` are the indexes of the pages where the manner of numbering changes, with the new one.
    """

    starts: tuple[int, ...]
    page_labels: tuple[str, ...]
    labels: Mapping[str, str]
    ranges: tuple[tuple[int, str], ...]


@dataclass(frozen=True, slots=True)
class Settled:
    """Sections laid out with room for the numbers that they got."""

    sections: tuple[Section, ...]
    objects: tuple[LaidOut, ...]
    numbering: Numbering


def settle(
    sections: Sequence[Section],
    labels: Mapping[str, str],
    lay_out: Callable[[Sequence[Section]], Sequence[LaidOut]],
    before: Settled | None = None,
) -> Settled:
    """Lay sections out until every slot has as many digits as its number.

    ``labels`` are those of an earlier build, or guessed. ``lay_out`` gets the sections with their
    slots. ``before`` are settled sections, which these follow; whatever number of these they print
    has a wide slot. Raises :class:`NumbersUnsettledError`.
    """
    first = before or Settled((), (), Numbering((), (), {}, ()))
    prepared = prepare(sections, labels)
    for _ in range(_MOST_ROUNDS):
        all_objects = (*first.objects, *lay_out(prepared))
        numbering = number((*first.sections, *sections), all_objects)
        earlier, prepared = prepared, prepare(sections, numbering.labels)
        if prepared == earlier:
            return Settled((*first.sections, *sections), all_objects, numbering)
    raise NumbersUnsettledError


def approach(
    sections: Sequence[Section],
    room: int,
    lay_out: Callable[[Sequence[Section]], Sequence[LaidOut]],
) -> Mapping[str, str]:
    """Page labels of a book that was never laid out, most of them with the right count of digits.

    ``room``: how many characters of markup a page holds, by which pages are guessed. The sections
    before page 100 are laid out before the others, those before 1000 before the rest: where a digit
    more begins is known, then, to all that come later.
    """
    objects = [_guess_object(section, room) for section in sections]
    numbering = number(sections, objects)
    for digits in range(2, len(numbering.page_labels[-1])):
        near = [
            index
            for index, start in enumerate(numbering.starts)
            if len(numbering.page_labels[start]) <= digits
        ]
        prepared = prepare([sections[index] for index in near], numbering.labels)
        for index, laid in zip(near, lay_out(prepared), strict=True):
            objects[index] = laid
        numbering = number(sections, objects)
    return numbering.labels


def _guess_object(section: Section, room: int) -> LaidOut:
    places = {
        match[1]: Place(match.start() // room, 0, 0) for match in _ID.finditer(section.markup)
    }
    return LaidOut(len(section.markup) // room + 1, places, (), (), {}, (), b"")


# -- slots ----------------------------------------------------------------------------------------


def prepare(sections: Sequence[Section], labels: Mapping[str, str]) -> list[Section]:
    """The sections with slots for page numbers, and marked links to each other."""
    return [replace(section, markup=_prepare(section.markup, labels)) for section in sections]


def _prepare(markup: str, labels: Mapping[str, str]) -> str:
    own = set(_ID.findall(markup))

    def link(match: re.Match[str]) -> str:
        return match[0] if match[1] in own else f'href="link:{match[1]}"'

    def number(match: re.Match[str]) -> str:
        label = labels.get(match[1], _UNKNOWN)
        if not label.isdigit():  # never of another length: only numbers are slots
            return f'<span class="page">{label}</span>'
        return f'<span class="page slot">{"0" * len(label)}</span>'

    markup = _NUMBER.sub(number, markup)
    markup = _LONE_NUMBER.sub(rf'\1><span class="page slot">{_WIDE_SLOT}</span></a>', markup)
    return _LINK.sub(link, markup)


# -- numbers --------------------------------------------------------------------------------------


def number(sections: Sequence[Section], objects: Sequence[LaidOut]) -> Numbering:
    """Number the pages. A section begins on a right page, after an empty left one if need be."""
    starts: list[int] = []
    ranges: list[tuple[int, str]] = []
    count = 0
    for section, laid in zip(sections, objects, strict=True):
        count += count % 2
        if not ranges or ranges[-1][1] != section.numbering:
            ranges.append((count, section.numbering))
        starts.append(count)
        count += laid.pages
    page_labels = tuple(_page_labels(ranges, count))
    labels = {
        name: page_labels[start + place.page]
        for start, laid in zip(starts, objects, strict=True)
        for name, place in laid.anchors.items()
    }
    return Numbering(tuple(starts), page_labels, labels, tuple(ranges))


def _page_labels(ranges: Sequence[tuple[int, str]], count: int) -> Iterator[str]:
    for (begin, numbering), (end, _) in pairwise([*ranges, (count, "")]):
        for page in range(1, end - begin + 1):
            yield roman(page) if numbering == ROMAN else str(page)


def roman(number: int) -> str:
    """``xiv`` for 14: the folios of front matter."""
    text = ""
    for value, letters in _ROMAN:
        count, number = divmod(number, value)
        text += letters * count
    return text


_ROMAN = (
    (100, "c"), (90, "xc"), (50, "l"), (40, "xl"),
    (10, "x"), (9, "ix"), (5, "v"), (4, "iv"), (1, "i"),
)  # fmt: skip
