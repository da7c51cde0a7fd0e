"""The structure tree of a tagged PDF (ISO 32000-1, 14.7): what the marked content is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import pikepdf

_MAX_DEPTH = 400


class Content(NamedTuple):
    """Marked content: the index of its page, and its id there."""

    page: int
    id: int


class Reference(NamedTuple):
    """An annotation in the tree, by its object's number and generation."""

    object: tuple[int, int]


@dataclass(slots=True, eq=False)
class Element:
    """A structure element. ``role`` is a standard type as far as the role map leads to one.

    ``description`` is its /Alt or /ActualText; ``source`` its dictionary.
    """

    role: str
    parent: Element | None
    source: Any
    page: int | None
    description: str
    kids: list[Element | Content | Reference] = field(default_factory=list)

    @property
    def elements(self) -> list[Element]:
        """The kids that are elements."""
        return [kid for kid in self.kids if isinstance(kid, Element)]

    @property
    def ancestors(self) -> Iterator[Element]:
        """The parent, its parent, and so on."""
        parent = self.parent
        while parent is not None:
            yield parent
            parent = parent.parent

    def walk(self) -> Iterator[Element]:
        """This element and all below, in logical order."""
        yield self
        for kid in self.elements:
            yield from kid.walk()

    def contents(self) -> Iterator[Content]:
        """The marked content of this element and all below, in logical order."""
        for kid in self.kids:
            if isinstance(kid, Content):
                yield kid
            elif isinstance(kid, Element):
                yield from kid.contents()

    def attribute(self, name: str) -> Any:
        """The value of an attribute whoever owns it (ISO 32000-1, 14.7.5), or ``None``."""
        attributes = self.source.get("/A")
        for item in attributes if isinstance(attributes, pikepdf.Array) else [attributes]:
            if isinstance(item, pikepdf.Dictionary) and name in item:
                return item[name]
        return None


@dataclass(slots=True)
class Structure:
    """A structure tree: its elements in logical order, and who owns which marked content."""

    root: Element
    roles: Mapping[str, str]
    elements: list[Element] = field(default_factory=list)
    owners: dict[Content, Element] = field(default_factory=dict)


def read_structure(pdf: pikepdf.Pdf) -> Structure | None:
    """Read the structure tree; ``None`` for a file that has none."""
    tree = pdf.Root.get("/StructTreeRoot")
    if not isinstance(tree, pikepdf.Dictionary):
        return None
    roles = {key: str(value) for key, value in tree.get("/RoleMap", {}).items()}
    pages: dict[tuple[int, int], int] = {
        page.obj.objgen: index for index, page in enumerate(pdf.pages)
    }
    root = Element("/StructTreeRoot", None, tree, None, "")
    structure = Structure(root, roles)
    _Reader(structure, pages).read_kids(root, tree.get("/K"), 0)
    return structure


class _Reader:
    def __init__(self, structure: Structure, pages: Mapping[tuple[int, int], int]) -> None:
        self.structure = structure
        self.pages = pages
        self.seen: set[tuple[int, int]] = set()

    def read_kids(self, parent: Element, kids: Any, depth: int) -> None:
        for kid in kids if isinstance(kids, pikepdf.Array) else [kids]:
            if isinstance(kid, int):
                self._own(parent, parent.page, kid)
            elif isinstance(kid, pikepdf.Dictionary) and depth < _MAX_DEPTH:
                self._read_kid(parent, kid, depth)

    def _read_kid(self, parent: Element, kid: Any, depth: int) -> None:
        kind = kid.get("/Type")
        page = self._page(kid, parent.page)
        if kind == "/MCR":
            self._own(parent, page, int(kid.MCID))
        elif kind == "/OBJR":
            if "/Obj" in kid:
                parent.kids.append(Reference(kid.Obj.objgen))
        elif kid.objgen not in self.seen:  # else a circle
            if kid.objgen != (0, 0):
                self.seen.add(kid.objgen)
            element = Element(self._role(kid), parent, kid, page, _description(kid))
            parent.kids.append(element)
            self.structure.elements.append(element)
            self.read_kids(element, kid.get("/K"), depth + 1)

    def _own(self, element: Element, page: int | None, number: int) -> None:
        if page is not None:
            content = Content(page, number)
            element.kids.append(content)
            self.structure.owners[content] = element

    def _page(self, source: Any, inherited: int | None) -> int | None:
        page = source.get("/Pg")
        return inherited if page is None else self.pages.get(page.objgen)

    def _role(self, source: Any) -> str:
        role = str(source.get("/S", ""))
        for _ in self.structure.roles:  # a circle of names ends, too
            role = self.structure.roles.get(role, role)
        return role


def _description(source: Any) -> str:
    return str(source.get("/Alt", "") or source.get("/ActualText", "")).strip()
