"""Rules of Chinese composition that CSS cannot state, worked into the markup of the handbook.

Rules for a single run of text are :func:`~generator.exporters.print_markup.set_text`'s; here are
those that take more of the markup, applied to a section when all of it has been written.
"""

from __future__ import annotations

import re

from generator.exporters.print_markup import Pictures

_MARKS = "，。、；：！？）》」』”’…"
_BLOCK_END = (
    r"\s*(?:</(?:p|li|dd|dt|div|h[1-6]|figcaption|caption|td|th)>"
    r'|<(?:ul|ol)\b|<span class="(?:see|folio)">)'
)
_CITATION = r'\u2060?<sup class="citation">(?:(?!</sup>).)*</sup>'
_AFTER_LAST = rf"(?:[{_MARKS}]|</(?:a|b|em|strong|span)>|{_CITATION})*{_BLOCK_END}"

_LAST_HAN = re.compile(
    rf"((?:[\u3400-\u9fff][{_MARKS}]*|\w)[\u3400-\u9fff][{_MARKS}]*)(?={_AFTER_LAST})"
)
_LAST_SPACE = re.compile(
    rf"(?<=[\u3400-\u9fff]) (?=[0-9A-Za-z]{_AFTER_LAST})"
    rf"|(?<=[^\s\u3000-\u9fff\uff00-\uffef]) (?=[\u3400-\u9fff]{_AFTER_LAST})"
)
_LATIN = '<span class="latin">{}</span>'
_APOSTROPHE = re.compile(r"(?<=[A-Za-z])’(?=[A-Za-z])")
_TOGETHER = re.compile(r"\[[A-Z]{1,2}/OL\]|\d+—\d+")
"""文献类型标识 (GB/T 7714—2015, 6), and numbers of standards."""

_WORK = re.compile(r'<li id="r-[^>]*>.*?</li>', re.DOTALL)
_ENGLISH_QUOTES = re.compile(r"(?<=[!-~] )“([^“”<>\u3400-\u9fff]*)”")

_NUMBERED_PLACE = re.compile(r'(<a class="xref" href="#[^"]*">[^<]*\d</a>)(?=[\u3400-\u9fff])')
_BRACKETED = re.compile(
    r'(?P<link><a class="xref"[^>]*>[^（]*)'
    r'（(?P<page>第\u00a0<span class="page"[^>]*></span>\u00a0页)）</a>'
    r"|(?P<block></?(?:p|li|td|th|dd|h[1-6]|figcaption|caption)\b)|[（）]"
)
_EMPHASIS = re.compile(r"<em>(.*?)</em>", re.DOTALL)
_LISTING = re.compile(r'<pre class="highlight"([^>]*)>(.*?)</pre>', re.DOTALL)
_LINE = '<span class="line">'
_TABLE_HEAD = re.compile(
    r'(?P<caption><caption><span class="label">(?P<label>[^<]*)</span>'
    r"(?:(?!</caption>).)*</caption>\s*)?"
    r"<thead>\s*(?P<row><tr>.*?</tr>)",
    re.DOTALL,
)

_SHORTEST_LISTING = 3
"""Lines of code that are numbered."""


def compose(markup: str, pictures: Pictures) -> str:
    """The markup with last characters tied, emphasis dotted, code numbered, tables continued."""
    markup = _LISTING.sub(lambda match: _number_lines(match, pictures), markup)
    markup = _EMPHASIS.sub(lambda match: _dot(match, pictures), markup)
    markup = _unbracket(markup)
    markup = _NUMBERED_PLACE.sub(r"\1 ", markup)  # the gap that authors write behind digits
    markup = _WORK.sub(_set_work, markup)
    return _TABLE_HEAD.sub(_continue_table, _tie_ends(markup))


def _unbracket(markup: str) -> str:
    """Page numbers within brackets have none of their own: （见第 1.2 题，第 3 页）."""
    depth = 0

    def step(match: re.Match[str]) -> str:
        nonlocal depth
        if match["link"]:
            return f"{match['link']}，{match['page']}</a>" if depth else match[0]
        depth = 0 if match["block"] else max(0, depth + (1 if match[0] == "（" else -1))
        return match[0]

    return _BRACKETED.sub(step, markup)


def _tie_ends(markup: str) -> str:
    """No paragraph ends in a line of one character, 孤字 (CLREQ 3.1.6.5 asks for two at least)."""
    markup = _LAST_HAN.sub(r'<span class="tie">\1</span>', markup)
    return _LAST_SPACE.sub("\u00a0", markup)


def _set_work(match: re.Match[str]) -> str:
    """A reference: among English words, marks are as narrow as English has them."""
    work = _ENGLISH_QUOTES.sub(rf"{_LATIN.format('“')}\1{_LATIN.format('”')}", match[0])
    work = _APOSTROPHE.sub(_LATIN.format("’"), work).replace(" — ", "\u00a0— ")
    return _TOGETHER.sub(r'<span class="tie">\g<0></span>', work)


def _dot(match: re.Match[str], pictures: Pictures) -> str:
    """着重号, a dot under each character (GB/T 15834—2011, 4.11); Latin words stay in Kai."""
    address = pictures.dot()
    dotted = f'<span class="dot" style="background-image:url({address})">{{}}</span>'
    pieces = re.split(r"(<[^>]*>)", match[1])
    return f"<em>{''.join(_dot_text(piece, dotted) for piece in pieces)}</em>"


def _dot_text(piece: str, dotted: str) -> str:
    if piece.startswith("<"):
        return piece
    return re.sub(r"[\u3400-\u9fff]", lambda match: dotted.format(match[0]), piece)


def _number_lines(match: re.Match[str], pictures: Pictures) -> str:
    """Number the lines of a listing by pictures, which copying leaves out."""
    attributes, code = match.groups()
    if code.count(_LINE) < _SHORTEST_LISTING or 'data-lang="text"' in attributes:
        return match[0]
    first, *lines = code.split(_LINE)
    digits = max(len(str(len(lines))), 2)
    numbered = first + "".join(
        f'<span class="line" style="background-image:url({pictures.number(number, digits)})">{line}'
        for number, line in enumerate(lines, start=1)
    )
    return f'<pre class="highlight numbered"{attributes}>{numbered}</pre>'


def _continue_table(match: re.Match[str]) -> str:
    """Give a table's head the notice of its further parts, which layout shows on those alone."""
    columns = match["row"].count("<th")
    words = f"续{match['label'] or '表'}"
    notice = f'<tr class="continued"><td colspan="{columns}">{words}</td></tr>'
    return f"{match['caption'] or ''}<thead>\n{notice}\n{match['row']}"
