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
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import wraps
from itertools import pairwise
from math import ceil, inf
from types import SimpleNamespace
from typing import Any

from generator.characters import is_wide
from generator.typography.hooks import fit

MAX_GAP = 0.25
"""The most that is added between two characters, in ems."""

OPENING = frozenset("（【《「『〈〔“‘〖｛［")
CLOSING = frozenset("，。、；：！？）】》」』〉〕”’〗｝］")
FIXED_SPACE = "fixed-space"
"""The class of elements whose spaces do not grow when a line is justified."""

_QUOTES = frozenset("“”‘’")
_INSEPARABLE = frozenset({("—", "—"), ("…", "…"), ("⸺", "⸺")})
_SPACES = frozenset(" \u00a0")
_JOINER = "\u2060"
_OBJECT = "\ufffc"
"""Stands for what is not text: a formula, a picture."""

_IDEOGRAPH = "\u2e80"
"""As WeasyPrint takes a picture for when it looks for places to break a line."""

_NARROWEST = 0.2
"""The least width, in ems, that is expected of a character that is not wide."""

_EXPECTED = {
    "weasyprint.layout.inline:can_break_inside": "box",
    "weasyprint.layout.inline:justify_line": "context line extra_width",
    "weasyprint.layout.inline:remove_last_whitespace": "context line",
    "weasyprint.layout.inline:split_inline_box": (
        "context box position_x max_x bottom_space skip_stack containing_block absolute_boxes"
        " fixed_boxes line_placeholders waiting_floats line_children first_letter_style"
        " first_line_style"
    ),
    "weasyprint.layout.inline:split_text_box": "context box available_width skip is_line_start",
    "weasyprint.text.line_break:Layout": "style justification_spacing max_width",
    "weasyprint.text.line_break:can_break_text": "text lang",
    "weasyprint.text.line_break:line_size": "line style",
    "weasyprint.text.line_break:Layout.reactivate": "self style",
    "weasyprint.text.line_break:Layout.get_first_line": "self",
}
_installed = False


def install() -> bool:
    """Finish lines from now on. Idempotent; False, and nothing changed, if it does not fit."""
    global _installed  # noqa: PLW0603 - WeasyPrint's modules are global, too
    if not _installed:
        if not fit(_EXPECTED):
            return False
        hooks = _modules()
        _install_line_starts(hooks)
        _install_breaking(hooks)
        _install_break_places(hooks)
        _install_drawing(hooks)
        _install_justification(hooks)
        _installed = True
    return True


def _modules() -> SimpleNamespace:
    """WeasyPrint's, in which something is replaced."""
    return SimpleNamespace(
        inline=importlib.import_module("weasyprint.layout.inline"),
        breaking=importlib.import_module("weasyprint.text.line_break"),
        boxes=importlib.import_module("weasyprint.formatting_structure.boxes"),
        ffi=importlib.import_module("weasyprint.text.ffi").ffi,
    )


def _is_finished(style: Any) -> bool:
    """Whether a line of this style is finished: Chinese, and written from the left."""
    return (style["lang"] or "").lower().startswith("zh") and style["direction"] == "ltr"


@dataclass(slots=True)
class _Finish:
    """What is done to the glyphs of a text box; it hangs on the box's layout. In pixels.

    ``start`` is cut off the left of the first glyph; ``added`` is put behind the character that
    begins at a byte of ``text``, or cut off it.
    """

    text: str
    start: float = 0.0
    added: dict[int, float] = field(default_factory=dict)
    is_end_trimmed: bool = False


def _finish_of(layout: Any) -> _Finish:
    """The layout's finish; a new one if it has none yet."""
    if not hasattr(layout, "finish"):
        layout.finish = _Finish(layout.text)
    finish: _Finish = layout.finish
    return finish


def _half(hooks: SimpleNamespace, style: Any, mark: str) -> float:
    """The empty half of a full-width mark, in pixels; 0 where the face draws it narrow."""
    widths = style.cache.setdefault("studyguide: widths of marks", {})
    key = (mark, style["font_family"], style["font_weight"], style["font_style"], style["lang"])
    if key not in widths:
        plain = style.copy()
        plain["letter_spacing"], plain["word_spacing"], plain["font_size"] = "normal", 0, 100
        layout = hooks.breaking.Layout(plain)
        layout.set_text(mark)
        widths[key] = hooks.breaking.line_size(layout.get_first_line()[0], plain)[0] / 100
    return float(style["font_size"]) / 2 if widths[key] > 0.95 else 0.0


