"""Block rules of the dialect: divs, display math, captions, attributes of headings, figures."""

from __future__ import annotations

import re

from markdown_it import MarkdownIt
from markdown_it.ruler import RuleOptionsType
from markdown_it.rules_block import StateBlock
from markdown_it.rules_core import StateCore
from markdown_it.token import Token

from generator.markdown.attributes import Attributes, parse_attributes
from generator.markdown.inline import find_math_end

_DIV_OPEN = re.compile(r":{3,}[ \t]*(?P<attributes>\{.*\}|[^\s{}:]+)[ \t]*:*[ \t]*$")
_DIV_FENCE = re.compile(r":{3,}")
_DIV_CLOSE = re.compile(r":{3,}[ \t]*$")
_CODE_FENCE = re.compile(r"(`{3,}|~{3,})")
_LANGUAGE = re.compile(r"[\w+#.-]{1,40}")
_HEADING_ATTRIBUTES = re.compile(r"(?<!\\)\{[^{}$]*\}$")
_CAPTION = re.compile(r":[ \t]+(?=\S)")
_CAPTION_ATTRIBUTES = re.compile(r"[ \t]*\{[^{}$]*\}$")

BAR = "\ufdd0"
"""Stands for a ``|`` inside math or code on a line that may be a table's (a noncharacter)."""

_TABLE_LINE = re.compile(r"^[ \t>]*\|")
_HIDES_BAR = re.compile(r"\\.|(`+)(?:(?!\1).)+?\1|\$(?!\s)(?:\\.|[^$\\])+?(?<!\s)\$(?!\d)")

MAX_PARAGRAPH = 50_000
"""Characters. What is longer is not parsed: hostile text could take minutes."""

_PARAGRAPH_TERMINATORS: RuleOptionsType = {"alt": ["paragraph", "reference", "blockquote", "list"]}


def install(md: MarkdownIt) -> None:
    """Add the dialect's block and core rules to a parser."""
    md.core.ruler.before("block", "hide_bars", _hide_bars)
    md.core.ruler.after("block", "show_bars", _show_bars)
    md.block.ruler.before("fence", "div", _div, _PARAGRAPH_TERMINATORS)
    md.block.ruler.before("fence", "math_display", _math_display, _PARAGRAPH_TERMINATORS)
    md.block.ruler.before("table", "caption", _caption, {"alt": ["blockquote"]})
    md.core.ruler.after("show_bars", "heading_attributes", _heading_attributes)
    md.core.ruler.after("heading_attributes", "fences", _fences)
    md.core.ruler.before("inline", "limit_paragraphs", _limit_paragraphs)
    md.core.ruler.after("inline", "figures", _figures)
    md.core.ruler.after("figures", "captions", _captions)


def fault_token(line: int, code: str, message: str, hint: str = "", column: int = 0) -> Token:
    """A token that stands for a diagnostic; ``line`` and ``column`` count from 0."""
    meta = {"column": column, "code": code, "message": message, "hint": hint}
    return Token("fault", "", 0, map=[line, line + 1], meta=meta, block=True)


def _line(state: StateBlock, line: int) -> str:
    return state.src[state.bMarks[line] + state.tShift[line] : state.eMarks[line]]


def _column(state: StateBlock, line: int) -> int:
    start = state.bMarks[line] + state.tShift[line]
    return start - (state.src.rfind("\n", 0, start) + 1)


# -- divs -----------------------------------------------------------------------------------------


