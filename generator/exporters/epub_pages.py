"""The handbook's pages in an EPUB, so that “第 87 页” means the same in both.

EPUB 3.3, 7.4.2.3 (page-list), and EPUB Accessibility 1.1, 3.3.1 (pageBreakSource).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

from generator.exporters.epub_documents import Document

_ELEMENT = re.compile(r'<(?P<tag>[a-z0-9]+)(?=[^<>]*? id="(?P<name>[^"]+)")[^<>]*>')
_HOLD_TEXT = frozenset({"p", "h1", "h2", "h3", "h4", "h5", "h6", "li", "dt", "dd", "td", "th"})
"""Elements that a page break can stand in; before them it might have no place."""

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Pages:
    """What the handbook's exporter found: page labels in order, where each anchor stands.

    ``source`` is the handbook's identifier.
    """

    order: Sequence[str]
    labels: Mapping[str, str]
    source: str

    @classmethod
    def of(cls, found: Mapping[str, object] | None) -> Pages | None:
        """The handbook's pages, if it was built before."""
        if found is None:
            return None
        return cls(
            _checked(found["pages"], tuple),
            _checked(found["labels"], dict),
            _checked(found["identifier"], str),
        )


def _checked(value: object, kind: type[_T]) -> _T:
    if not isinstance(value, kind):
        raise TypeError(f"the handbook hands on {type(value).__name__}, not {kind.__name__}")
    return value


@dataclass(frozen=True, slots=True)
class PageBreak:
    """The beginning of a page: its label, and where it stands."""

    label: str
    path: str

    @property
    def anchor(self) -> str:
        """The id of the page break."""
        return page_anchor(self.label)


def page_anchor(label: str) -> str:
    """``page-87``."""
    return f"page-{label}"


def break_pages(
    documents: Sequence[Document], pages: Pages
) -> tuple[list[Document], list[PageBreak]]:
    """Mark in the documents where the handbook's pages begin: at the first place on each.

    A page on which nothing begins (it is filled by a listing, say) has no mark.
    """
    numbers = {label: number for number, label in enumerate(pages.order)}
    breaks: list[PageBreak] = []
    last = -1

    def mark(path: str, match: re.Match[str]) -> str:
        nonlocal last
        label = pages.labels.get(match["name"])
        if label is None or numbers[label] <= last:
            return match[0]
        last = numbers[label]
        breaks.append(PageBreak(label, path))
        attributes = (
            f'epub:type="pagebreak" role="doc-pagebreak" id="{page_anchor(label)}"'
            f' aria-label="{label}"'
        )
        if match["tag"] in _HOLD_TEXT:
            return f"{match[0]}<span {attributes}></span>"
        return f"<div {attributes}></div>{match[0]}"

    marked = [
        replace(document, xhtml=_ELEMENT.sub(partial(mark, document.path), document.xhtml))
        for document in documents
    ]
    return marked, breaks
