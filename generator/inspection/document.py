"""A finished PDF, opened: its pages' content, its structure tree, its fonts, its labels."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pikepdf

from generator.inspection.content import Faces, PageContent, Run, read_page
from generator.inspection.structure import Content, Element, Reference, Structure, read_structure


class UnreadableError(Exception):
    """A file is no PDF that can be read; the message says why."""


@dataclass
class Document:
    """A PDF as all measures see it. Pages count from 0."""

    pdf: pikepdf.Pdf
    pages: list[PageContent]
    faces: Faces
    structure: Structure | None

    @cached_property
    def labels(self) -> list[str]:
        """The page labels, which are the folios in print; numbers where there are none."""
        return [str(page.label) for page in self.pdf.pages]

    @cached_property
    def runs(self) -> dict[Content, list[Run]]:
        """The text of every piece of marked content."""
        found: dict[Content, list[Run]] = {}
        for index, page in enumerate(self.pages):
            for run in page.runs:
                if run.id is not None:
                    found.setdefault(Content(index, run.id), []).append(run)
        return found

    def text(self, contents: Iterable[Content]) -> str:
        """The text of marked content."""
        return "".join(run.text for content in contents for run in self.runs.get(content, []))

    @cached_property
    def links(self) -> dict[tuple[int, int], Element]:
        """The elements that hold annotations, by these objects' number and generation."""
        return {
            kid.object: element
            for element in self.elements
            for kid in element.kids
            if isinstance(kid, Reference)
        }

    @property
    def elements(self) -> Sequence[Element]:
        """All structure elements in logical order."""
        return self.structure.elements if self.structure else ()


_DAMAGE = (
    pikepdf.PdfError, pikepdf.PasswordError,
    AttributeError, IndexError, KeyError, TypeError, ValueError, RecursionError,
)  # fmt: skip
"""What reading a damaged file raises: pikepdf's objects have whatever type the file gives them."""


@contextmanager
def open_document(source: Path | pikepdf.Pdf) -> Iterator[Document]:
    """Open a file, or look at one that is open.

    Raises :class:`UnreadableError`, also for damage that only shows while the document is in use.
    """
    try:
        if isinstance(source, pikepdf.Pdf):
            yield _read(source)
        else:
            with pikepdf.open(source) as pdf:
                yield _read(pdf)
    except _DAMAGE as error:
        raise UnreadableError(f"the file cannot be read: {error}") from error


def _read(pdf: pikepdf.Pdf) -> Document:
    faces = Faces()
    pages = [read_page(page, faces) for page in pdf.pages]
    return Document(pdf, pages, faces, read_structure(pdf))
