"""Whether a PDF's structure carries what PDF/UA-1 asks (ISO 14289-1), as far as a program can tell.

The numbers in the messages are the standard's clauses. What needs a reader (whether a description
describes, whether the order makes sense) is not here.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Any

import pikepdf

from generator.inspection.document import Document
from generator.inspection.findings import Finding, Kind
from generator.inspection.structure import Content, Element, Structure


def structure_faults(document: Document) -> list[Finding]:
    """All that keeps a file from being marked as PDF/UA-1; none is what an exporter may flag."""
    structure = document.structure
    if structure is None:
        return [*_catalog(document), _fault("there is no structure tree (7.1)")]
    return list(
        chain(
            _catalog(document),
            _content(document, structure),
            _roles(structure),
            _nesting(document),
            _descriptions(document),
            _headings(document),
            _tables(document),
            _annotations(document),
            _unicode(document),
        )
    )


def _fault(message: str, page: int | None = None, text: str = "") -> Finding:
    return Finding(Kind.STRUCTURE, page, message, text)


# -- the file -------------------------------------------------------------------------------------


def _catalog(document: Document) -> Iterator[Finding]:
    root: Any = document.pdf.Root
    if not root.get("/MarkInfo", {}).get("/Marked"):
        yield _fault("the file does not say that it is tagged: /MarkInfo /Marked (7.1)")
    if not str(root.get("/Lang", "")):
        yield _fault("the file has no language (7.2)")
    if not root.get("/ViewerPreferences", {}).get("/DisplayDocTitle"):
        yield _fault("viewers are not told to show the title: /DisplayDocTitle (7.1)")
    if not _xmp_title(document.pdf):
        yield _fault("the metadata have no title: dc:title (7.1)")
    if "/PageLabels" not in root:
        yield _fault("the pages have no labels (7.16)")
    if "/First" not in root.get("/Outlines", {}):
        yield _fault("the file has no outline (7.17)")


def _xmp_title(pdf: pikepdf.Pdf) -> str:
    if "/Metadata" not in pdf.Root:
        return ""
    return str(pdf.open_metadata(update_docinfo=False).get("dc:title", "")).strip()


def _content(document: Document, structure: Structure) -> Iterator[Finding]:
    """Content is tagged or an artifact, never both, and the tags lead into the tree and back."""
    parents = pikepdf.NumberTree(structure.root.source.get("/ParentTree", pikepdf.Dictionary()))
    for index, page in enumerate(document.pages):
        if page.unmarked:
            kinds = ", ".join(sorted(set(page.unmarked)))
            yield _fault(f"{len(page.unmarked)} × {kinds} outside of marked content (7.1)", index)
        for what in sorted(set(page.misplaced)):
            yield _fault(f"{what} (7.1)", index)
        owners = _owners(document.pdf.pages[index].obj, parents)
        for number in page.ids:
            content = Content(index, number)
            element = structure.owners.get(content)
            if element is None:
                message = "tagged content that the structure tree does not hold (7.1)"
            elif number >= len(owners) or owners[number] != element.source.objgen:
                message = "content whose way back into the tree leads elsewhere: /ParentTree (7.1)"
            else:
                continue
            yield _fault(message, index, document.text([content]))


def _owners(page: Any, parents: pikepdf.NumberTree) -> list[tuple[int, int]]:
    """The objects that own a page's marked content by its id, as the parent tree says."""
    key = page.get("/StructParents")
    array: Any = parents[int(key)] if key is not None and int(key) in parents else []
    return [owner.objgen if isinstance(owner, pikepdf.Dictionary) else (0, 0) for owner in array]


def _unicode(document: Document) -> Iterator[Finding]:
    for face in document.faces:
        dumb = sorted(code for code in face.used if not face.text(code))
        if dumb:
            codes = ", ".join(map(str, dumb[:8]))
            yield _fault(f"{face.family}: glyphs that stand for no character: {codes} (7.21.7)")


# -- elements -------------------------------------------------------------------------------------

_STANDARD = frozenset({
    "/Document", "/Part", "/Art", "/Sect", "/Div", "/BlockQuote", "/Caption", "/TOC", "/TOCI",
    "/Index", "/NonStruct", "/Private", "/P", "/H", "/H1", "/H2", "/H3", "/H4", "/H5", "/H6", "/L",
    "/LI", "/Lbl", "/LBody", "/Table", "/TR", "/TH", "/TD", "/THead", "/TBody", "/TFoot", "/Span",
    "/Quote", "/Note", "/Reference", "/BibEntry", "/Code", "/Link", "/Annot", "/Ruby", "/RB", "/RT",
    "/RP", "/Warichu", "/WT", "/WP", "/Figure", "/Formula", "/Form",
})  # fmt: skip
"""ISO 32000-1, 14.8.4."""