def _div(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """``::: name`` or ``::: {.name #id}`` … ``:::`` (Pandoc's fenced_divs)."""
    line = _line(state, start)
    if not line.startswith(":::") or state.is_code_block(start):
        return False
    if silent:
        return True
    if _DIV_CLOSE.match(line):
        message = "this fence closes a div that was never opened"
        state.tokens.append(fault_token(start, "div-unclosed", message, "", _column(state, start)))
        state.line = start + 1
        return True
    opening = state.push("div_open", "div", 1)
    opening.meta["attributes"] = _div_attributes(state, line, start)
    close = _div_end(state, start + 1, end)
    opening.map = [start, close]
    outer_parent, outer_end = state.parentType, state.lineMax
    state.parentType, state.lineMax = "div", close
    state.md.block.tokenize(state, start + 1, close)
    state.parentType, state.lineMax = outer_parent, outer_end
    is_closed = close < end and bool(_DIV_CLOSE.match(_line(state, close)))
    state.push("div_close", "div", -1)
    if not is_closed:
        hint = "Close it with a line of three colons."
        fault = fault_token(start, "div-unclosed", "this div is never closed", hint)
        fault.meta["column"] = _column(state, start)
        state.tokens.append(fault)
    state.line = close + is_closed
    return True


def _div_attributes(state: StateBlock, line: str, number: int) -> Attributes:
    match = _DIV_OPEN.match(line)
    text = match["attributes"] if match else ""
    if text and not text.startswith("{"):
        return Attributes(classes=(text,))
    parsed = parse_attributes(text)
    if parsed is None or parsed[1] != len(text):
        hint = "The forms are “::: name” and “::: {.name #id}”."
        message = "malformed opening of a div"
        column = _column(state, number)
        state.tokens.append(fault_token(number, "attribute-invalid", message, hint, column))
        return Attributes(classes=("?",))
    return parsed[0]


def _div_end(state: StateBlock, start: int, end: int) -> int:
    """The line of the closing fence; else of the next question, so that one slip costs one div."""
    depth, code = 1, ""
    for number in range(start, end):
        line = _line(state, number)
        fence = _CODE_FENCE.match(line)
        if code:
            code = "" if line.startswith(code) and not line.strip("`~ \t") else code
        elif fence:
            code = fence[1]
        elif _DIV_CLOSE.match(line):
            depth -= 1
            if not depth:
                return number
        elif _DIV_FENCE.match(line):
            depth += 1
        elif line.startswith("## "):
            return number
    return end


# -- display math ---------------------------------------------------------------------------------


def _math_display(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """``$$…$$`` that fills whole lines. Its inside is no Markdown."""
    if not _line(state, start).startswith("$$") or state.is_code_block(start):
        return False
    last, found = _math_last_line(state, start, end)
    text = "\n".join(_line(state, number) for number in range(start, last + 1)).strip()
    if not found:
        if silent:
            return True
        hint = "Close it with $$ before the next empty line."
        message = "display math is never closed"
        column = _column(state, start)
        state.tokens.append(fault_token(start, "math-failed", message, hint, column))
        state.line = last + 1
        return True
    close = find_math_end(text, 2, len(text), "$$")
    if close != len(text) - 2:
        return False  # words follow: left to the inline rule, which says that it is no place for it
    if silent:
        return True
    token = state.push("math_display", "math", 0)
    token.block = True
    token.content = text[2:close].strip()
    token.map = [start, last + 1]
    token.meta = {"column": _column(state, start)}
    state.line = last + 1
    return True


def _math_last_line(state: StateBlock, start: int, end: int) -> tuple[int, bool]:
    """The line that closes the math, and True; else the last line before a blank, and False."""
    for number in range(start, end):
        line = _line(state, number)
        if not line.strip() or state.sCount[number] < state.blkIndent:
            return number - 1, False
        if "$$" in (line[2:] if number == start else line):
            return number, True
    return end - 1, False


# -- tables ---------------------------------------------------------------------------------------


def _hide_bars(state: StateCore) -> None:
    """A ``|`` inside math or code does not split a cell (Pandoc's pipe_tables)."""
    if "|" not in state.src:
        return
    lines = state.src.split("\n")
    for number, line in enumerate(lines):
        if _TABLE_LINE.match(line):
            lines[number] = _HIDES_BAR.sub(lambda match: _hidden(match[0]), line)
    state.src = "\n".join(lines)


def _hidden(text: str) -> str:
    return text if text.startswith("\\") else text.replace("|", BAR)


def _show_bars(state: StateCore) -> None:
    for token in state.tokens:
        if BAR in token.content:
            token.content = token.content.replace(BAR, "|")


def _caption(state: StateBlock, start: int, _end: int, silent: bool) -> bool:
    """``: caption`` below a table. It ends the table, and is no definition."""
    line = _line(state, start)
    match = _CAPTION.match(line)
    if match is None or state.is_code_block(start):
        return False
    if silent:
        return state.parentType == "table"
    if not state.tokens or state.tokens[-1].type != "table_close":
        return False
    text, attributes = line[match.end() :].rstrip(), None
    braces = _CAPTION_ATTRIBUTES.search(text)
    if braces:
        parsed = parse_attributes(braces[0].strip())
        if parsed:
            attributes, text = parsed[0], text[: braces.start()]
    token = state.push("caption_open", "caption", 1)
    token.map = [start, start + 1]
    token.meta["attributes"] = attributes
    inline = state.push("inline", "", 0)
    inline.content, inline.map, inline.children = text, [start, start + 1], []
    state.push("caption_close", "caption", -1)
    state.line = start + 1
    return True


def _captions(state: StateCore) -> None:
    """Hand each caption to the table above it."""
    kept: list[Token] = []
    table: Token | None = None
    caption: Token | None = None
    for token in state.tokens:
        if token.type == "table_open":
            table = token
        if token.type == "caption_open":
            caption = token
        elif token.type == "caption_close":
            caption = None
        elif caption is not None and table is not None:
            table.meta["caption"] = [token]
            table.meta["attributes"] = caption.meta["attributes"]
        else:
            kept.append(token)
    state.tokens = kept


# -- limits ---------------------------------------------------------------------------------------


def _limit_paragraphs(state: StateCore) -> None:
    for token in state.tokens:
        if token.type == "inline" and len(token.content) > MAX_PARAGRAPH:
            token.meta["length"] = len(token.content)
            token.content = ""


# -- headings, fences, figures --------------------------------------------------------------------


def _heading_attributes(state: StateCore) -> None:
    for heading, inline in zip(state.tokens, state.tokens[1:], strict=False):
        if heading.type != "heading_open":
            continue
        text = inline.content.rstrip()
        match = _HEADING_ATTRIBUTES.search(text)
        if match is None:
            continue
        parsed = parse_attributes(match[0])
        heading.meta["attributes"] = parsed[0] if parsed else None
        heading.meta["attributes_offset"] = match.start()
        inline.content = text[: match.start()].rstrip()


def _fences(state: StateCore) -> None:
    """The language of code: ```` ```python ```` or ```` ```{.python .runnable} ````."""
    lines = state.src.split("\n")
    for token in state.tokens:
        if token.type != "fence":
            continue
        info = token.info.strip()
        parsed = parse_attributes(info) if info.startswith("{") else None
        classes = parsed[0].classes if parsed else tuple(info.split()[:1])
        name = classes[0] if classes else ""
        token.meta["language"] = name if _LANGUAGE.fullmatch(name) else ""
        token.meta["classes"] = classes[1:]
        first, end = token.map or (0, 1)
        last = lines[end - 1].strip(" \t>")
        token.meta["closed"] = last.startswith(token.markup) and end - first > 1


def _figures(state: StateCore) -> None:
    """A paragraph that holds nothing but a picture is a figure (Pandoc's implicit_figures)."""
    kept: list[Token] = []
    for token in state.tokens:
        kept.append(token)
        if token.type != "paragraph_close":
            continue
        inline = kept[-2]
        if len(inline.children or ()) == 1 and inline.children[0].type == "image":  # type: ignore[index]
            image = inline.children[0]  # type: ignore[index]
            image.type, image.block, image.map = "figure", True, inline.map
            image.meta["inline"] = inline
            del kept[-3:]
            kept.append(image)
    state.tokens = kept
