"""How running text becomes the XHTML of an EPUB, in its two flavours."""

from __future__ import annotations

import hashlib
import html
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple
from urllib.parse import quote

from generator.bibliography import gbt7714
from generator.exporters.epub_raster import (
    FORMULA_MARGIN,
    FORMULA_RESOLUTION,
    Drawings,
)
from generator.exporters.numerals import circled
from generator.formula import Formula, Request
from generator.model import Anchor, Book, Figure, Kind
from generator.render import CitedWork, kind_name

_MEASURE = 34
"""Width in em of the page that a figure's percentage refers to: a figure of 70 % may then fill a
phone's screen and still keeps its size on a tablet."""

_LONG_FORMULA = 17
"""Width in em beyond which a formula within a line scrolls by itself: a phone shows about 20."""

_SPACE_BEFORE_MARK = re.compile(r'[ \n](?=<(?:span class="citation"|a class="noteref"))')
_BLOCK = re.compile(r"<(?:blockquote|div|dl|figure|h\d|hr|ol|pre|ul)\b")
_EMPTY_HEAD = re.compile(r'<th scope="col"([^>]*)></th>')
_CAPTIONED_TABLE = re.compile(
    r'<div class="table"([^>]*)>(<table[^>]*>)<caption>(.*?)</caption>(.*?</table>)</div>',
    re.DOTALL,
)
_TABLE_UNDER_CAPTION = (
    r'<figure class="table"\1><figcaption>\3</figcaption><div class="scroll">\2\4</div></figure>'
)
_MATH_HEAD = re.compile(
    r'<span class="math-inline">(?<="><span class="math-inline">)(?=<math [^>]*alttext="([^"]*)"'
    r"(?:(?!</math>).)*</math></span></th>)"
)
_MARK = r'(?:span class="citation">(?:(?!</span>).)*</span>|a class="noteref"[^>]*>[^<]*</a>)'
_FORMULA = r'img class="math-inline"[^>]*/>|span class="math-inline"[^>]*>.*?</math></span>'
_SPACE_AFTER_MARK = re.compile(rf"(<{_MARK})[ \n](?=[\u3400-\u9fff])")
_OPENING = "（《〈「『【“‘"
_ENTITY_AT_END = re.compile(r"&#?\w+;$")
# All begin with one sign, for which the search can leap.
_TIED = re.compile(
    rf"<(?:(?P<formula>{_FORMULA})[，。、；：？！）》〉」』】”’]*(?:<{_MARK})*|{_MARK}(?:<{_MARK})*)"
)


@dataclass(slots=True)
class Images:
    """The pictures that the text asked for: file name to what makes the bytes.

    Names come from the content of the source, so that each picture is in the package once.
    """

    drawings: Drawings
    makers: dict[str, Callable[[], bytes]] = field(default_factory=dict)

    def add(self, folder: str, source: bytes, suffix: str, make: Callable[[], bytes]) -> str:
        """Ask for a picture; returns its address as seen from a text."""
        name = f"{folder}/{hashlib.sha256(source).hexdigest()[:16]}{suffix}"
        self.makers.setdefault(name, make)
        return f"../{name}"


@dataclass(frozen=True, slots=True)
class Note:
    """A footnote: ``mark`` is its sign, ``body`` XHTML with the link back in it."""

    id: str
    body: str


class Work(NamedTuple):
    """An entry of a reference list. A tuple: the sandbox looks at each access to an attribute."""

    id: str
    number: int
    text: str
    address: str


