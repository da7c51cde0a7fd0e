"""Page breaks: figures give way, tables are continued under a notice, boxes end with their text.

WeasyPrint 70 has no page floats (CSS Page Floats 3), so that a figure for which a page has no room
left a hole. Here it moves down past the blocks that follow it in its question, until it fits, and
so does a table that is not to be parted; neither passes a heading or one of its kind. A table that
goes on on the next page begins there with the rows of its head that are of the class ``continued``
(续表), which its first part lacks. And the first part of a box with a ground of its own ends where
its text ends, not at the foot of the page (as CSS Fragmentation 3, 5.1, would have it).

All three reach into WeasyPrint's layout: :func:`install` looks at the hooks first, and where one is
not as expected nothing is changed.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from functools import wraps
from typing import Any

from generator.typography.hooks import fit

_CONTAINER = ("article", "question")
"""The element within which figures move, and its class."""

_PASSED = frozenset({"p", "ul", "ol", "dl", "blockquote", "pre", "div"})
"""The elements that a figure gives way to."""

_GROUNDED = frozenset({"pre", "code", "pitfall", "brief"})
"""The elements, or the classes of elements, that have a ground, and what stands in them alone."""

_EXPECTED = {
    "weasyprint.layout.block:block_container_layout": (
        "context box bottom_space skip_stack page_is_empty absolute_boxes fixed_boxes"
        " adjoining_margins first_letter_style first_line_style discard max_lines"
    ),
    "weasyprint.layout.block:_in_flow_layout": (
        "context box index child new_children page_is_empty absolute_boxes fixed_boxes"
        " adjoining_margins bottom_space position_y skip_stack first_letter_style"
        " first_line_style discard next_page max_lines"
    ),
    "weasyprint.layout.block:table_layout": (
        "context table bottom_space skip_stack containing_block page_is_empty absolute_boxes"
        " fixed_boxes"
    ),
}

_installed = False


def install() -> bool:
    """Break pages so from now on. Idempotent; False, and nothing changed, if it does not fit."""
    global _installed  # noqa: PLW0603 - WeasyPrint's modules are global, too
    if _installed:
        return True
    if not fit(_EXPECTED):
        return False
    block = importlib.import_module("weasyprint.layout.block")
    _install_floating(block)
    _install_continuing(block)
    _install_ending(block)
    _installed = True
    return True


# -- figures --------------------------------------------------------------------------------------


def _install_floating(block: Any) -> None:
    lay_out: Callable[..., tuple[Any, ...]] = block._in_flow_layout  # noqa: SLF001 - a hook

    @wraps(lay_out)
    def in_flow_layout(
        context: Any, box: Any, index: int, child: Any, new_children: list[Any], *others: Any
    ) -> tuple[Any, ...]:
        child = _now_at(box, index, child)
        if not _may_give_way(box, index) or not new_children:
            return lay_out(context, box, index, child, new_children, *others)
        position = child.position_x, child.position_y
        figure = lay_out(context, box, index, child, new_children, *_own(others))
        if not _is_left_over(figure, index, new_children):
            return figure
        _swap(box, index)
        child = box.children[index]
        child.position_x, child.position_y = position
        text = lay_out(context, box, index, child, new_children, *_own(others))
        if _is_left_over(text, index, new_children):
            _swap(box, index)  # the next page begins with the figure
        return text

    block._in_flow_layout = in_flow_layout  # noqa: SLF001 - a hook


def _own(others: tuple[Any, ...]) -> tuple[Any, ...]:
    """The arguments with a copy of the adjoining margins, to which a layout appends."""
    return *others[:3], list(others[3]), *others[4:]


def _swap(box: Any, index: int) -> None:
    """Let two neighbours change places, in a new list: the old one is being walked through."""
    first, second = box.children[index : index + 2]
    box.children = [*box.children[:index], second, first, *box.children[index + 2 :]]


def _now_at(box: Any, index: int, child: Any) -> Any:
    """The child that stands at ``index`` since figures have moved, at the position of ``child``."""
    current = box.children[index]
    if current is not child:
        current.position_x, current.position_y = child.position_x, child.position_y
    return current


def _may_give_way(box: Any, index: int) -> bool:
    """Whether a figure or a table stands at ``index``, and text of its question behind it."""
    if box.element is None or (box.element_tag, box.element.get("class")) != _CONTAINER:
        return False
    first, *after = box.children[index : index + 2]
    if not after or after[0].element_tag not in _PASSED:
        return False
    return first.element_tag == "figure" or (_is_table(first) and not _is_table(after[0]))


def _is_table(box: Any) -> bool:
    return bool(box.element_tag == "div" and box.element.get("class") == "table")


def _is_left_over(result: tuple[Any, ...], index: int, new_children: list[Any]) -> bool:
    """Whether the page ends before this child, and not earlier."""
    abort, stop, resume_at = result[:3]
    return bool(not abort and stop and resume_at == {index: None} and result[6] is new_children)


# -- tables ---------------------------------------------------------------------------------------


def _install_continuing(block: Any) -> None:
    lay_out: Callable[..., tuple[Any, ...]] = block.table_layout

    @wraps(lay_out)
    def table_layout(
        context: Any, table: Any, bottom_space: float, skip_stack: Any, *others: Any
    ) -> tuple[Any, ...]:
        if skip_stack is None:
            table = _without_notice(table)
        return lay_out(context, table, bottom_space, skip_stack, *others)

    block.table_layout = table_layout


def _without_notice(table: Any) -> Any:
    """The table without the rows of its head that are for its further parts."""
    if not table.children or not table.children[0].is_header:
        return table
    head, *groups = table.children
    rows = [row for row in head.children if row.element.get("class") != "continued"]
    if len(rows) == len(head.children):
        return table
    return table.copy_with_children([head.copy_with_children(rows), *groups])


# -- boxes ----------------------------------------------------------------------------------------


def _install_ending(block: Any) -> None:
    lay_out: Callable[..., tuple[Any, ...]] = block.block_container_layout

    @wraps(lay_out)
    def block_container_layout(
        context: Any, box: Any, *others: Any, **named: Any
    ) -> tuple[Any, ...]:
        result = lay_out(context, box, *others, **named)
        part, resume_at = result[:2]
        if resume_at is not None and part is not None and part.children and _is_grounded(box):
            last = part.children[-1]
            part.height = last.position_y + last.margin_height() - part.content_box_y()
        return result

    block.block_container_layout = block_container_layout


def _is_grounded(box: Any) -> bool:
    return box.element is not None and bool(
        _GROUNDED & {box.element_tag, box.element.get("class", "")}
    )
