"""The structure tree, where WeasyPrint 70 makes it other than PDF/UA-1 (ISO 14289-1) asks.

- A formula is its TeX (``span.tex``), transparent, and then one or more pictures (``img.math``,
  each with the TeX as its ``alt``) with spaces between them. It becomes one Formula element, with
  the TeX as its alternate description (7.7); WeasyPrint tags every picture as a Figure.
- What stands in the margins of a page is an artifact (7.8), not tagged content without a place.
- All that an item of a list holds is its body (ISO 32000-1, 14.8.4.3.3): each of its paragraphs.
- A link is one annotation for each of its lines (7.18.5), not one for every box within it.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from functools import wraps
from types import SimpleNamespace
from typing import Any
from weakref import WeakKeyDictionary

from generator.typography.finishing import FIXED_SPACE
from generator.typography.hooks import fit

_EXPECTED = {
    "weasyprint.pdf.tags:_build_box_tree": "box parent pdf page_number nums annotations tags",
    "weasyprint.pdf.stream:Stream.marked": "self box tag",
    "weasyprint.pdf.stream:Stream.artifact": "self",
    "weasyprint.pdf:add_links": "links_and_anchors matrix pdf page names tags",
}
_installed = False


def install() -> bool:
    """Tag so from now on. Idempotent; False, and nothing changed, if it does not fit."""
    global _installed  # noqa: PLW0603 - WeasyPrint's modules are global, too
    if not _installed:
        if not fit(_EXPECTED):
            return False
        hooks = _modules()
        _install_formulas(hooks)
        _install_lists(hooks)
        _install_margins(hooks)
        _install_links(hooks)
        _installed = True
    return True


def _modules() -> SimpleNamespace:
    """WeasyPrint's, in which something is replaced."""
    return SimpleNamespace(
        pdf=importlib.import_module("weasyprint.pdf"),
        tags=importlib.import_module("weasyprint.pdf.tags"),
        stream=importlib.import_module("weasyprint.pdf.stream").Stream,
        margin=importlib.import_module("weasyprint.formatting_structure.boxes").MarginBox,
        dictionary=importlib.import_module("pydyf").Dictionary,
        string=importlib.import_module("pydyf").String,
    )


def _is(box: Any, tag: str, css: str) -> bool:
    element = getattr(box, "element", None)
    return element is not None and box.element_tag == tag and element.get("class") == css


# -- formulas -------------------------------------------------------------------------------------


def _install_formulas(hooks: SimpleNamespace) -> None:
    build: Callable[..., Iterator[Any]] = hooks.tags._build_box_tree  # noqa: SLF001 - a hook
    last: WeakKeyDictionary[Any, Any] = WeakKeyDictionary()

    @wraps(build)
    def build_box_tree(box: Any, parent: Any, *state: Any) -> Iterator[Any]:
        pdf, page_number, nums, _annotations, tags = state
        if isinstance(box, hooks.margin):
            return
        if _is(box, "img", "math"):
            formula, page = last[pdf], pdf.page_references[page_number]
            number = tags.pop(box)["mcid"]
            nums[number] = formula.reference
            # A formula may be broken between two pages (ISO 32000-1, 14.7.4.2).
            mark = hooks.dictionary({"Type": "/MCR", "Pg": page, "MCID": number})
            formula["K"].append(number if formula["Pg"] == page else mark)
            return
        for element in build(box, parent, *state):
            if _is(box, "span", FIXED_SPACE):
                element["P"] = last[pdf].reference
                last[pdf]["K"].append(element.reference)
                continue
            if _is(box, "span", "tex"):
                element["S"] = "/Formula"
                element["Alt"] = hooks.string("".join(box.element.itertext()))
                last[pdf] = element
            yield element

    hooks.tags._build_box_tree = build_box_tree  # noqa: SLF001 - a hook


# -- lists ----------------------------------------------------------------------------------------


def _install_lists(hooks: SimpleNamespace) -> None:
    build: Callable[..., Iterator[Any]] = hooks.tags._build_box_tree  # noqa: SLF001 - a hook

    @wraps(build)
    def build_box_tree(box: Any, parent: Any, *state: Any) -> Iterator[Any]:
        for element in build(box, parent, *state):
            if parent["S"] == "/LI" and element["S"] in {"/P", "/Div"}:
                element["S"] = "/LBody"
            yield element

    hooks.tags._build_box_tree = build_box_tree  # noqa: SLF001 - a hook


# -- margins --------------------------------------------------------------------------------------


def _install_margins(hooks: SimpleNamespace) -> None:
    mark: Callable[..., Any] = hooks.stream.marked

    @wraps(mark)
    @contextmanager
    def marked(self: Any, box: Any, tag: str) -> Generator[None]:
        is_in_margin = box.element is None  # all else belongs to an element of the document
        with self.artifact() if is_in_margin else mark(self, box, tag):
            yield

    hooks.stream.marked = marked


# -- links ----------------------------------------------------------------------------------------


def _install_links(hooks: SimpleNamespace) -> None:
    add: Callable[..., None] = hooks.pdf.add_links

    @wraps(add)
    def add_links(links_and_anchors: Any, *others: Any) -> None:
        links, anchors = links_and_anchors
        add(([link for link in links if link[3].element_tag == "a"], anchors), *others)

    hooks.pdf.add_links = add_links