class EpubTarget:
    """The :class:`~generator.render.Target` of a run of text with one numbering of its own.

    ``scope`` is the name of that run (``ch01``): it keeps the ids of notes and works apart from
    those of other runs, so that every id is unique in the whole book.
    """

    def __init__(
        self,
        book: Book,
        formulas: Mapping[Request, Formula],
        images: Images,
        scope: str,
        cited: Sequence[str] = (),
    ) -> None:
        self.book = book
        self.formulas = formulas
        self.images = images
        self.scope = scope
        self._numbers = {key: number for number, key in enumerate(cited, start=1)}
        self._notes: dict[str, int] = {}
        self._fresh: list[Note] = []
        self._answers: list[tuple[str, str]] = []

    # -- what the text collects -------------------------------------------------------------------

    def take_notes(self) -> tuple[Note, ...]:
        """The footnotes that were called since the last time."""
        notes, self._fresh = tuple(self._fresh), []
        return notes

    def take_answers(self) -> tuple[tuple[str, str], ...]:
        """Marks and hidden words (XHTML) of the gaps that were written since the last time."""
        answers, self._answers = tuple(self._answers), []
        return answers

    @property
    def works(self) -> tuple[Work, ...]:
        """The works cited so far, in order of their numbers."""
        entries = {key: gbt7714(self.book.references[key]) for key in self._numbers}
        return tuple(
            Work(self._work(number), number, entries[key].text, _encode(entries[key].address))
            for key, number in self._numbers.items()
        )

    # -- the Target protocol ----------------------------------------------------------------------

    def text(self, text: str) -> str:
        """Running text, escaped."""
        return html.escape(text)

    def math(self, tex: str, *, display: bool) -> str:
        """MathML, which holds the TeX as ``alttext``."""
        formula = self.formulas[Request(tex, display)]
        if display:
            return f'<span class="math-display">{formula.mathml}</span>'
        if formula.width > _LONG_FORMULA:
            # A box that scrolls stands on its lower edge (CSS 2, 10.8.1), so it is lowered.
            style = f' style="vertical-align:{-formula.depth:.3f}em"'
            return f'<span class="math-inline long"{style}>{formula.mathml}</span>'
        return f'<span class="math-inline">{formula.mathml}</span>'

    def image(self, figure: Figure, alt: str, width: str) -> str:
        """The figure as it is, on a white ground."""
        address = self.images.add("img", figure.data, figure.suffix, partial(_grounded, figure))
        return _img(address, alt, _figure_style(figure, width))

    def label(self, anchor: Anchor) -> str:
        """What stands before a caption: ``图 2-1``."""
        return html.escape(_call(anchor))

    def crossref(self, anchor: Anchor, words: str) -> str:
        """A link whose file is filled in when all files are known."""
        css = "xref"
        if not words:
            words = html.escape(_call(anchor))
            css += " tied" if anchor.number else ""  # browsers break “图 1-2” after its hyphen
        return f'<a class="{css}" href="#{anchor.name}">{words}</a>'

    def link(self, address: str, words: str) -> str:
        """A link to an address outside the book."""
        return f'<a href="{html.escape(_encode(address))}">{words}</a>'

    def citation(self, works: Sequence[CitedWork]) -> str:
        """``[1, 2]``, raised. A place in a work follows its bracket (GB/T 7714—2015)."""
        plain = ", ".join(self._cite(work.key) for work in works if not work.locator)
        runs = [f"[{plain}]"] if plain else []
        runs += [
            f"[{self._cite(work.key)}]{html.escape(work.locator)}" for work in works if work.locator
        ]
        return f'<span class="citation">{"".join(runs)}</span>'

    def gap(self, number: int, hint: str, words: str) -> str:
        """A blank with a mark. Gaps are marked in reading order: their numbers may have holes."""
        del number
        mark = circled(len(self._answers) + 1)
        self._answers.append((mark, words))
        hint = f'<span class="hint">（{html.escape(hint)}）</span>' if hint else ""
        return f'<span class="gap">{mark}</span>{hint}'

    def footnote(self, label: str, words: str) -> str:
        """The call to a note. The first call brings the note along; later ones lead to it."""
        known = label in self._notes
        number = self._notes.setdefault(label, len(self._notes) + 1)
        note, call, mark = f"n-{self.scope}-{number}", f"m-{self.scope}-{number}", circled(number)
        if not known:
            self._fresh.append(Note(note, _with_backlink(words, call, mark)))
        name = "" if known else f' id="{call}"'
        # Kindle and Apple Books open a pop-up only if the link holds nothing but text.
        return (
            f'<a class="noteref" epub:type="noteref" role="doc-noteref"{name} '
            f'href="#{note}">{mark}</a>'
        )

    # -- helpers ----------------------------------------------------------------------------------

    def _cite(self, key: str) -> str:
        number = self._numbers.setdefault(key, len(self._numbers) + 1)
        return f'<a role="doc-biblioref" href="#{self._work(number)}">{number}</a>'

    def _work(self, number: int) -> str:
        return f"w-{self.scope}-{number}"


class CompatTarget(EpubTarget):
    """The flavour for readers without MathML and SVG: formulas and figures as PNG on white."""

    def math(self, tex: str, *, display: bool) -> str:
        """A picture with the TeX as its alternative text."""
        formula = self.formulas[Request(tex, display)]
        make = partial(self.images.drawings.formula, formula)
        address = self.images.add("math", formula.svg.encode(), ".png", make)
        margin = FORMULA_MARGIN / FORMULA_RESOLUTION
        style = f"width:{formula.width + 2 * margin:.3f}em"
        if display:
            return f'<span class="math-display">{_img(address, tex, style)}</span>'
        style += f";vertical-align:{-formula.depth - margin:.3f}em"
        return _img(address, tex, style, "math-inline")

    def image(self, figure: Figure, alt: str, width: str) -> str:
        """The figure as JPEG if it is one, else as PNG."""
        style = _figure_style(figure, width)
        if figure.suffix == ".jpg":
            address = self.images.add("img", figure.data, ".jpg", lambda: figure.data)
        else:
            make = partial(self.images.drawings.figure, figure)
            address = self.images.add("img", figure.data, ".png", make)
        return _img(address, alt, style)


