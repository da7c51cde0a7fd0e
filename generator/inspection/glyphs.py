"""Glyphs that are not there, and fonts that are not the book's."""

from __future__ import annotations

from collections.abc import Iterator

from generator.inspection.content import Run
from generator.inspection.document import Document
from generator.inspection.faces import Face
from generator.inspection.findings import Finding, Kind
from generator.typography.fonts import ROLES

_FACES = frozenset(
    role.family.replace(" ", "-") + ("-Bold" if role.weight == 700 else "") for role in ROLES
)
"""The PostScript names under which WeasyPrint writes the book's faces."""


def find_missing_glyphs(document: Document) -> Iterator[Finding]:
    """Characters for which .notdef is drawn."""
    missing = {id(face): face.missing() for face in document.faces}
    for index, run in _runs(document):
        for glyph in run.glyphs:
            if glyph.code in missing[id(run.face)]:
                character = glyph.text or "?"
                code = f" (U+{ord(glyph.text):04X})" if len(glyph.text) == 1 else ""
                message = f"{run.face.family} has no glyph for “{character}”{code}"
                yield Finding(Kind.GLYPH, index, message, run.text)


def find_stray_fonts(document: Document) -> Iterator[Finding]:
    """Text in a face that is not the book's, or not in the file; one finding a page and face."""
    seen: set[tuple[int, int]] = set()
    for index, run in _runs(document):
        place = (index, id(run.face))
        if not _is_of_book(run.face) and place not in seen:
            seen.add(place)
            kind = "is not one of the book's faces" if run.face.is_embedded else "is not embedded"
            yield Finding(Kind.FONT, index, f"{run.face.family} {kind}", run.text)


def _is_of_book(face: Face) -> bool:
    # Pango slants a face that has no italics: figures do so for variables.
    return face.is_embedded and face.family.removesuffix("-Oblique") in _FACES


def _runs(document: Document) -> Iterator[tuple[int, Run]]:
    return ((index, run) for index, page in enumerate(document.pages) for run in page.runs)
