"""Makes MathJax's output fit for print and for EPUB.

MathJax writes for a browser that holds its style sheet; neither WeasyPrint's image loader nor
EPUBCheck knows that sheet.
"""

from __future__ import annotations

import math
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from itertools import zip_longest
from typing import Final, NamedTuple

from generator.formula.ink import Box, ink_boxes
from generator.formula.values import Break

_SVG: Final = "http://www.w3.org/2000/svg"
_MATHML: Final = "http://www.w3.org/1998/Math/MathML"
_UNITS: Final = 1000
"""Units of MathJax's viewBox to the em."""

_SHAPES: Final = frozenset({"path", "line", "rect", "ellipse", "circle", "polygon", "polyline"})
_INK: Final = _SHAPES | {"text"}
_TOKENS: Final = frozenset({"mi", "mo", "mn", "mtext", "ms"})
# What MathJax's style sheet says of the rules of an array; its class names them.
_RULE_WIDTH: Final = "70"
_RULE_STYLE: Final[dict[str, dict[str, str]]] = {
    "mjx-dashed": {"stroke-dasharray": "140"},
    "mjx-dotted": {"stroke-dasharray": "0,140", "stroke-linecap": "round"},
}
# Browser-only attributes of an SVG; data-* comes on top. `style` is safe to drop: MathJax draws the
# borders of \bbox as polygons.
_SVG_DROPPED: Final = frozenset({"class", "focusable", "id", "role", "style", "xmlns"})
_MATHML_DROPPED: Final = frozenset({"class", "href", "id", "style"})
# What TeX sets behind relations and binary operators: a thick and a medium space (The TeXbook, 18).
_SPACES: Final = {"relation": 5 / 18, "operator": 4 / 18}
# The colour values of MathML 3's schema (Appendix A.2, "color"), which EPUBCheck applies.
_COLOUR: Final = re.compile(
    r"#(?:[0-9a-f]{3}){1,2}|aqua|black|blue|fuchsia|gray|green|lime|maroon|navy|olive|purple|red"
    r"|silver|teal|white|yellow",
    re.IGNORECASE,
)


class MarkupError(Exception):
    """The formula cannot be expressed in SVG and MathML; the message says why."""


class Drawing(NamedTuple):
    """A standalone SVG and its extent in em: width, above and below the baseline."""

    svg: str
    width: float
    height: float
    depth: float
    breaks: tuple[Break, ...]


def finish_svg(raw: str) -> Drawing:
    """Turn MathJax's inline SVG into a standalone document for print.

    Args:
        raw: an ``<svg>`` as MathJax writes it with ``fontCache: none``, 1000 units to the em.

    Raises:
        MarkupError: the drawing is empty, or uses a colour that not all outputs understand.
    """
    root = _parse(raw)
    if not any(element.tag in _INK for element in root.iter()):
        raise MarkupError("The formula draws nothing")
    box = _extent(root)
    width, height = (box.right - box.left) / _UNITS, (box.bottom - box.top) / _UNITS
    if width <= 0 or height <= 0:
        raise MarkupError("The formula has no extent")
    breaks = tuple(_breaks(root, -box.left))
    _paint(root, stroke="black")
    _flatten(root)
    root.attrib = {
        "xmlns": _SVG,
        "width": f"{_number(width)}em",
        "height": f"{_number(height)}em",
        "viewBox": " ".join(map(_number, (box.left, box.top, width * _UNITS, height * _UNITS))),
    }
    return Drawing(
        svg=_serialize(root),
        width=round(width, 4),
        height=round(-box.top / _UNITS, 4),
        depth=round(box.bottom / _UNITS, 4),
        breaks=breaks,
    )


def _breaks(element: ET.Element, x: float) -> Iterator[Break]:
    """Where glue.js has marked signs to break behind; ``x`` is the element's own place."""
    for child, after in zip_longest(element, element[1:]):
        sign = child.get("data-break")
        if sign and after is not None:
            start = (x + _shift(after)) / _UNITS
            yield Break(round(start - _SPACES[sign], 4), round(start, 4), sign == "relation")
        if not child.get("data-break"):
            yield from _breaks(child, x + _shift(child))


def _shift(element: ET.Element) -> float:
    """How far to the right an element is moved."""
    found = re.match(r"translate\((-?[\d.]+)", element.get("transform", ""))
    return float(found[1]) if found else 0.0


def finish_mathml(raw: str, tex: str) -> str:
    """Turn MathJax's MathML into the strict presentation MathML of EPUB 3.

    Args:
        raw: a ``<math>`` element as MathJax serialises it.
        tex: the source, which becomes the ``alttext``.

    Raises:
        MarkupError: the formula uses a colour that MathML 3 does not know.
    """
    root = _parse(raw)
    _tidy(root)
    for table in root.iter("mtable"):
        _align_cells(table)
    display = {"display": "block"} if root.get("display") == "block" else {}
    root.attrib = {"xmlns": _MATHML, **display, "alttext": tex}
    return _serialize(root)


def _parse(raw: str) -> ET.Element:
    # Without its namespace, so that tags stay plain names; the finished root declares it again.
    try:
        # MathJax escapes what comes from the TeX: no DTD, no entity can get in.
        return ET.fromstring(re.sub(r' xmlns="[^"]*"', "", raw, count=1))  # noqa: S314
    except ET.ParseError as error:
        raise MarkupError(f"MathJax wrote markup that is not XML: {error}") from None


