"""Line finishing for Chinese in WeasyPrint: both edges flush, marks trimmed, gaps even.

What CLREQ asks of lines and CSS cannot say to WeasyPrint 70:

- a full-width mark that opens a line loses its empty left half (CLREQ 3.1.6.2), one that closes a
  line its empty right half (GB/T 15834—2011, 5.1.10); a mark whose half then fits is pulled in;
- a line is justified by spaces first, then between characters where one of them is Han, never more
  than :data:`MAX_GAP` of an em (CLREQ 3.2.2), and never inside ``——`` or ``……``.

The trims and gaps are added to glyph advances when a line is drawn, so that shaping (``chws``,
kerning, local forms) stays Pango's. This reaches into WeasyPrint's layout: the version is pinned,
:func:`install` looks at every hook before it touches one, and where one is missing nothing is
changed and lines are justified plainly.
"""

from __future__ import annotations

import importlib
import inspect
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from math import inf
from types import SimpleNamespace
from typing import Any

from generator.characters import is_wide

PINNED_WEASYPRINT = "70.0"
"""The version whose internals this module knows."""

MAX_GAP = 0.25
"""The most that is added between two characters, in ems."""

_MAX_SPACE = 0.28
"""The most that is added to a space before characters are spread, in ems."""

OPENING = frozenset("（【《「『〈〔“‘〖｛［")
CLOSING = frozenset("，。、；：！？）】》」』〉〕”’〗｝］")
_INSEPARABLE = frozenset({("—", "—"), ("…", "…"), ("⸺", "⸺")})
_SPACES = frozenset(" \u00a0")
_JOINER = "\u2060"
_OBJECT = "\ufffc"
"""Stands for what is not text: a formula, a picture."""

_installed = False

_Line = tuple[Any, int, int | None, float, float, float]
"""What WeasyPrint makes of a line: layout, length, resume index, width, height, baseline."""


def is_pinned_weasyprint() -> bool:
    """Whether WeasyPrint is the version that this package was written against."""
    return bool(importlib.import_module("weasyprint").__version__ == PINNED_WEASYPRINT)


def install() -> bool:
    """Finish lines from now on. Idempotent; False, and nothing changed, if it does not fit."""
    global _installed  # noqa: PLW0603 - WeasyPrint's modules are global, too
    if not _installed:
        hooks = _find_hooks()
        if hooks is None:
            return False
        _install_breaking(hooks)
        _install_drawing(hooks)
        _install_justification(hooks)
        _installed = True
    return True


def _find_hooks() -> SimpleNamespace | None:
    """WeasyPrint's modules, if all that is replaced in them is there and looks as expected."""
    if not is_pinned_weasyprint():
        return None
    inline = importlib.import_module("weasyprint.layout.inline")
    breaking = importlib.import_module("weasyprint.text.line_break")
    boxes = importlib.import_module("weasyprint.formatting_structure.boxes")
    ffi = importlib.import_module("weasyprint.text.ffi")
    expected = {
        (inline, "justify_line"): "context line extra_width",
        (inline, "split_first_line"): (
            "text style context max_width justification_spacing is_line_start minimum"
        ),
        (breaking.Layout, "reactivate"): "self style",
        (breaking.Layout, "get_first_line"): "self",
    }
    for (owner, name), parameters in expected.items():
        hook = getattr(owner, name, None)
        if hook is None or " ".join(inspect.signature(hook).parameters) != parameters:
            return None
    return SimpleNamespace(
        inline=inline, layout=breaking.Layout, boxes=boxes, ffi=ffi.ffi, units=ffi.TO_UNITS
    )


def _is_chinese(style: Any) -> bool:
    return (style["lang"] or "").lower().startswith("zh")


# -- breaking: marks at line ends and starts take half an em --------------------------------------