def finish(xhtml: str) -> str:
    """What only shows when the elements stand side by side.

    The spaces around a raised mark go, which the source needs and the page does not. A caption
    leaves its table, so that it stays in sight while the table scrolls. A head cell says something
    to a screen reader (axe, ``empty-table-header``): an empty one is no head, and MathML that
    stands in one alone gets its TeX as a label. And browsers break a line where none may begin
    (CLREQ, line start prohibition): on either side of a formula, even before a comma, and before a
    raised mark. So each is tied to its neighbour.
    """
    xhtml = _SPACE_BEFORE_MARK.sub("", xhtml)
    xhtml = _SPACE_AFTER_MARK.sub(r"\1", xhtml)
    xhtml = _CAPTIONED_TABLE.sub(_TABLE_UNDER_CAPTION, xhtml)
    xhtml = _EMPTY_HEAD.sub(r"<td\1></td>", xhtml)
    xhtml = _MATH_HEAD.sub(r'<span class="math-inline" role="math" aria-label="\1">', xhtml)
    return _tie(xhtml)


def _tie(xhtml: str) -> str:
    """Formulas and raised marks with the characters that stay on their line."""
    pieces: list[str] = []
    end = 0
    for match in _TIED.finditer(xhtml):
        text, found, formula = xhtml[end : match.start()], match[0], match["formula"]
        kept = text.rstrip(_OPENING) if formula else text[: _last_character(text)]
        if kept != text or (formula and found != f"<{formula}"):
            pieces += (kept, '<span class="tied">', text[len(kept) :], found, "</span>")
        else:
            pieces += (text, found)
        end = match.end()
    return "".join((*pieces, xhtml[end:]))


def _last_character(text: str) -> int:
    """Where the last character begins, written as itself or as an entity, unless it is a tag's."""
    if not text or text[-1].isspace() or text[-1] == ">":
        return len(text)
    entity = _ENTITY_AT_END.search(text, len(text) - 8) if text[-1] == ";" else None
    return entity.start() if entity else len(text) - 1


def _call(anchor: Anchor) -> str:
    """How the text calls what a link without words leads to."""
    if anchor.kind is Kind.QUESTION:
        return f"第\u00a0{anchor.number}\u00a0题"
    return f"{kind_name(anchor.kind)}\u00a0{anchor.number}" if anchor.number else anchor.title


def _with_backlink(words: str, call: str, mark: str) -> str:
    """The note with the link back before its first word, where pop-ups expect it."""
    back = f'<a role="doc-backlink" href="#{call}">{mark}</a> '
    if words.startswith("<p>"):
        return f"<p>{back}{words.removeprefix('<p>')}"
    if _BLOCK.match(words):
        return f"<p>{back}</p>\n{words}"
    return f"<p>{back}{words}</p>"


def _img(address: str, alt: str, style: str, css: str = "") -> str:
    css = f' class="{css}"' if css else ""
    return f'<img{css} src="{address}" alt="{html.escape(alt)}" style="{style}"/>'


def _figure_style(figure: Figure, width: str) -> str:
    if width.endswith("%"):
        width = f"{float(width[:-1]) * _MEASURE / 100:g}em"
    return f"width:100%;max-width:{width or f'{figure.width:g}px'}"


def _grounded(figure: Figure) -> bytes:
    """An SVG figure on a white ground, since some readers drop the ground that CSS gives."""
    if figure.suffix != ".svg":
        return figure.data
    svg = figure.data.decode()
    root = re.search(r"<svg\b[^>]*>", svg)
    box = re.search(r'viewBox\s*=\s*["\']([^"\']*)', root.group()) if root else None
    if root is None or box is None:
        return figure.data
    left, top, width, height = re.split(r"[\s,]+", box.group(1).strip())
    ground = f'<rect x="{left}" y="{top}" width="{width}" height="{height}" fill="#ffffff"/>'
    return f"{svg[: root.end()]}{ground}{svg[root.end() :]}".encode()


def _encode(address: str) -> str:
    """The address as a valid URL: ``<``, ``|`` and Han are percent-encoded."""
    return quote(address, safe="!#$%&'()*+,/:;=?@~")