_KIDS = {
    "/Table": frozenset({"/TR", "/THead", "/TBody", "/TFoot", "/Caption"}),
    "/THead": frozenset({"/TR"}),
    "/TBody": frozenset({"/TR"}),
    "/TFoot": frozenset({"/TR"}),
    "/TR": frozenset({"/TH", "/TD"}),
    "/L": frozenset({"/L", "/LI", "/Caption"}),
    "/LI": frozenset({"/Lbl", "/LBody"}),
    "/TOC": frozenset({"/TOC", "/TOCI", "/Caption"}),
}
_PARENTS = {
    "/TR": frozenset({"/Table", "/THead", "/TBody", "/TFoot"}),
    "/TH": frozenset({"/TR"}),
    "/TD": frozenset({"/TR"}),
    "/LI": frozenset({"/L"}),
    "/LBody": frozenset({"/LI"}),
    "/TOCI": frozenset({"/TOC"}),
}
_HEADINGS = ("/H1", "/H2", "/H3", "/H4", "/H5", "/H6")


def _roles(structure: Structure) -> Iterator[Finding]:
    for role in sorted({element.role for element in structure.elements} - _STANDARD):
        yield _fault(f"{role} is no standard type and is mapped to none (7.1)")


def _nesting(document: Document) -> Iterator[Finding]:
    """Tables and lists are made of their parts (7.2; ISO 32000-1, 14.8.4.3)."""
    for element in document.elements:
        role, parent = element.role, element.parent
        outer = parent.role if parent else ""
        is_wrong = role not in _KIDS.get(outer, {role}) or outer not in _PARENTS.get(role, {outer})
        if is_wrong:
            text = document.text(element.contents())
            yield _fault(f"{role[1:]} within {outer[1:]} (7.2)", element.page, text)


def _descriptions(document: Document) -> Iterator[Finding]:
    for element in document.elements:
        if element.role in {"/Figure", "/Formula"} and not element.description:
            clause = "7.3" if element.role == "/Figure" else "7.7"
            yield _fault(
                f"a {element.role[1:].lower()} without description ({clause})", element.page
            )
        if element.role == "/Note" and not str(element.source.get("/ID", "")):
            text = document.text(element.contents())
            yield _fault("a note without /ID (7.9)", element.page, text)


def _headings(document: Document) -> Iterator[Finding]:
    """Levels begin with 1 and none is left out on the way down (7.4.2)."""
    level = 0
    for element in document.elements:
        if element.role not in _HEADINGS:
            continue
        before, level = level, int(element.role[2:])
        if level > before + 1:
            message = f"a heading of level {level} after one of level {before} (7.4.2)"
            if not before:
                message = f"the first heading is of level {level} (7.4.2)"
            yield _fault(message, element.page, document.text(element.contents()))


# -- tables ---------------------------------------------------------------------------------------


def _tables(document: Document) -> Iterator[Finding]:
    """Every cell's headers can be found, by /Headers or by /Scope (7.5)."""
    ids: dict[str, Element] = {}
    tables = [element for element in document.elements if element.role == "/Table"]
    for table in tables:
        for cell in table.walk():
            name = str(cell.source.get("/ID", ""))
            if name and cell.role == "/TH":
                if name in ids:
                    yield _at(document, cell, f"two header cells with the id {name} (7.5)")
                ids[name] = cell
    for table in tables:
        cells = list(table.walk())
        headers = [cell for cell in cells if cell.role == "/TH"]
        if not headers:
            yield _at(document, table, "a table without header cells (7.5)")
        elif not all(cell.attribute("/Scope") for cell in headers):
            yield from _unheaded(document, cells, ids)


def _unheaded(
    document: Document, cells: list[Element], ids: dict[str, Element]
) -> Iterator[Finding]:
    for cell in cells:
        if cell.role == "/TD":
            names = [str(name) for name in cell.attribute("/Headers") or []]
            if not names:
                yield _at(document, cell, "a cell without /Headers in a table without /Scope (7.5)")
            elif not ids.keys() >= set(names):
                yield _at(document, cell, "a cell whose /Headers lead nowhere (7.5)")


def _at(document: Document, element: Element, message: str) -> Finding:
    return _fault(message, element.page, document.text(element.contents()))


# -- annotations ----------------------------------------------------------------------------------


def _annotations(document: Document) -> Iterator[Finding]:
    """Links stand in link elements, and say in words where they lead (7.18.1, 7.18.5)."""
    for index, page in enumerate(document.pdf.pages):
        annotations = list(page.get("/Annots", []))
        if annotations and page.get("/Tabs") != "/S":
            yield _fault("the tab key does not follow the structure: /Tabs (7.18.3)", index)
        for annotation in annotations:
            if annotation.get("/Subtype") != "/Link":
                continue
            words = str(annotation.get("/Contents", "")).strip()
            owner = document.links.get(annotation.objgen)
            if owner is None:
                yield _fault("a link outside of the structure (7.18.1)", index, words)
            elif owner.role != "/Link":
                yield _fault(f"a link within {owner.role[1:]}, not Link (7.18.5)", index, words)
            if not words:
                yield _fault("a link without words: /Contents (7.18.5)", index)
