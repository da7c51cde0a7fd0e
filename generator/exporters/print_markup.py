"""XHTML for print: what the handbook makes of math, pictures, links, citations and gaps."""

from __future__ import annotations

import hashlib
import html
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from generator.exporters.numerals import circled
from generator.formula import Formula, Piece, Request, split_formula
from generator.model import Anchor, Figure, Kind
from generator.render import CitedWork, kind_name
from generator.typography.finishing import FIXED_SPACE
from generator.typography.outlines import number_svg

SCHEME = "studyguide"
"""The scheme of addresses that lead to nothing but this book's own pictures, kept in memory."""

WORD_JOINER = "\u2060"

_LONGEST_PIECE = 4.0
"""Ems of a formula within a line that is not broken."""

_SPACE = 0.256
"""Ems of the space in Song, the face around formulas."""

_MONO_WIDTH = 0.5
"""Ems of a Latin character in Mono."""

_NOTE_BLOCK = re.compile(r"\s*<(/?)(p|ul|ol|li)>\s*")
_NOTE_IN_NOTE = re.compile(r'<span class="footnote">(<span class="url">[^<]*</span>)</span>')

_TIED = re.compile(
    r"([^\s（《〈「『【“‘—…·](?:·|——|……)"
    r"|(?<=[A-Za-z])’(?=[A-Za-z])"
    r"|(?<![\w/])[A-Za-z]{1,6}/[A-Za-z]{1,2}(?![\w/])"  # GB/s
    r"|[\u3400-\u9fff]/[\u3400-\u9fff]"  # 词元/秒
    r"|\d+—\d+)"  # GB/T 7714—2015
)

_DOT = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 2 2"><circle cx="1" cy="1" r="1"/></svg>'
)
_NUMBER_COLOUR = "#888"

_BEFORE_CITATION = re.compile(r'(?<![ \n\u00a0])[ \n\u00a0]*(?=<sup class="citation">)')


