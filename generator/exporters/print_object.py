"""A section of the handbook, laid out apart: its pages, and what the linker has to know of them.

It is to the handbook what an object file is to a program: pages whose page numbers are still to be
filled in, without fonts, and tables of what stands where. It depends on nothing but the section.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Place:
    """A point on a page of the section, the first of which is 0; in points from bottom left."""

    page: int
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Bookmark:
    """A line of the outline. Level 1 is the highest."""

    level: int
    title: str
    place: Place


@dataclass(frozen=True, slots=True)
class Slot:
    """Where a page number is to be written: a run of ``count`` zeros.

    It is the ``piece`` with this index of its page's content, a stream of its own, so that the rest
    of the page is not touched. ``font`` is its name among the page's resources. ``target`` is the
    anchor whose page's label belongs there; none for a folio, which takes its own page's. A label
    that is shorter than the slot leaves ``left`` of the room on its left, from 0 to 1.
    """

    page: int
    piece: int
    font: str
    count: int
    target: str
    left: float


@dataclass(frozen=True, slots=True)
class UsedFont:
    """A font of the section: the role of its face, and the text that each glyph stands for."""

    role: str
    text: Mapping[int, str]


@dataclass(frozen=True, slots=True)
class LaidOut:
    """A section as a PDF whose fonts are empty, and its tables.

    ``links`` are the anchors that its links lead to, many of them in other sections.
    """

    pages: int
    anchors: Mapping[str, Place]
    bookmarks: tuple[Bookmark, ...]
    slots: tuple[Slot, ...]
    fonts: Mapping[str, UsedFont]
    links: tuple[str, ...]
    pdf: bytes

    def pack(self) -> bytes:
        """The object as bytes."""
        tables = {
            "pages": self.pages,
            "anchors": {name: asdict(place) for name, place in self.anchors.items()},
            "bookmarks": [asdict(bookmark) for bookmark in self.bookmarks],
            "slots": [asdict(slot) for slot in self.slots],
            "fonts": {name: [font.role, [*font.text.items()]] for name, font in self.fonts.items()},
            "links": self.links,
        }
        head = json.dumps(tables, ensure_ascii=False, separators=(",", ":")).encode()
        return len(head).to_bytes(4, "big") + head + self.pdf

    @staticmethod
    def unpack(data: bytes) -> LaidOut:
        """The object of bytes that :meth:`pack` made."""
        end = 4 + int.from_bytes(data[:4], "big")
        tables = json.loads(data[4:end])
        return LaidOut(
            pages=tables["pages"],
            anchors={name: Place(**place) for name, place in tables["anchors"].items()},
            bookmarks=tuple(map(_bookmark, tables["bookmarks"])),
            slots=tuple(Slot(**slot) for slot in tables["slots"]),
            fonts={
                name: UsedFont(role, dict(text)) for name, (role, text) in tables["fonts"].items()
            },
            links=tuple(tables["links"]),
            pdf=data[end:],
        )


def _bookmark(data: dict[str, Any]) -> Bookmark:
    return Bookmark(data["level"], data["title"], Place(**data["place"]))