def _install_breaking(hooks: SimpleNamespace) -> None:
    split: Callable[..., _Line] = hooks.inline.split_first_line

    def split_first_line(  # noqa: PLR0913, PLR0917 - WeasyPrint's signature
        text: str,
        style: Any,
        context: Any,
        max_width: float | None,
        justification_spacing: float,
        is_line_start: bool = True,
        minimum: bool = False,
    ) -> _Line:
        def fit(width: float | None) -> _Line:
            return split(text, style, context, width, justification_spacing, is_line_start, minimum)

        is_plain = minimum or not style["font_size"] or max_width is None or max_width == inf
        if is_plain or not _is_chinese(style) or style["white_space"] not in {"normal", "pre-line"}:
            return fit(max_width)
        half = style["font_size"] / 2
        start = half if is_line_start and len(text) > 1 and text[0] in OPENING else 0.0
        assert max_width is not None  # noqa: S101 - for the type checker: is_plain says so
        return _finish(fit, max_width + start, start, half)

    hooks.inline.split_first_line = split_first_line


def _finish(fit: Callable[[float], _Line], width: float, start: float, half: float) -> _Line:
    """Break a line of ``width``, with half an em more where a closing mark can use it."""
    line = fit(width + half)
    end = 0.0
    if line[2] is None:
        fits = line[3] <= width
    else:
        fits = _ends_in_mark(line) and line[3] - half <= width + 1e-6
        end = half if fits else 0.0
    if not fits:
        line = fit(width)
        end = half if line[2] is not None and _ends_in_mark(line) else 0.0
    layout, length, resume, line_width, height, baseline = line
    if start:
        layout.start_trim = start
    if end:
        text = layout.text.rstrip()
        layout.added = {len(text[:-1].encode()): -end}
        layout.is_end_trimmed = True
    return layout, length, resume, line_width - start - end, height, baseline


def _ends_in_mark(line: _Line) -> bool:
    text = line[0].text.rstrip()
    return len(text) > 1 and text[-1] in CLOSING


# -- drawing: widths of glyphs --------------------------------------------------------------------


def _install_drawing(hooks: SimpleNamespace) -> None:
    reactivate = hooks.layout.reactivate
    get_first_line = hooks.layout.get_first_line

    def reactivate_for_drawing(self: Any, style: Any) -> None:
        self.is_drawn_next = True
        reactivate(self, style)

    def get_finished_line(self: Any) -> tuple[Any, int | None]:
        line, index = get_first_line(self)
        added = getattr(self, "added", None)
        start_trim = getattr(self, "start_trim", 0.0)
        if getattr(self, "is_drawn_next", False) and (added or start_trim):
            self.is_drawn_next = False  # the glyphs are changed in place: once
            _widen(hooks, line, added or {}, start_trim)
        return line, index

    hooks.layout.reactivate = reactivate_for_drawing
    hooks.layout.get_first_line = get_finished_line


def _widen(hooks: SimpleNamespace, line: Any, added: dict[int, float], start_trim: float) -> None:
    """Add to the advances of the glyphs whose characters begin at the byte offsets ``added``."""
    if start_trim and line.runs != hooks.ffi.NULL and line.runs.data.glyphs.num_glyphs:
        geometry = line.runs.data.glyphs.glyphs[0].geometry
        geometry.x_offset -= int(start_trim * hooks.units)
        geometry.width -= int(start_trim * hooks.units)
    run = line.runs
    while run != hooks.ffi.NULL:
        item, glyphs = run.data.item, run.data.glyphs
        for number, begin, end in _clusters(item.length, glyphs):
            extra = sum(
                value
                for offset, value in added.items()
                if item.offset + begin <= offset < item.offset + end
            )
            if extra:
                glyphs.glyphs[number].geometry.width += int(extra * hooks.units)
        run = run.next


def _clusters(length: int, glyphs: Any) -> Iterator[tuple[int, int, int]]:
    """The last glyph of every cluster, and the bytes of the run that the cluster stands for."""
    count = glyphs.num_glyphs
    for number in range(count):
        begin = glyphs.log_clusters[number]
        is_last = number == count - 1
        end = length if is_last else glyphs.log_clusters[number + 1]
        if end != begin:
            yield number, begin, end


