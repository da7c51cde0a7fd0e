"""What leads from place to place: links, bookmarks, and the numbers under figures."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pikepdf

from generator.inspection.document import Document
from generator.inspection.findings import Finding, Kind
from generator.inspection.structure import Element

_NUMBERED = re.compile(r"\s*图\s*\d+-\d+")
_ADDRESS = re.compile(r"(https?://[^/\s]+|mailto:\S+@)\S*")


# -- links ----------------------------------------------------------------------------------------


def find_dead_links(document: Document) -> Iterator[Finding]:
    """Links and bookmarks that lead nowhere, and links that nobody can hit."""
    targets = _Targets(document.pdf)
    for index, page in enumerate(document.pdf.pages):
        for annotation in page.get("/Annots", []):
            if annotation.get("/Subtype") != "/Link":
                continue
            fault = targets.fault(annotation)
            if not fault and _is_empty(annotation.get("/Rect", (0, 0, 0, 0))):
                fault = "a link without a surface"
            if fault:
                yield Finding(Kind.LINK, index, fault, _words(document, annotation))
    for item in _bookmarks(document.pdf.Root.get("/Outlines", {})):
        fault = targets.fault(item)
        if fault:
            yield Finding(Kind.LINK, None, f"bookmark: {fault}", str(item.get("/Title", "")))


class _Targets:
    """Where links may lead."""

    def __init__(self, pdf: pikepdf.Pdf) -> None:
        root: Any = pdf.Root
        self.pages = {page.obj.objgen for page in pdf.pages}
        self.names: dict[str, Any] = {
            key.removeprefix("/"): value for key, value in root.get("/Dests", {}).items()
        }
        tree = root.get("/Names", {}).get("/Dests")
        if tree is not None:
            self.names.update((str(key), value) for key, value in pikepdf.NameTree(tree).items())

    def fault(self, link: Any) -> str:
        """What is wrong with the target of an annotation or a bookmark; ``""`` if nothing is."""
        action = link.get("/A", {})
        target = link.get("/Dest", action.get("/D"))
        if target is not None:
            return self._target_fault(target)
        if "/URI" not in action:
            return "a link without a target"
        address = str(action.URI)
        return "" if _ADDRESS.fullmatch(address) else f"“{address}” is no address of the web"

    def _target_fault(self, target: Any) -> str:
        if not isinstance(target, pikepdf.Array):
            name = str(target).removeprefix("/")
            if name not in self.names:
                return f"there is no place “{name}”"
            target = self.names[name]
            if isinstance(target, pikepdf.Dictionary):
                target = target.get("/D", [])
        is_page = len(target) > 0 and getattr(target[0], "objgen", None) in self.pages
        return "" if is_page else "a link to a page that is not there"


def _is_empty(rectangle: Any) -> bool:
    left, bottom, right, top = map(float, rectangle)
    return abs(right - left) < 0.5 or abs(top - bottom) < 0.5


def _words(document: Document, annotation: Any) -> str:
    """The words of a link, or else what it says it leads to."""
    element = document.links.get(annotation.objgen)
    words = document.text(element.contents()) if element else ""
    return words or str(annotation.get("/Contents", ""))


def _bookmarks(parent: Any) -> Iterator[Any]:
    seen: set[tuple[int, int]] = set()
    item = parent.get("/First")
    while item is not None and item.objgen not in seen:
        seen.add(item.objgen)
        yield item
        yield from _bookmarks(item)
        item = item.get("/Next")


# -- figures --------------------------------------------------------------------------------------


def find_unnumbered_figures(document: Document) -> Iterator[Finding]:
    """Figures under which no caption says 图 N-M."""
    for element in document.elements:
        if element.role != "/Figure":
            continue
        caption = _caption(document, element)
        if caption is None and not _is_formula(element):
            message = "a figure without a caption"
        elif caption is not None and not _NUMBERED.match(caption):
            message = f"a figure whose caption has no number: “{caption}”"
        else:
            continue
        yield Finding(Kind.FIGURE, element.page, message, element.description)


def _is_formula(figure: Element) -> bool:
    """Whether a figure without a caption is a formula, which WeasyPrint gives the same type.

    It stands in a line, that is in a span, or alone in a division; a picture in <figure>.
    """
    parent = figure.parent
    if parent is None:
        return False
    return parent.role in {"/Span", "/Link"} or (parent.role == "/Div" and len(parent.kids) == 1)


def _caption(document: Document, figure: Element) -> str | None:
    """The text of the caption beside a figure, or beside what wraps it and nothing else."""
    for outer in figure.ancestors:
        if outer.role not in {"/NonStruct", "/Figure", "/Div"}:
            return None
        for kid in outer.elements:
            if kid.role == "/Caption":
                return document.text(kid.contents())
    return None