# -- breaking: marks at line ends and starts take half an em --------------------------------------


@dataclass(frozen=True, slots=True)
class _Start:
    """Where the line that is being broken begins, and whether its marks are trimmed."""

    position: float
    is_trimmed: bool


_TRIMMED_ALIGNMENTS = frozenset({"start", "left", "justify"})
"""Not centred lines, which marks trimmed on one side only would push out of the centre."""


def _install_line_starts(hooks: SimpleNamespace) -> None:
    """Note where lines begin. WeasyPrint's ``is_line_start`` means something else.

    It holds for all of the boxes in an inline box that opens a line, for instance.
    """
    split: Callable[..., tuple[Any, ...]] = hooks.inline.split_inline_box

    @wraps(split)
    def split_inline_box(context: Any, box: Any, position_x: float, *others: Any) -> Any:
        if not isinstance(box, hooks.boxes.LineBox):
            return split(context, box, position_x, *others)
        container = others[3]
        # One that is as wide as its text was measured with whole marks.
        is_fitted = (
            isinstance(container, hooks.boxes.InlineBlockBox) and container.style["width"] == "auto"
        )
        is_trimmed = (
            _is_finished(box.style)
            and box.style["text_align_all"] in _TRIMMED_ALIGNMENTS
            and not is_fitted
        )
        outer = getattr(context, "line_start", None)  # of the line that holds this one's block
        context.line_start = _Start(position_x, is_trimmed)
        try:
            return split(context, box, position_x, *others)
        finally:
            context.line_start = outer

    hooks.inline.split_inline_box = split_inline_box


def _install_breaking(hooks: SimpleNamespace) -> None:
    split: Callable[..., tuple[Any, ...]] = hooks.inline.split_text_box
    remove: Callable[..., None] = hooks.inline.remove_last_whitespace

    @wraps(split)
    def split_text_box(
        context: Any, box: Any, available_width: float | None, skip: int, is_line_start: bool = True
    ) -> tuple[Any, ...]:
        def fit(width: float | None) -> tuple[Any, ...]:
            return split(context, box, width, skip, is_line_start)

        line: _Start | None = getattr(context, "line_start", None)
        style = box.style
        if (
            available_width is None
            or available_width == inf
            or line is None
            or not line.is_trimmed
            or not style["font_size"]
            or not _is_finished(style)
            or style["white_space"] not in {"normal", "nowrap", "pre-line"}
        ):
            return fit(available_width)
        text = box.text.encode()[skip:].decode()
        start = 0.0
        if text[:1] in OPENING and box.position_x == line.position:
            start = _half(hooks, style, text[0])
        fitted, end = _fit(hooks, fit, text.encode(), available_width + start, skip)
        if fitted[0] is not None:
            _trim(fitted[0], start, end)
        return fitted

    @wraps(remove)
    def remove_last_whitespace(context: Any, line: Any) -> None:
        boxes = [line]
        while getattr(boxes[-1], "children", None):
            boxes.append(boxes[-1].children[-1])
        last = boxes[-1]
        text = getattr(last, "text", "")
        remove(context, line)
        # The width was measured anew, with the whole mark, if there was a space.
        if isinstance(last, hooks.boxes.TextBox) and last.text and last.text != text:
            start = _finish_of(last.pango_layout).start
            for box in boxes:
                box.width -= start

    hooks.inline.split_text_box = split_text_box
    hooks.inline.remove_last_whitespace = remove_last_whitespace


def _install_break_places(hooks: SimpleNamespace) -> None:
    """See the places between the boxes of an inline box, too, when a line has to be shortened.

    WeasyPrint looks within each of them alone: of ``第 1.2 题（第 3 页）。``, a link and its page,
    nothing stayed on the line if the full stop no longer fitted.
    """
    look: Callable[[Any], bool] = hooks.inline.can_break_inside

    @wraps(look)
    def can_break_inside(box: Any) -> bool:
        if look(box):
            return True
        if not isinstance(box, hooks.boxes.InlineBox) or box.style["white_space"] != "normal":
            return False
        return any(
            hooks.breaking.can_break_text(before[-1] + after[0], box.style["lang"])
            for before, after in pairwise(_letters(hooks.boxes, child) for child in box.children)
            if before and after
        )

    hooks.inline.can_break_inside = can_break_inside