# -- justification --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Item:
    """A character of a line, or an object in it; ``offset`` is its byte in its box's text."""

    character: str
    box: Any
    offset: int

    @property
    def key(self) -> tuple[int, int]:
        return id(self.box), self.offset


_Widths = defaultdict[tuple[int, int], float]
"""What is added after an item, in pixels, by the item's key."""


def _install_justification(hooks: SimpleNamespace) -> None:
    justify: Callable[..., None] = hooks.inline.justify_line

    def justify_line(context: Any, line: Any, extra_width: float) -> None:
        if not _is_chinese(line.style):
            justify(context, line, extra_width)
            return
        items = list(_items(hooks.boxes, line))
        while items and items[-1].character in _SPACES:
            items.pop()
        if items:
            widths = _distribute(hooks.boxes, items, extra_width, line.style["font_size"])
            _move(hooks.boxes, line, 0.0, widths)

    hooks.inline.justify_line = justify_line


def _items(boxes: Any, box: Any) -> Iterator[_Item]:
    for child in box.children:
        if isinstance(child, boxes.TextBox):
            offset = 0
            for character in child.text:
                yield _Item(character, child, offset)
                offset += len(character.encode())
        elif isinstance(child, boxes.InlineBox):
            yield from _items(boxes, child)
        elif child.is_in_normal_flow():
            yield _Item(_OBJECT, child, 0)


def _distribute(boxes: Any, items: list[_Item], extra: float, font_size: float) -> _Widths:
    """Share ``extra`` pixels out: spaces first, then gaps beside Han, each up to its bound."""
    widths: _Widths = defaultdict(float)
    extra += _trim_end(boxes, items[-1], widths)
    pairs = list(pairwise(items))
    spaces = [item for item, _ in pairs if item.character in _SPACES]
    if spaces:
        share = min(extra / len(spaces), _MAX_SPACE * font_size)
        for item in spaces:
            widths[item.key] += share
        extra -= share * len(spaces)
    gaps = [item for item, after in pairs if _is_gap(item.character, after.character)] or spaces
    if gaps and extra > 1e-6:
        share = min(extra / len(gaps), MAX_GAP * font_size)
        for item in gaps:
            widths[item.key] += share
    return widths


def _trim_end(boxes: Any, last: _Item, widths: _Widths) -> float:
    """Trim the closing mark of a line that was broken between boxes; return what that frees."""
    if last.character not in CLOSING or not isinstance(last.box, boxes.TextBox):
        return 0.0
    layout = last.box.pango_layout
    if getattr(layout, "is_end_trimmed", False):
        return 0.0
    layout.is_end_trimmed = True
    half: float = last.box.style["font_size"] / 2
    widths[last.key] -= half
    return half


def _is_gap(before: str, after: str) -> bool:
    """Whether two neighbours may be spread: one is wide or an object, and neither is a space."""
    if (before, after) in _INSEPARABLE or unicodedata.combining(after):
        return False
    if {before, after} & (_SPACES | {_JOINER}):
        return False
    return any(character == _OBJECT or is_wide(character) for character in (before, after))


def _move(boxes: Any, box: Any, shift: float, widths: _Widths) -> float:
    """Shift and widen the boxes of a line; return the shift after ``box``."""
    if isinstance(box, boxes.TextBox):
        box.position_x += shift
        own = {offset: width for (owner, offset), width in widths.items() if owner == id(box)}
        if own:
            added = dict(getattr(box.pango_layout, "added", {}))
            for offset, width in own.items():
                added[offset] = added.get(offset, 0.0) + width
            box.pango_layout.added = added
            box.width += sum(own.values())
            shift += sum(own.values())
    elif isinstance(box, (boxes.LineBox, boxes.InlineBox)):
        box.position_x += shift
        before = shift
        for child in box.children:
            if child.is_in_normal_flow():
                shift = _move(boxes, child, shift, widths)
        box.width += shift - before
    else:
        box.translate(shift, 0)
        shift += widths[id(box), 0]
    return shift
