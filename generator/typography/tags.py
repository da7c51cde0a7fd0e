"""Formulas in the structure tree: one Formula element each, whatever number of pictures shows it.

WeasyPrint 70 knows no Formula (ISO 32000-1, 14.8.4.5) and tags every picture as a Figure. In print,
a formula is its TeX (``span.tex``), transparent, and then one or more pictures
(``img.math``, each with the TeX as its ``alt``). The TeX becomes the Formula with itself as the
alternate description, which PDF/UA-1 (ISO 14289-1, 7.7) asks for, and takes the pictures in.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any
from weakref import WeakKeyDictionary

from generator.typography.finishing import is_pinned_weasyprint

_PARAMETERS = "box parent pdf page_number nums annotations tags"
_installed = False


def install() -> bool:
    """Tag formulas from now on. Idempotent; False, and nothing changed, if it does not fit."""
    global _installed  # noqa: PLW0603 - WeasyPrint's modules are global, too
    if _installed:
        return True
    module = importlib.import_module("weasyprint.pdf.tags")
    build: Callable[..., Iterator[Any]] | None = getattr(module, "_build_box_tree", None)
    if (
        not is_pinned_weasyprint()
        or build is None
        or " ".join(inspect.signature(build).parameters) != _PARAMETERS
    ):
        return False
    pydyf = importlib.import_module("pydyf")
    formulas: WeakKeyDictionary[Any, dict[str, Any]] = WeakKeyDictionary()

    @wraps(build)
    def build_box_tree(box: Any, parent: Any, *state: Any) -> Iterator[Any]:
        pdf, page_number, nums, _annotations, tags = state
        own = formulas.setdefault(pdf, {})
        if _is(box, "img", "math"):
            formula, page = own[box.element.get("alt")], pdf.page_references[page_number]
            number = tags.pop(box)["mcid"]
            nums[number] = formula.reference
            # A formula may be broken between two pages (ISO 32000-1, 14.7.4.2).
            mark = pydyf.Dictionary({"Type": "/MCR", "Pg": page, "MCID": number})
            formula["K"].append(number if formula["Pg"] == page else mark)
            return
        for element in build(box, parent, *state):
            if _is(box, "span", "tex"):
                tex = "".join(box.element.itertext())
                element["S"], element["Alt"] = "/Formula", pydyf.String(tex)
                own[tex] = element
            yield element

    module._build_box_tree = build_box_tree  # type: ignore[attr-defined] # noqa: SLF001 - a hook
    _installed = True
    return True


def _is(box: Any, tag: str, css: str) -> bool:
    element = getattr(box, "element", None)
    return element is not None and box.element_tag == tag and element.get("class") == css
