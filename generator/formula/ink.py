"""Where the ink of a drawing is.

MathJax's view box is TeX's: the advance widths of the glyphs, which a slanted f overhangs, and a
guess of 0.75 em for the height of text outside its font, which 中文 exceeds. A browser lets ink
flow over the edge of an inline SVG; an image is cut off there.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from functools import lru_cache
from typing import Final, NamedTuple

_COMMAND: Final = re.compile(r"([MLHVQTZ])([^A-Za-z]*)")
_SIDES: Final = ("x", "y", "width", "height")
_TRANSFORM: Final = re.compile(r"(\w+)\(([^)]*)\)")
_NUMBER: Final = re.compile(r"-?(?:\d+\.?\d*|\.\d+)")
# Ascent of an ideograph in Chinese fonts, and depth of a Latin descender, in thousandths of the em.
_TEXT_HEIGHT: Final = 880
_TEXT_DEPTH: Final = 200


class Box(NamedTuple):
    """A rectangle; y grows downwards in a view box."""

    left: float
    top: float
    right: float
    bottom: float

    def union(self, other: Box) -> Box:
        """The smallest box around both."""
        return Box(
            min(self.left, other.left),
            min(self.top, other.top),
            max(self.right, other.right),
            max(self.bottom, other.bottom),
        )

    def within(self, top: float, bottom: float) -> Box:
        """What of it lies between two heights."""
        return self._replace(top=max(self.top, top), bottom=min(self.bottom, bottom))


class _Map(NamedTuple):
    """Scaling, then shifting; all that MathJax uses for glyphs."""

    x_scale: float = 1
    y_scale: float = 1
    x: float = 0
    y: float = 0

    def then(self, inner: _Map) -> _Map:
        return _Map(
            self.x_scale * inner.x_scale,
            self.y_scale * inner.y_scale,
            self.x + self.x_scale * inner.x,
            self.y + self.y_scale * inner.y,
        )

    def apply(self, box: Box) -> Box:
        xs = sorted(self.x + self.x_scale * x for x in (box.left, box.right))
        ys = sorted(self.y + self.y_scale * y for y in (box.top, box.bottom))
        return Box(xs[0], ys[0], xs[1], ys[1])


def ink_boxes(element: ET.Element) -> Iterator[Box]:
    """The boxes of all glyphs and texts below an SVG element, in its coordinates.

    Nested ``<svg>`` are left out: they clip what they hold to the box that MathJax reckons with.
    """
    return (box for box, is_nested in _walk(element, _Map()) if not is_nested)


def all_boxes(element: ET.Element) -> Iterator[Box]:
    """The same with the boxes of nested ``<svg>``: lines and braces that MathJax stretches."""
    return (box for box, _ in _walk(element, _Map()))


def _walk(element: ET.Element, outer: _Map) -> Iterator[tuple[Box, bool]]:
    """Boxes, and whether they are those of nested ``<svg>``."""
    for child in element:
        own = _transform(child.get("transform", ""))
        if own is None:
            continue
        if child.tag == "svg":
            x, y, width, height = (float(child.get(side, 0)) for side in _SIDES)
            yield outer.apply(Box(x, y, x + width, y + height)), True
            continue
        inner = outer.then(own)
        if child.tag == "path" and child.get("d"):
            yield inner.apply(outline_box(child.get("d", ""))), False
        elif child.tag == "text" and child.text:
            yield inner.apply(Box(0, -_TEXT_HEIGHT, 0, _TEXT_DEPTH)), False
        yield from _walk(child, inner)


def _transform(text: str) -> _Map | None:
    """A ``transform`` attribute; None where it turns, which MathJax does with arrowheads only."""
    result = _Map()
    for name, arguments in _TRANSFORM.findall(text):
        values = [float(number) for number in _NUMBER.findall(arguments)]
        if name == "translate":
            result = result.then(_Map(x=values[0], y=values[1] if len(values) > 1 else 0))
        elif name == "scale":
            result = result.then(_Map(values[0], values[-1]))
        else:
            return None
    return result


@lru_cache(maxsize=2048)
def outline_box(outline: str) -> Box:
    """The exact box of a glyph's path data: lines and quadratic curves, in absolute coordinates."""
    xs: list[float] = []
    ys: list[float] = []
    x = y = control_x = control_y = 0.0
    for command, arguments in _COMMAND.findall(outline):
        values = [float(number) for number in _NUMBER.findall(arguments)]
        if command == "Z":
            continue
        start_x, start_y = x, y
        if command == "H":
            x = values[0]
        elif command == "V":
            y = values[0]
        else:
            x, y = values[-2:]
        if command == "Q":
            control_x, control_y = values[:2]
        elif command == "T":
            control_x, control_y = 2 * start_x - control_x, 2 * start_y - control_y
        else:
            control_x, control_y = x, y
        xs += [x, _turn(start_x, control_x, x)]
        ys += [y, _turn(start_y, control_y, y)]
        if command == "M":
            xs[-1], ys[-1] = x, y
    return Box(min(xs), min(ys), max(xs), max(ys))


def _turn(start: float, control: float, end: float) -> float:
    """The outermost coordinate of a quadratic curve between its ends."""
    if min(start, end) <= control <= max(start, end):
        return end
    t = (start - control) / (start - 2 * control + end)
    return (1 - t) ** 2 * start + 2 * t * (1 - t) * control + t**2 * end