def _letters(boxes: Any, box: Any) -> str:
    """The text of a box, with an ideograph for what is broken around like one."""
    if isinstance(box, boxes.AtomicInlineLevelBox):
        return _IDEOGRAPH
    if isinstance(box, boxes.TextBox):
        return str(box.text)
    return "".join(_letters(boxes, child) for child in box.children)


def _fit(
    hooks: SimpleNamespace,
    fit: Callable[[float], tuple[Any, ...]],
    text: bytes,
    width: float,
    skip: int,
) -> tuple[tuple[Any, ...], float]:
    """Fit text into ``width``, and half an em more if a closing mark can use it.

    Return what WeasyPrint makes of it, and the width to be trimmed off its last mark.
    """
    plain = fit(width)
    box, resume, _ = plain
    if box is None or (resume is None and box.width <= width):
        return plain, 0.0
    rest = b"" if resume is None else text[resume - skip :]
    if resume is not None and _can_be_pulled_in(
        rest.decode(), width - box.width, box.style["font_size"]
    ):
        longer = fit(width + box.style["font_size"] / 2)
        end = _closing_half(hooks, longer[0])
        if end and longer[1] != resume and longer[0].width - end <= width + 1e-6:
            return longer, end
    end = _closing_half(hooks, box)
    # A mark that overflows alone is trimmed if that helps: it cannot begin the next line.
    is_last = resume is not None or box.width - end <= width + 1e-6
    return plain, end if is_last else 0.0


def _closing_half(hooks: SimpleNamespace, box: Any) -> float:
    return _half(hooks, box.style, box.text[-1]) if box.text[-1:] in CLOSING else 0.0


def _can_be_pulled_in(rest: str, room: float, font_size: float) -> bool:
    """Whether text up to a closing mark might fit into ``room`` and half an em.

    It saves most of the attempts; widths are estimated as too small rather than too large.
    """
    room /= font_size
    for character in rest:
        is_mark = character in CLOSING
        room -= 0.5 if is_mark or character in OPENING else 1 if is_wide(character) else _NARROWEST
        if room < -1e-6:
            return False
        if is_mark:
            return True
    return False


def _trim(box: Any, start: float, end: float) -> None:
    if not start and not end:
        return
    finish = _finish_of(box.pango_layout)
    finish.start = start
    if end:
        finish.added[len(box.text[:-1].encode())] = -end
        finish.is_end_trimmed = True
    box.width -= start + end


# -- drawing: widths of glyphs --------------------------------------------------------------------


def _install_drawing(hooks: SimpleNamespace) -> None:
    layout = hooks.breaking.Layout
    reactivate: Callable[..., None] = layout.reactivate
    get_first_line: Callable[..., tuple[Any, int | None]] = layout.get_first_line

    @wraps(reactivate)
    def reactivate_for_drawing(self: Any, style: Any) -> None:
        reactivate(self, style)
        self.is_drawn_next = hasattr(self, "finish")

    @wraps(get_first_line)
    def get_finished_line(self: Any) -> tuple[Any, int | None]:
        line, index = get_first_line(self)
        if getattr(self, "is_drawn_next", False):
            self.is_drawn_next = False  # the glyphs are changed in place: once
            if self.text == self.finish.text:  # an ellipsis has not taken its place
                _widen(hooks.ffi, line, self.finish, self.style["font_size"])
        return line, index

    layout.reactivate = reactivate_for_drawing
    layout.get_first_line = get_finished_line


def _widen(ffi: Any, line: Any, finish: _Finish, font_size: float) -> None:
    """Change the advances of the glyphs of a line as its finish asks.

    WeasyPrint writes the difference between a glyph's advance and its width in thousandths of an
    em, and cuts off what is less: a whole number of them is added everywhere, and what rounding
    leaves is carried on to the next gap.
    """
    run = line.runs
    if finish.start and run != ffi.NULL and run.data.glyphs.num_glyphs:
        geometry = run.data.glyphs.glyphs[0].geometry
        geometry.x_offset -= round(finish.start * 1000)  # WeasyPrint takes offsets for these
        geometry.width -= _units(finish.start / font_size * 1000, font_size)
    wanted = written = 0.0
    while run != ffi.NULL:
        item, glyphs = run.data.item, run.data.glyphs
        for number, begin, end in _clusters(item.length, glyphs):
            extra = sum(
                value
                for offset, value in finish.added.items()
                if item.offset + begin <= offset < item.offset + end
            )
            if extra:
                wanted += extra / font_size * 1000
                thousandths = round(wanted - written)
                written += thousandths
                glyphs.glyphs[number].geometry.width += _units(thousandths, font_size)
        run = run.next


