"""A formula within a line, taken apart behind its relations and operators, so that it can break."""

from __future__ import annotations

import copy
import re
import xml.etree.ElementTree as ET
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import pairwise
from typing import Final

from generator.formula.ink import Box, all_boxes
from generator.formula.values import Break, Formula

_SVG: Final = "http://www.w3.org/2000/svg"
_UNITS: Final = 1000


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a formula between two places where it may be broken. Lengths are in em.

    ``space`` is what stands before it on a line, and vanishes at a line's start.
    """

    svg: str
    width: float
    height: float
    depth: float
    space: float


def split_formula(formula: Formula, longest: float) -> list[Piece]:
    """The pieces of a formula, from left to right; one if it cannot or need not be broken.

    A formula longer than ``longest`` em is broken behind every relation, and what is then still
    longer behind its operators, too: TeX breaks more readily behind relations, likewise (The
    TeXbook, chapter 18).
    """
    places = _chosen(formula, longest)
    if not places:
        return [Piece(formula.svg, formula.width, formula.height, formula.depth, 0.0)]
    root = ET.fromstring(formula.svg.replace(f' xmlns="{_SVG}"', "", 1))  # noqa: S314 - our own
    left = float(root.get("viewBox", "").split()[0])
    starts = [left, *(left + place.start * _UNITS for place in places)]
    ends = [*(left + place.end * _UNITS for place in places), left + formula.width * _UNITS]
    boxes: list[Box] = []
    pieces: list[Piece] = []
    for number, (start, end) in enumerate(zip(starts, ends, strict=True)):
        part = _part(root, starts, number)
        box = _box(part, start, end).within(-formula.height * _UNITS, formula.depth * _UNITS)
        space = (box.left - boxes[-1].right) / _UNITS if boxes else 0.0
        boxes.append(box)
        pieces.append(_piece(part, box, max(space, 0.0)))
    return pieces


def _chosen(formula: Formula, longest: float) -> list[Break]:
    """Where the formula is to be breakable."""
    if formula.width <= longest:
        return []
    relations = [place for place in formula.breaks if place.is_relation]
    edges = [0.0, *(place.start for place in relations), formula.width]
    long = [(start, end) for start, end in pairwise(edges) if end - start > longest]
    return [
        place
        for place in formula.breaks
        if place.is_relation or any(start < place.start < end for start, end in long)
    ]


def _part(root: ET.Element, starts: Sequence[float], number: int) -> ET.Element:
    """The drawing with only those of its shapes that begin in one piece.

    The shapes lie in the one group that turns MathJax's axis, each moved to its own place.
    """
    part = copy.copy(root)
    part[:] = [copy.copy(group) for group in root]
    for group in part:
        group[:] = [
            shape for shape in group if max(bisect_right(starts, _x(shape) + 0.1) - 1, 0) == number
        ]
    return part


def _x(shape: ET.Element) -> float:
    found = re.match(r"translate\((-?[\d.]+)", shape.get("transform", ""))
    return float(found[1]) if found else 0.0


def _box(part: ET.Element, start: float, end: float) -> Box:
    """The advance width of a piece, stretched where ink flows over it."""
    ink = reduce(Box.union, all_boxes(part), Box(start, 0, end, 0))
    return Box(min(start, ink.left), ink.top, max(end, ink.right), ink.bottom)


def _piece(part: ET.Element, box: Box, space: float) -> Piece:
    width, height = (box.right - box.left) / _UNITS, (box.bottom - box.top) / _UNITS
    part.attrib = {
        "xmlns": _SVG,
        "width": f"{width:.4f}em",
        "height": f"{height:.4f}em",
        "viewBox": f"{box.left:g} {box.top:g} {width * _UNITS:g} {height * _UNITS:g}",
    }
    svg = ET.tostring(part, encoding="unicode")
    return Piece(
        svg,
        round(width, 4),
        round(-box.top / _UNITS, 4),
        round(box.bottom / _UNITS, 4),
        round(space, 4),
    )
