"""Inline rules of the dialect: math, citations, spans, attributes, emphasis beside Han.

Tokens that an author can get wrong carry ``meta["offset"]``, their offset in the inline content,
from which the reader finds line and column. What is wrong already here becomes a ``fault`` token.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from markdown_it import MarkdownIt
from markdown_it.helpers import parseLinkLabel
from markdown_it.rules_inline import StateInline
from markdown_it.rules_inline.state_inline import Delimiter

from generator.characters import is_wide
from generator.markdown.attributes import parse_attributes

InlineRule = Callable[[StateInline, bool], bool]

_TEXT_COMMAND = re.compile(r"\\(?:text|mbox|textbf|textrm|textsf|texttt)\{")
_CITATION = re.compile(r"\[(@[^\[\]\n]*(?:\n[^\[\]\n]+)*)\]")
_WORK = re.compile(
    r"\s*@(?P<key>[A-Za-z0-9_](?:[\w:.#$%&+?<>~/-]*\w)?)(?:,\s*(?P<locator>.+?))?\s*", re.S
)
_FOOTNOTE_CALL = re.compile(r"\[\^([^\[\]\s]{1,100})\]")
_BARE = re.compile(r"@[A-Za-z0-9_]")


def install(md: MarkdownIt) -> None:
    """Add the dialect's inline rules to a parser."""
    rules = md.inline.ruler
    rules.before("escape", "math", _math)
    rules.before("link", "citation", _citation)
    rules.before("link", "span", _span)
    rules.after("image", "bare_citation", _bare_citation)
    rules.at("emphasis", _emphasis)
    rules.at("footnote_ref", _footnote_call)
    for name, takes_attributes in (("link", False), ("image", True), ("backticks", False)):
        rules.at(name, _attributed(_rule(md, name), takes=takes_attributes))
    for name in ("math", "citation", "span", "link", "image", "footnote_ref"):
        rules.at(name, _positioned(_rule(md, name)))
    for name in ("html_inline", "autolink", "bare_citation", "backticks"):
        rules.at(name, _positioned(_rule(md, name)))


def _rule(md: MarkdownIt, name: str) -> InlineRule:
    return next(rule.fn for rule in md.inline.ruler.__rules__ if rule.name == name)


def _positioned(rule: InlineRule) -> InlineRule:
    """Note the offset at which the first token of a rule begins."""

    def positioned(state: StateInline, silent: bool) -> bool:
        start, count = state.pos, len(state.tokens) + bool(state.pending)
        matched = rule(state, silent)
        if matched and not silent and len(state.tokens) > count:
            state.tokens[count].meta.setdefault("offset", start)
        return matched

    return positioned


def fault(state: StateInline, offset: int, code: str, message: str, hint: str = "") -> None:
    """Push a token that stands for a diagnostic at ``offset``."""
    token = state.push("fault", "", 0)
    token.meta = {"offset": offset, "code": code, "message": message, "hint": hint}


# -- math -----------------------------------------------------------------------------------------


def _math(state: StateInline, silent: bool) -> bool:
    """``$…$`` and ``$$…$$`` under the conditions of Pandoc's tex_math_dollars."""
    source, start = state.src, state.pos
    if source[start] != "$":
        return False
    width = 2 if source.startswith("$$", start) else 1
    end = find_math_end(source, start + width, state.posMax, "$" * width)
    if end < 0:
        return False
    content = source[start + width : end]
    if not content.strip() or (width == 1 and not _is_inline_math(content, source, end)):
        return False
    if not silent:
        token = state.push("math_display" if width == 2 else "math_inline", "math", 0)
        token.content = " ".join(content.split("\n")).strip()
    state.pos = end + width
    return True


def find_math_end(source: str, start: int, stop: int, fence: str) -> int:
    r"""The offset of the ``$`` or ``$$`` that closes, or -1. ``\text{…}`` may hold dollars."""
    position = start
    while position < stop:
        character = source[position]
        if character == "\\":
            command = _TEXT_COMMAND.match(source, position)
            position = _after_braces(source, command.end(), stop) if command else position + 2
        elif source.startswith(fence, position) and position + len(fence) <= stop:
            return position
        else:
            position += 1
    return -1


_MAX_WORDS = 500
"""Characters in one ``\\text{…}``. A bound, or unclosed braces cost quadratic time."""


def _after_braces(source: str, start: int, stop: int) -> int:
    """The offset after the brace that closes the one before ``start``; ``start`` if none does."""
    depth, position = 1, start
    stop = min(stop, start + _MAX_WORDS)
    while position < stop and depth:
        character = source[position]
        if character == "\\":
            position += 1
        depth += (character == "{") - (character == "}")
        position += 1
    return start if depth else position