def _units(thousandths: float, font_size: float) -> int:
    """Thousandths of an em in Pango's units of a 1024th of a pixel."""
    return ceil(thousandths * font_size * 1.024) + (1 if thousandths > 0 else 0)


def _clusters(length: int, glyphs: Any) -> Iterator[tuple[int, int, int]]:
    """The last glyph of every cluster, and the bytes of the run that the cluster stands for."""
    begins = [glyphs.log_clusters[number] for number in range(glyphs.num_glyphs)]
    ends = dict(pairwise([*sorted(set(begins)), length]))  # a run from the right counts down
    last = {begin: number for number, begin in enumerate(begins)}
    for begin, number in last.items():
        yield number, begin, ends[begin]


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


_Widths = Mapping[tuple[int, int], float]
"""What is added after an item, in pixels, by the item's key."""


def _install_justification(hooks: SimpleNamespace) -> None:
    justify: Callable[..., None] = hooks.inline.justify_line

    @wraps(justify)
    def justify_line(context: Any, line: Any, extra_width: float) -> None:
        if not _is_finished(line.style):
            justify(context, line, extra_width)
            return
        items = list(_items(hooks.boxes, line))
        while items and items[-1].character in _SPACES:
            items.pop()
        if items:
            trim = _end_trim(hooks, items[-1])
            widths = _distribute(items, extra_width + trim, line.style["font_size"])
            if trim:
                widths[items[-1].key] -= trim
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
        elif child.is_in_normal_flow() and child.margin_width():
            yield _Item(_OBJECT, child, 0)


def _distribute(items: list[_Item], extra: float, font_size: float) -> defaultdict[Any, float]:
    """Share ``extra`` pixels out: spaces first, then gaps beside Han, each up to its bound."""
    widths: defaultdict[Any, float] = defaultdict(float)
    pairs = list(pairwise(items))
    spaces = [item for item, _ in pairs if _is_elastic(item)]
    if spaces:
        share = min(extra / len(spaces), MAX_GAP * font_size)
        for item in spaces:
            widths[item.key] += share
        extra -= share * len(spaces)
    gaps = [item for item, after in pairs if _is_gap(item.character, after.character)]
    if gaps and extra > 1e-6:
        share = min(extra / len(gaps), MAX_GAP * font_size)
        for item in gaps:
            widths[item.key] += share
    return widths


def _is_elastic(item: _Item) -> bool:
    """Whether this is a space that may grow: not one within a formula."""
    is_fixed = item.box.element is not None and item.box.element.get("class") == FIXED_SPACE
    return item.character in _SPACES and not is_fixed


def _end_trim(hooks: SimpleNamespace, last: _Item) -> float:
    """What the closing mark of a line that was broken between boxes can give."""
    if not isinstance(last.box, hooks.boxes.TextBox) or not _is_finished(last.box.style):
        return 0.0
    if last.character not in CLOSING or _finish_of(last.box.pango_layout).is_end_trimmed:
        return 0.0
    return _half(hooks, last.box.style, last.character)


def _is_gap(before: str, after: str) -> bool:
    """Whether two neighbours may be spread: one is wide or an object, and neither is a space."""
    if (before, after) in _INSEPARABLE or unicodedata.category(after) in {"Mn", "Me", "Cf"}:
        return False
    pair = {before, after}
    if pair & (_SPACES | {_JOINER}):
        return False
    if pair & _QUOTES and any(character.isascii() for character in pair):
        return False  # an apostrophe, and quotation marks of what is not Chinese
    return any(character == _OBJECT or is_wide(character) for character in pair)


def _move(boxes: Any, box: Any, shift: float, widths: _Widths) -> float:
    """Shift and widen the boxes of a line; return the shift after ``box``."""
    if isinstance(box, boxes.TextBox):
        box.position_x += shift
        own = {offset: width for (owner, offset), width in widths.items() if owner == id(box)}
        if own:
            added = _finish_of(box.pango_layout).added
            for offset, width in own.items():
                added[offset] = added.get(offset, 0.0) + width
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
        shift += widths.get((id(box), 0), 0.0)
    return shift