class Pictures:
    """Formulas and figures by the address under which the document shows them.

    Nothing of them ever touches the disk: WeasyPrint fetches them here.
    """

    def __init__(self, formulas: Mapping[Request, Formula], families: Mapping[str, str]) -> None:
        self._formulas = formulas
        self._families = families
        self._data: dict[str, tuple[bytes, str]] = {}

    def formula(self, tex: str) -> tuple[str, Formula]:
        """The address of a formula on a line of its own, and the formula."""
        formula = self._formulas[Request(tex, display=True)]
        digest = hashlib.sha256(tex.encode()).hexdigest()[:16]
        address = f"{SCHEME}:math/{digest}.svg"
        if address not in self._data:
            self._data[address] = (self._in_book_fonts(formula.svg).encode(), "image/svg+xml")
        return address, formula

    def pieces(self, tex: str) -> list[tuple[str, Piece]]:
        """The addresses of the pieces of a formula within a line, and the pieces."""
        formula = self._formulas[Request(tex, display=False)]
        found = []
        for number, piece in enumerate(split_formula(formula, _LONGEST_PIECE)):
            digest = hashlib.sha256(f"{number} {tex}".encode()).hexdigest()[:16]
            address = f"{SCHEME}:math/{digest}.svg"
            if address not in self._data:
                self._data[address] = (self._in_book_fonts(piece.svg).encode(), "image/svg+xml")
            found.append((address, piece))
        return found

    def figure(self, figure: Figure) -> str:
        """The address of a figure."""
        address = f"{SCHEME}:figure/{figure.digest}{figure.suffix}"
        if address not in self._data:
            data = figure.data
            if figure.media_type == "image/svg+xml":
                data = self._in_book_fonts(data.decode()).encode()
            self._data[address] = (data, figure.media_type)
        return address

    def dot(self) -> str:
        """The address of the dot under an emphasised character."""
        return self._own("dot", _DOT)

    def number(self, number: int, digits: int) -> str:
        """The address of the number of a line of code, in a column of so many digits."""
        return self._own(f"line/{digits}-{number}", number_svg(number, digits, _NUMBER_COLOUR))

    def _own(self, name: str, svg: str) -> str:
        address = f"{SCHEME}:{name}.svg"
        self._data[address] = (svg.encode(), "image/svg+xml")
        return address

    def get(self, address: str) -> tuple[bytes, str] | None:
        """Bytes and media type, or nothing for an address that the document may not fetch."""
        return self._data.get(address)

    def texts(self) -> Iterable[str]:
        """What is written in the SVG pictures, for the fonts to hold."""
        for data, media_type in self._data.values():
            if media_type == "image/svg+xml":
                yield html.unescape("".join(re.findall(r">([^<]+)<", data.decode())))

    def _in_book_fonts(self, svg: str) -> str:
        """Name a font of the book wherever the picture names a generic family, or none."""
        families = self._families

        def replace(match: re.Match[str]) -> str:
            generic = match[1].split(",")[-1].strip(" '\"").lower()
            return f'font-family="{families.get(generic, families["sans-serif"])}"'

        default = f'<svg font-family="{families["sans-serif"]}"'
        svg = re.sub(r"""font-family=["']([^"]*)["']""", replace, svg)
        return re.sub(r"<svg\b(?![^>]*font-family)", default, svg)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a gap hides, under the mark that stands in the gap. ``words`` is XHTML."""

    mark: str
    words: str


class PrintTarget:
    """Markup for one section of the handbook: citations are numbered within it.

    ``works`` are the keys of the works cited, in the order of their numbers; a section whose
    works are not known beforehand may begin with none, and they are numbered as they come.
    """

    def __init__(
        self, section: str, chapter: str, pictures: Pictures, works: Sequence[str]
    ) -> None:
        self.section = section
        self.chapter = chapter
        self.pictures = pictures
        self.works = dict.fromkeys(works)
        self._answers: list[Answer] = []

    def text(self, text: str) -> str:
        """Running text, escaped, with what must not be parted tied together."""
        return set_text(text)

    def math(self, tex: str, *, display: bool) -> str:
        """Pictures under the formula's TeX, which is searched and copied but not seen.

        Within a line, a long formula is one picture a piece, so that it can be broken.
        """
        words = html.escape(tex)
        if display:
            address, formula = self.pictures.formula(tex)
            image = _math_image(address, words, formula.width, 0.0)
            return f'<div class="math-display">{_tex(tex, formula.width)}{image}</div>\n'
        (address, first), *others = self.pictures.pieces(tex)
        width = first.width + sum(piece.space + piece.width for _, piece in others)
        inner = _tex(tex, width) + _math_image(address, words, first.width, first.depth)
        if others:
            inner = f'<span class="tie">{inner}</span>'
        for address, piece in others:
            style = f"font-size:{_em(piece.space / _SPACE)}"
            space = f'<span class="{FIXED_SPACE}" style="{style}"> </span>'
            inner += space + _math_image(address, words, piece.width, piece.depth)
        return f'<span class="math-inline{" long" if others else ""}">{inner}</span>'

    def image(self, figure: Figure, alt: str, width: str) -> str:
        """A picture from memory, in its own size where the book gives none."""
        address = self.pictures.figure(figure)
        width = width or f"{figure.width:g}px"
        return f'<img src="{address}" alt="{html.escape(alt)}" style="width:{width}"/>'

    def label(self, anchor: Anchor) -> str:
        """``图 2-1``."""
        return called(anchor)

    def crossref(self, anchor: Anchor, words: str) -> str:
        """A link, with a page number unless it leads to a figure or table near by."""
        own = anchor.chapter == self.chapter and anchor.kind in {Kind.FIGURE, Kind.TABLE}
        number = f'<span class="page" data-page="{anchor.name}"></span>'
        page = "" if own else f"（第\u00a0{number}\u00a0页）"
        return f'<a class="xref" href="#{anchor.name}">{words or called(anchor)}{page}</a>'

    def link(self, address: str, words: str) -> str:
        """A link whose address is printed: as a note, if it is not its own words."""
        address = html.escape(address)
        if words == address:
            return f'<a class="url" href="{address}">{words}</a>'
        note = f'<span class="footnote"><span class="url">{address}</span></span>'
        return f'<a href="{address}">{words}</a>{note}'

    def citation(self, works: Sequence[CitedWork]) -> str:
        """``[1, 2]``, raised; a place in a work follows its bracket (GB/T 7714—2015, 10.1.3)."""
        runs: list[str] = []
        for is_placed, group in groupby(works, key=lambda work: bool(work.locator)):
            if is_placed:
                runs += (f"[{self._call(work)}]{html.escape(work.locator)}" for work in group)
            else:
                runs.append(f"[{', '.join(map(self._call, group))}]")
        tied = (f'<span class="tie">{run}</span>' for run in runs)
        return f'<sup class="citation">{"".join(tied)}</sup>'

    def _call(self, work: CitedWork) -> str:
        return f'<a href="#{self.work_anchor(work.key)}">{self.work_number(work.key)}</a>'

    def work_number(self, key: str) -> int:
        """The number of a work in this section; a work cited for the first time gets the next."""
        self.works.setdefault(key)
        return list(self.works).index(key) + 1

    def work_anchor(self, key: str) -> str:
        """Where the section lists the work."""
        return f"r-{self.section}-{self.work_number(key)}"

    def gap(self, number: int, hint: str, words: str) -> str:
        """A blank with a mark.

        Gaps are marked in the order of reading: their own numbers, permanent, may have holes.
        """
        del number
        mark = circled(len(self._answers) + 1)
        self._answers.append(Answer(mark, words))
        hint = f'<span class="hint">（{html.escape(hint)}）</span>' if hint else ""
        return f'<span class="gap"><span class="mark">{mark}</span></span>{hint}'

    def take_answers(self) -> list[Answer]:
        """The answers of the gaps written since the last call."""
        answers, self._answers = self._answers, []
        return answers

    def footnote(self, label: str, words: str) -> str:
        """The note itself, at its call: layout takes it to the foot of the page.

        A block inside the paragraph would end it (HTML, 13.2.6.4.7), so blocks become spans. The
        address of a link stands in the note itself, which has no notes of its own.
        """
        del label
        words = _NOTE_IN_NOTE.sub(r"（\1）", words)
        return f'<span class="footnote">{_NOTE_BLOCK.sub(_as_span, words)}</span>'


class TitleTarget(PrintTarget):
    """Markup for a title that is repeated in the contents, without its links and notes."""

    def crossref(self, anchor: Anchor, words: str) -> str:
        """The words alone."""
        return words or called(anchor)

    def link(self, address: str, words: str) -> str:
        """The words alone."""
        del address
        return words

    def citation(self, works: Sequence[CitedWork]) -> str:
        """Nothing."""
        del works
        return ""

    def footnote(self, label: str, words: str) -> str:
        """Nothing."""
        del label, words
        return ""


def set_text(text: str) -> str:
    """Text as XHTML, so that no line begins with a middle dot, a dash or an ellipsis.

    They are tied to the character before them (CLREQ 3.1.6.1, strict), and so are the parts of a
    unit. An apostrophe between letters, whose code is a full-width closing mark's, is Latin.
    """
    runs = _TIED.split(text)
    return "".join(
        f'<span class="{"latin" if run == "’" else "tie"}">{html.escape(run)}</span>'
        if number % 2
        else html.escape(run)
        for number, run in enumerate(runs)
    )


def join_citations(document: str) -> str:
    """Tie raised citations to the words before them: no space, and no line begins with one."""
    return _BEFORE_CITATION.sub(WORD_JOINER, document)


def _as_span(match: re.Match[str]) -> str:
    return "</span>" if match[1] else f'<span class="note-{match[2]}">'


def called(anchor: Anchor) -> str:
    """How print calls a place: ``第 1.3 题``, ``图 2-1``, else by its title."""
    if not anchor.number:
        return html.escape(anchor.title)
    if anchor.kind is Kind.QUESTION:
        return f"第\u00a0{anchor.number}\u00a0题"
    return f"{kind_name(anchor.kind)}\u00a0{anchor.number}"


def _math_image(address: str, words: str, width: float, depth: float) -> str:
    """A picture of a formula on the baseline; lengths in em."""
    style = f"width:{_em(width)}" + (f";vertical-align:{_em(-depth)}" if depth else "")
    return f'<img class="math" src="{address}" alt="{words}" style="{style}"/>'


def _tex(tex: str, width: float) -> str:
    """The TeX of a formula of this width, set so small that it lies over the formula."""
    size = min(width / (_MONO_WIDTH * len(tex)), 1.0)
    return f'<span class="tex" style="font-size:{_em(size)}">{html.escape(tex)}</span>'


def _em(length: float) -> str:
    return f"{length:.4f}".rstrip("0").rstrip(".") + "em"