def _is_inline_math(content: str, source: str, end: int) -> bool:
    """“$5 到 $10” is money: no space inside the dollars, no digit after the second one."""
    touches = not content[0].isspace() and not content[-1].isspace()
    return touches and not source[end + 1 : end + 2].isdigit()


# -- citations, spans, attributes -----------------------------------------------------------------


def _citation(state: StateInline, silent: bool) -> bool:
    """``[@key]``, ``[@key, 第 3 节; @other]``."""
    match = _CITATION.match(state.src, state.pos, state.posMax)
    if match is None:
        return False
    works = [_WORK.fullmatch(work) for work in match[1].split(";")]
    if not all(works):
        return False
    if not silent:
        token = state.push("citation", "", 0)
        token.meta["works"] = [(work["key"], work["locator"] or "") for work in works if work]
    state.pos = match.end()
    return True


def _bare_citation(state: StateInline, silent: bool) -> bool:
    """Pandoc takes ``@word`` for a citation wherever no letter stands before it."""
    start = state.pos
    if not _BARE.match(state.src, start, state.posMax):
        return False
    if start and state.src[start - 1].isalnum():
        return False
    if not silent:
        message = "a citation outside square brackets"
        fault(state, start, "citation-bare", message, "Write [@key], or \\@ for the character.")
    state.pos = start + 1
    return True


def _footnote_call(state: StateInline, silent: bool) -> bool:
    """``[^label]``, defined or not. The plug-in's own rule takes quadratic time on ``[^[^[^…``."""
    match = _FOOTNOTE_CALL.match(state.src, state.pos, state.posMax)
    if match is None:
        return False
    if not silent:
        state.push("footnote_ref", "", 0).meta["label"] = match[1]
    state.pos = match.end()
    return True


def _span(state: StateInline, silent: bool) -> bool:
    """``[text]{c=1 hint="…"}``: a gap of a cloze."""
    source, start, stop = state.src, state.pos, state.posMax
    if source[start] != "[":
        return False
    label_end = parseLinkLabel(state, start)
    if label_end < 0 or not source.startswith("{", label_end + 1):
        return False
    parsed = parse_attributes(source[:stop], label_end + 1)
    if silent:
        state.pos = parsed[1] if parsed else label_end + 2
        return True
    opening = state.push("span_open", "span", 1)
    opening.meta = {"offset": start, "attributes": parsed[0] if parsed else None}
    state.pos, state.posMax = start + 1, label_end
    state.md.inline.tokenize(state)
    state.posMax = stop
    state.push("span_close", "span", -1)
    if parsed is None:
        fault(state, label_end + 1, "attribute-invalid", "malformed attributes", _ATTRIBUTE_HINT)
    state.pos = parsed[1] if parsed else label_end + 2
    return True


_ATTRIBUTE_HINT = 'The form is {#id .class key=value key="some words"}.'


def _attributed(rule: InlineRule, *, takes: bool) -> InlineRule:
    """Read the attributes right behind an element; refuse them where they mean nothing."""

    def attributed(state: StateInline, silent: bool) -> bool:
        before = len(state.tokens) + bool(state.pending)
        if not rule(state, silent):
            return False
        start = state.pos
        if start >= state.posMax or state.src[start] != "{" or len(state.tokens) <= before:
            return True
        parsed = parse_attributes(state.src[: state.posMax], start)
        if parsed is None:
            return True
        attributes, state.pos = parsed
        if silent:
            return True
        if takes:
            state.tokens[-1].meta["attributes"] = attributes
        else:
            fault(state, start, "attribute-invalid", "attributes mean nothing here", "")
        return True

    return attributed


# -- emphasis -------------------------------------------------------------------------------------


def _emphasis(state: StateInline, silent: bool) -> bool:
    """Emphasis whose delimiters may touch Han and full-width marks.

    CommonMark's flanking rules let ``**注意力（Attention）**是`` fail, since a closing delimiter
    between punctuation and a letter does not count (commonmark/commonmark-spec#650). Pandoc asks
    only for no space inside; beside wide characters so do we.
    """
    source, start = state.src, state.pos
    marker = source[start]
    if silent or marker not in "*_":
        return False
    scanned = state.scanDelims(start, marker == "*")
    can_open, can_close = scanned.can_open, scanned.can_close
    before = source[start - 1] if start else " "
    after = source[start + scanned.length : start + scanned.length + 1] or " "
    if marker == "*" and (is_wide(before) or is_wide(after)):
        can_open, can_close = not after.isspace(), not before.isspace()
    for _ in range(scanned.length):
        token = state.push("text", "", 0)
        token.content = marker
        state.delimiters.append(
            Delimiter(
                marker=ord(marker),
                length=scanned.length,
                token=len(state.tokens) - 1,
                end=-1,
                open=can_open,
                close=can_close,
            )
        )
    state.pos += scanned.length
    return True
