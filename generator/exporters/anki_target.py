"""How math, pictures, links, citations and gaps look on a card."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache

from generator.bibliography import address, author_year
from generator.exporters.anki_text import (
    anki_attribute,
    anki_tex,
    anki_text,
    hide_colons,
    keep_code_points,
)
from generator.formula import Formula, Request
from generator.model import Anchor, Book, Figure, Reference
from generator.render import CitedWork, kind_name

WIDE = 13.0
"""A formula in a sentence that is wider than this, in em, scrolls in itself on a phone: 360 px are
16 em of a list's text, and MathJax enlarges formulas by up to a fifth to match the x-height."""

_SPACE_BEFORE = re.compile(r' (?=<span class="(?:citation|footnote|xref)">)')
# The space comes before its lookbehind, so that the search leaps from space to space.
_SPACE_AFTER = re.compile(r" (?<=[图表）]</span> )")
_HAN = "[\u4e00-\u9fff]"
_SPACE_BEFORE_GAP = re.compile(rf" (?<={_HAN} )(?=\{{\{{c\d+::{_HAN})")
_SPACE_AFTER_GAP = re.compile(
    rf"(\{{\{{c\d+::(?:(?!::|\}}\}}).)*{_HAN}(?:::(?:(?!\}}\}}).)*)?\}}\}}) (?={_HAN})", re.S
)
_FORMULA = re.compile(
    r"[（《“‘「【]*"
    r'<span class="math-inline">[^<]*</span>'
    r"[，。；：、！？）》”’」】…]*"
)
_POINTER = '<span class="xref"></span>'
_POINTED_AT = re.compile(rf"(?<=[见按由入看及]){_POINTER}(?: ?一题)?")
_PARAGRAPH_BREAK = re.compile(r"</p>\s*<p>")


def media_name(figure: Figure) -> str:
    """A figure's file name: in lower case, for AnkiDroid; by content, for nothing is overwritten.

    Without a leading ``_``, so that Anki's media check can clear away what no note shows any more.
    """
    return f"sg-{figure.digest}{figure.suffix}"


def finish_field(markup: str) -> str:
    """The last touch to a field.

    Spaces go that the source has at citations, references and gaps, and Chinese text has not. A
    browser breaks lines between a formula and its punctuation unless both are kept together. A
    link to another question has neither its number nor its title here, but a sentence may need it.
    """
    if _POINTER in markup:
        markup = _POINTED_AT.sub('<span class="xref">另一题</span>', markup).replace(_POINTER, "")
    markup = _SPACE_AFTER.sub("", _SPACE_BEFORE.sub("", markup))
    # Most fields have neither gap nor formula, and to look for one by expression takes long.
    if "{{c" in markup:
        markup = _SPACE_AFTER_GAP.sub(r"\1", _SPACE_BEFORE_GAP.sub("", markup))
    if '"math-inline"' in markup:
        markup = _FORMULA.sub(_keep_together, markup)
    return keep_code_points(markup.strip())


def _keep_together(match: re.Match[str]) -> str:
    formula = match[0]
    if formula.startswith("<") and formula.endswith(">"):
        return formula  # nothing touches it
    return f'<span class="kept">{formula}</span>'


@lru_cache(maxsize=4096)  # many notes cite the same works
def source_entry(reference: Reference) -> str:
    """A work for the list of sources: ``Vaswani 等，2017．Attention is all you need``, linked."""
    # Quotation marks are of full width in Chinese fonts.
    language = "" if re.search(_HAN, reference.title) else ' lang="en"'
    title = f"<cite{language}>{anki_text(reference.title)}</cite>"
    if address(reference):
        title = f'<a href="{anki_attribute(address(reference))}">{title}</a>'
    who = author_year(reference)
    if who.startswith(reference.title):  # a work without authors is cited by its title
        return title + anki_text(who.removeprefix(reference.title))
    return f"{anki_text(who)}．{title}"


class CardTarget:
    """The target of :class:`~generator.render.Writer` for cards; ``media`` gathers their figures.

    Nothing here depends on a note's place in the book, nor on the text of another note.
    """

    def __init__(self, book: Book, formulas: Mapping[Request, Formula]) -> None:
        self.book = book
        self.formulas = formulas
        self.media: dict[str, bytes] = {}

    def text(self, text: str) -> str:
        """Running text, harmless to Anki and MathJax."""
        return anki_text(text)

    def attribute(self, text: str) -> str:
        """The value of an attribute."""
        return anki_attribute(text)

    def math(self, tex: str, *, display: bool) -> str:
        """TeX for Anki's MathJax."""
        if display:
            return rf'<span class="math-display">\[{anki_tex(tex)}\]</span>'
        wide = self.formulas[Request(tex, display=False)].width > WIDE
        return rf'<span class="math-inline{" wide" * wide}">\({anki_tex(tex)}\)</span>'

    def image(self, figure: Figure, alt: str, width: str) -> str:
        """A picture among the deck's media."""
        name = media_name(figure)
        self.media[name] = figure.data
        style = f' style="{self.attribute(f"--width:{width}")}"' if width else ""
        return (
            f'<img src="{name}" alt="{self.attribute(alt)}"'
            f' width="{round(figure.width)}" height="{round(figure.height)}"{style}/>'
        )

    def label(self, _anchor: Anchor) -> str:
        """Nothing: numbers are positional."""
        return ""

    def crossref(self, anchor: Anchor, words: str) -> str:
        """The words alone: a card holds no text of other notes."""
        return f'<span class="xref">{words or kind_name(anchor.kind)}</span>'

    def link(self, address: str, words: str) -> str:
        """A link to the web."""
        return f'<a href="{self.attribute(address)}">{words}</a>'

    def citation(self, works: Sequence[CitedWork]) -> str:
        """Authors and years, linked."""
        return f'<span class="citation">（{"；".join(map(self._cite, works))}）</span>'

    def _cite(self, work: CitedWork) -> str:
        reference = self.book.references[work.key]
        words = self.text(author_year(reference))
        if address(reference):
            words = self.link(address(reference), words)
        return f"{words}，{self.text(work.locator)}" if work.locator else words

    def gap(self, number: int, hint: str, words: str) -> str:
        """None: only clozes have gaps."""
        raise NotImplementedError(f"gap {number} outside a cloze")

    def footnote(self, _label: str, words: str) -> str:
        """The note itself, in brackets."""
        words = words.removeprefix("<p>").removesuffix("</p>")
        return f'<span class="footnote">（注：{_PARAGRAPH_BREAK.sub("<br/>", words)}）</span>'


class ClozeTarget(CardTarget):
    """The same for the field that Anki reads gaps in: there a colon is part of the syntax."""

    def text(self, text: str) -> str:
        """Running text without a bare colon."""
        return hide_colons(super().text(text))

    def attribute(self, text: str) -> str:
        """The value of an attribute without a bare colon."""
        return hide_colons(super().attribute(text))

    def math(self, tex: str, *, display: bool) -> str:
        """TeX without a bare colon."""
        return hide_colons(super().math(tex, display=display))

    def gap(self, number: int, hint: str, words: str) -> str:
        """Anki's syntax for a gap."""
        hint = f"::{self.text(hint)}" if hint else ""
        return f"{{{{c{number}::{words}{hint}}}}}"