def _serialize(root: ET.Element) -> str:
    text = ET.tostring(root, encoding="unicode")
    # An image that is not well-formed vanishes from the page without a word, so look twice.
    try:
        ET.fromstring(text)  # noqa: S314
    except ET.ParseError as error:
        raise MarkupError(f"The markup is not XML: {error}") from None
    return text


def _extent(root: ET.Element) -> Box:
    """MathJax's view box, stretched where ink flows over it; to a tenth of a unit."""
    numbers = [float(number) for number in root.get("viewBox", "").split()]
    if len(numbers) != 4:
        raise MarkupError("The formula has no size of its own")
    left, top, width, height = numbers
    box = Box(left, top, left + width, top + height)
    for ink in ink_boxes(root):
        box = box.union(ink)
    # Rounded first: 0.1 + 0.2 must not be rounded up to 0.4.
    tenths = Box(*(round(edge * 10, 3) for edge in box))
    return Box(
        math.floor(tenths.left) / 10,
        math.floor(tenths.top) / 10,
        math.ceil(tenths.right) / 10,
        math.ceil(tenths.bottom) / 10,
    )


def _number(value: float) -> str:
    return f"{value:.4f}".rstrip("0").rstrip(".")


def _check_colour(value: str) -> None:
    if not _COLOUR.fullmatch(value):
        raise MarkupError(
            f"Colour {value!r} is not known everywhere; write it as \\color[RGB]{{r,g,b}}"
        )


def _paint(element: ET.Element, stroke: str) -> None:
    """Give every stroked shape its own stroke and everything else none.

    MathJax puts ``stroke="currentColor" stroke-width="0"`` around all, which WeasyPrint draws as a
    hairline around every glyph; lines and frames inherit that stroke with a width of their own.
    """
    for name in {"fill", "stroke"} & element.attrib.keys():
        if element.attrib[name] not in {"none", "currentColor"}:
            _check_colour(element.attrib[name])
    stroke = element.get("stroke", stroke).replace("currentColor", "black")
    rule = element.get("class", "")
    is_rule = "data-line" in element.attrib or "data-frame" in element.attrib
    width = element.get("stroke-width", _RULE_WIDTH if is_rule else "0")
    kept = {
        name: value.replace("currentColor", "black")
        for name, value in element.attrib.items()
        if name not in _SVG_DROPPED | {"stroke", "stroke-width"} and not name.startswith("data-")
    }
    if kept.get("fill") == "black":
        del kept["fill"]
    if element.tag in _SHAPES and float(width) > 0 and stroke != "none":
        kept |= {"stroke": stroke, "stroke-width": width} | _RULE_STYLE.get(rule, {})
        if is_rule:
            kept["fill"] = "none"
    element.attrib = kept
    for child in element:
        _paint(child, stroke)


def _flatten(element: ET.Element) -> None:
    """Drop groups that say nothing and shapes that show nothing: a third of the bytes."""
    children: list[ET.Element] = []
    for child in element:
        _flatten(child)
        if child.tag == "g" and not child.attrib:
            children.extend(child)
        elif len(child) or not _is_void(child):
            children.append(child)
    element[:] = children


def _is_void(leaf: ET.Element) -> bool:
    if leaf.tag == "path":
        return not leaf.get("d")
    if leaf.tag == "text":
        return not leaf.text
    return leaf.tag in {"g", "svg"}


def _tidy(element: ET.Element) -> None:
    """Keep what MathML 3's schema knows, without layout white space and needless rows."""
    for name, value in list(element.attrib.items()):
        if name in {"mathcolor", "mathbackground"}:
            _check_colour(value)
        if not value or name in _MATHML_DROPPED or name.startswith("data-"):
            del element.attrib[name]
    if element.tag not in _TOKENS:
        element.text = None
    children: list[ET.Element] = []
    for child in element:
        child.tail = None
        _tidy(child)
        # A row of one is the same as its content (MathML 3, section 3.3.1.3).
        lone = child.tag == "mrow" and len(child) == 1 and not child.attrib
        children.append(child[0] if lone else child)
    element[:] = children


def _align_cells(table: ET.Element) -> None:
    """Repeat a table's alignment as CSS on its cells.

    MathML Core, which Chromium-based readers implement, ignores ``columnalign`` and
    ``columnspacing``: the two halves of an aligned equation would drift apart.
    """
    align = table.get("columnalign", "center").split()
    space = table.get("columnspacing", "").split()
    for row in table:
        for column, cell in enumerate(row):
            style = []
            side = align[min(column, len(align) - 1)]
            if side != "center":
                style.append(f"text-align:{side}")
            if space and column and _is_zero(space[min(column - 1, len(space) - 1)]):
                style.append("padding-left:0")
            if space and column + 1 < len(row) and _is_zero(space[min(column, len(space) - 1)]):
                style.append("padding-right:0")
            if style:
                cell.set("style", ";".join(style))


def _is_zero(length: str) -> bool:
    return re.fullmatch(r"[+-]?0*\.?0*[a-z]*", length) is not None
