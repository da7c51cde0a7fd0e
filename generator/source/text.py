"""From parsed tokens to checked tokens: positions, links, citations, figures, notes, faults.

One :class:`TextReader` reads one Markdown file. It walks every token once, records a diagnostic
for whatever is wrong, and hands the tokens on in the form that writers expect: footnote calls
hold their notes, pictures their paths, gaps their numbers.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from operator import attrgetter

from markdown_it.token import Token

from generator.config import ID_PATTERN
from generator.diagnostics import Diagnostics, Position
from generator.markdown import MAX_NESTING, MAX_PARAGRAPH, Attributes, parse, plain
from generator.model import Block, Figure, Gap, Role
from generator.source.compact import compact
from generator.source.figures import read_figure
from generator.source.files import BookFiles

_MAX_GAP_NUMBER = 500
"""Anki's limit on cloze numbers (rslib/src/cloze.rs)."""

_CHECKED = frozenset(
    [
        "citation",
        "fault",
        "footnote_ref",
        "html_inline",
        "image",
        "link_open",
        "math_display",
        "math_inline",
        "span_open",
    ]
)
"""Inline tokens that can be wrong. The others need no position, and there are many of them."""

_ADDRESS = re.compile(r"(https?://[^\s/]|mailto:[^\s@]+@)", re.IGNORECASE)
_WIDTH = re.compile(r"(\d{1,3}(\.\d+)?)%")
_level = attrgetter("level")


@dataclass(slots=True)
class Library:
    """What the texts of a book have found so far, for the whole book: pictures and links."""

    files: BookFiles
    diagnostics: Diagnostics
    references: frozenset[str]
    figures: dict[str, Figure | None] = field(default_factory=dict)
    links: list[tuple[str, Position]] = field(default_factory=list)

    def figure(self, path: str, mentioned: Position) -> Figure | None:
        """The picture at ``path``, read and checked at its first mention."""
        if path not in self.figures:
            data = self.files.read_bytes(path, mentioned, "figure-missing")
            self.figures[path] = (
                None if data is None else read_figure(path, data, mentioned, self.diagnostics)
            )
        return self.figures[path]


@dataclass(slots=True)
class Findings:
    """What a block holds beside its words."""

    citations: list[str] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)


class TextReader:
    """Reads the Markdown of one file."""

    def __init__(self, path: str, source: str, library: Library) -> None:
        self.path = path
        self.library = library
        self.diagnostics = library.diagnostics
        self.lines = source.split("\n")
        tokens = parse(source)
        self._check_nesting(tokens)
        self._notes: dict[str, list[Token]] = {}
        self._note_places: dict[str, int] = {}
        self._notes_used: set[str] = set()
        self.tokens = self._take_notes(tokens)
        self._cursor: dict[int, int] = {}
        self._in_note = False

    # -- blocks -----------------------------------------------------------------------------------

    def block(
        self, role: Role, tokens: Sequence[Token], findings: Findings, *, gaps: bool = False
    ) -> Block:
        """Check tokens and make them a block. Citations and gaps are added to ``findings``.

        Where ``gaps`` is false, a gap is an error.
        """
        self._check(tokens, findings, gaps=gaps)
        first, last = _line_range(tokens)
        words = plain(tokens)
        return Block(
            role=role,
            text="\n".join(self.lines[first:last]),
            position=Position(self.path, first + 1, _indent(self.lines, first) + 1),
            plain=words,
            tokens=compact(tokens),
        )

    def check_nesting(self, tokens: Sequence[Token], above: int) -> int:
        """Check that headings nest without a gap; the level of the last one.

        ``above`` is that of the heading before them. Screen readers need it, and so does PDF/UA
        (ISO 14289-1, 7.4.2).
        """
        for token in tokens:
            if token.type == "heading_open":
                level = int(token.tag[1])
                if level > above + 1:
                    message = f"a heading of level {level} below one of level {above}"
                    hint = f"Begin it with {'#' * (above + 1)}."
                    self.diagnostics.add("heading-level", self.position(token), message, hint)
                above = level
        return above

    def finish(self) -> None:
        """Report the notes that nobody called."""
        for label, line in self._note_places.items():
            if label not in self._notes_used:
                position = Position(self.path, line + 1)
                self.diagnostics.add("footnote-unused", position, f"nobody refers to [^{label}]")

    # -- positions --------------------------------------------------------------------------------

    def position(self, token: Token) -> Position:
        """Where a block token begins."""
        line = token.map[0] if token.map else 0
        column = token.meta.get("column", _indent(self.lines, line))
        return Position(self.path, line + 1, column + 1)

    def inline_position(self, inline: Token, offset: int) -> Position:
        """Where a character of an inline token's content stands in the file."""
        if not inline.map:
            return Position(self.path)
        before = inline.content[:offset]
        number = before.count("\n")
        line = min(inline.map[0] + number, len(self.lines) - 1)
        content = inline.content.split("\n")[number]
        start = inline.meta.get("column", 0) if number == 0 else 0
        column = self.lines[line].find(content, start)
        if column < 0:
            column = _indent(self.lines, line)
        return Position(self.path, line + 1, column + offset - (before.rfind("\n") + 1) + 1)

    def _place_cells(self, tokens: Sequence[Token]) -> None:
        """Note the column of every cell of a table, since equal cells share a line."""
        for inline in tokens:
            if inline.type == "inline" and inline.map and inline.content:
                line = inline.map[0]
                first = inline.content.split("\n")[0]
                column = self.lines[line].find(first, self._cursor.get(line, 0))
                if column >= 0:
                    inline.meta["column"] = column
                    self._cursor[line] = column + len(first)

    # -- the walk ---------------------------------------------------------------------------------

    def _check(self, tokens: Sequence[Token], findings: Findings, *, gaps: bool) -> None:
        self._place_cells(tokens)
        for token in tokens:
            self._check_block_token(token, findings, gaps=gaps)

    def _check_block_token(self, token: Token, findings: Findings, *, gaps: bool) -> None:
        kind = token.type
        if kind == "inline":
            self._check_inline(token, findings, gaps=gaps)
        elif kind == "html_block":
            self._report_html(self.position(token), token.content)
        elif kind == "fault":
            self._report_fault(token, self.position(token))
        elif kind == "math_display":
            token.meta["position"] = self.position(token)
        elif kind == "figure":
            inline = token.meta.pop("inline")
            offset = token.meta["offset"]
            self._check_picture(token, self.inline_position(inline, offset))
            caption = offset + len("![")
            self._check_children(inline, token.children or [], findings, gaps=gaps, base=caption)
        elif kind == "table_open":
            self._check_identifier(token, "tbl-")
            for caption in token.meta.get("caption", ()):
                self._check_inline(caption, findings, gaps=gaps)
        elif kind == "fence" and not token.meta["closed"]:
            message = "this code block is never closed"
            self.diagnostics.add("code-unclosed", self.position(token), message)

    def _check_inline(self, inline: Token, findings: Findings, *, gaps: bool) -> None:
        if "length" in inline.meta:
            message = f"{inline.meta['length']:,} characters; the limit is {MAX_PARAGRAPH:,}"
            position = self.inline_position(inline, 0)
            self.diagnostics.add("paragraph-too-long", position, message)
            return
        self._check_children(inline, inline.children or [], findings, gaps=gaps)

    def _check_children(
        self,
        inline: Token,
        children: Sequence[Token],
        findings: Findings,
        *,
        gaps: bool,
        base: int = 0,
    ) -> None:
        """Check inline tokens, whose offsets count from ``base`` in the inline content."""
        for index, token in enumerate(children):
            kind = token.type
            if kind not in _CHECKED:
                continue
            position = self.inline_position(inline, base + token.meta.get("offset", 0))
            if kind in {"math_inline", "math_display"}:
                token.meta["position"] = position
            if kind == "math_display":
                hint = "Put it on lines of its own, with empty lines around."
                self.diagnostics.add(
                    "math-misplaced", position, "display math inside a paragraph", hint
                )
            elif kind == "citation":
                self._check_citation(token, position, findings)
            elif kind == "span_open":
                self._check_gap(token, children[index + 1], position, findings, gaps=gaps)
            elif kind == "link_open":
                self._check_link(token, children[index + 1], position)
            elif kind == "image":
                self._check_picture(token, position)
                alt = base + token.meta["offset"] + len("![")
                self._check_children(inline, token.children or [], findings, gaps=gaps, base=alt)
            elif kind == "footnote_ref":
                self._check_note(token, position, findings)
            elif kind == "html_inline":
                self._report_html(position, token.content)
            elif kind == "fault":
                self._report_fault(token, position)

    # -- what can be wrong ------------------------------------------------------------------------

    def _report_fault(self, token: Token, position: Position) -> None:
        meta = token.meta
        self.diagnostics.add(meta["code"], position, meta["message"], meta["hint"])

    def _report_html(self, position: Position, content: str) -> None:
        tag = content.strip().split("\n")[0][:40]
        hint = "Write \\< for the character, or put the tag in backticks."
        self.diagnostics.add("raw-html", position, f"raw HTML: {tag}", hint)

    def _check_citation(self, token: Token, position: Position, findings: Findings) -> None:
        for key, _locator in token.meta["works"]:
            if key not in self.library.references:
                message = f"references.yaml has no “{key}”"
                self.diagnostics.add("citation-unknown", position, message)
            findings.citations.append(key)

    def _check_gap(
        self, token: Token, first: Token, position: Position, findings: Findings, *, gaps: bool
    ) -> None:
        attributes: Attributes | None = token.meta["attributes"]
        token.meta["gap"], token.meta["hint"] = 0, ""
        if attributes is None:  # the parser has complained
            findings.gaps.append(Gap(0, "", position))
            return
        token.meta["hint"] = attributes.values.get("hint", "")
        unknown = [*attributes.classes, *(attributes.values.keys() - {"c", "hint"})]
        if attributes.id or unknown:
            name = attributes.id or unknown[0]
            hint = "A gap takes c=NUMBER and hint=WORDS."
            self.diagnostics.add(
                "attribute-invalid", position, f"“{name}” means nothing here", hint
            )
        if not gaps:
            hint = "Gaps stand in a div ::: {.cloze #id}."
            self.diagnostics.add("gap-outside-cloze", position, "a gap outside a cloze", hint)
            return
        number = attributes.values.get("c", "")
        if not re.fullmatch(r"[1-9]\d{0,2}", number) or int(number) > _MAX_GAP_NUMBER:
            message = f"the gap's number is “{number}”" if number else "the gap has no number"
            hint = f"Write [answer]{{c=1}}, with a number from 1 to {_MAX_GAP_NUMBER}."
            self.diagnostics.add("cloze-number", position, message, hint)
            number = "0"
        if first.type == "span_close":
            self.diagnostics.add("gap-empty", position, "the gap hides nothing")
        token.meta["gap"] = int(number)
        findings.gaps.append(Gap(int(number), token.meta["hint"], position))

    def _check_link(self, token: Token, first: Token, position: Position) -> None:
        address = str(token.attrs.get("href", ""))
        if address.startswith("#"):
            self.library.links.append((address[1:], position))
        elif not _ADDRESS.match(address):
            hint = "Links lead to https:, http: or mailto: addresses, or to #ids of the book."
            self.diagnostics.add(
                "address-forbidden", position, f"the address “{address[:60]}”", hint
            )
        elif first.type == "link_close":
            self.diagnostics.add("link-empty", position, f"the link to {address[:60]} has no text")

    def _check_picture(self, token: Token, position: Position) -> None:
        source = str(token.attrs.get("src", ""))
        attributes: Attributes = token.meta.get("attributes", Attributes())
        self._check_identifier(token, "fig-", position)
        alt = attributes.values.get("alt", "") or plain(token.children or ())
        token.meta["alt"], token.meta["width"] = alt, self._width(attributes, position)
        if not alt:
            hint = "Describe it: ![description](path)."
            self.diagnostics.add("figure-alt-missing", position, "no description", hint)
        if re.match(r"[A-Za-z][A-Za-z0-9+.-]*:|//", source):
            hint = "Figures are files of the book."
            self.diagnostics.add("address-forbidden", position, f"the figure “{source[:60]}”", hint)
            return
        path = posixpath.normpath(posixpath.join(posixpath.dirname(self.path), source))
        token.meta["path"] = path
        self.library.figure(path, position)

    def _width(self, attributes: Attributes, position: Position) -> str:
        for key in attributes.values.keys() - {"alt", "width"}:
            message = f"a figure takes no “{key}”"
            self.diagnostics.add("attribute-invalid", position, message, "It takes alt and width.")
        width = attributes.values.get("width", "")
        if width and not ((match := _WIDTH.fullmatch(width)) and 0 < float(match[1]) <= 100):
            hint = "Give it in per cent of the text's width."
            self.diagnostics.add("attribute-invalid", position, f"the width “{width}”", hint)
            return ""
        return width

    def _check_identifier(
        self, token: Token, prefix: str, position: Position | None = None
    ) -> None:
        """The id of a figure or table, which carries its kind: ``fig-…``, ``tbl-…``."""
        attributes: Attributes = token.meta.get("attributes") or Attributes()
        position = position or self.position(token)
        token.meta["id"], token.meta["position"] = attributes.id, position
        if attributes.id and not re.fullmatch(prefix + ID_PATTERN, attributes.id):
            hint = f"Ids of this kind look like {prefix}some-name."
            self.diagnostics.add("id-malformed", position, f"the id “{attributes.id}”", hint)

    # -- notes ------------------------------------------------------------------------------------

    def _take_notes(self, tokens: Sequence[Token]) -> list[Token]:
        """Take the definitions of footnotes out of the stream."""
        kept: list[Token] = []
        label = None
        for token in tokens:
            if token.type == "footnote_reference_open":
                label = str(token.meta["label"])
                self._notes[label] = []
                self._note_places[label] = token.map[0] if token.map else 0
            elif token.type == "footnote_reference_close":
                label = None
            elif label is None:
                kept.append(token)
            else:
                self._notes[label].append(token)
        return kept

    def _check_note(self, token: Token, position: Position, findings: Findings) -> None:
        if self._in_note:
            self.diagnostics.add("footnote-nested", position, "a footnote inside a footnote")
            token.meta["tokens"] = []
            return
        label = token.meta.get("label", "")
        if label and label not in self._notes:
            hint = f"Define it: [^{label}]: …"
            self.diagnostics.add("footnote-unknown", position, f"[^{label}] is not defined", hint)
        self._notes_used.add(label)
        tokens = self._notes.get(label, [])
        token.meta["label"], token.meta["tokens"] = label, tokens
        self._in_note = True
        self._check(tokens, findings, gaps=False)
        self._in_note = False

    # -- limits -----------------------------------------------------------------------------------

    def _check_nesting(self, tokens: Sequence[Token]) -> None:
        for token in tokens:
            deepest = max(map(_level, token.children or ()), default=0)
            if max(token.level, deepest) >= MAX_NESTING - 1:
                message = f"nested more than {MAX_NESTING - 2} levels deep"
                self.diagnostics.add("nesting-too-deep", self.position(token), message)
                return


def _indent(lines: Sequence[str], line: int) -> int:
    text = lines[line] if line < len(lines) else ""
    return len(text) - len(text.lstrip())


def _line_range(tokens: Sequence[Token]) -> tuple[int, int]:
    maps = [token.map for token in tokens if token.map]
    if not maps:
        return 0, 0
    return min(first for first, _ in maps), max(last for _, last in maps)


def walk(tokens: Sequence[Token]) -> Iterator[Token]:
    """Every token in reading order: children, captions and notes included."""
    for token in tokens:
        yield token
        if token.children:
            yield from walk(token.children)
        if token.meta:
            yield from walk(token.meta.get("caption", ()))
            if token.type == "footnote_ref":
                yield from walk(token.meta.get("tokens", ()))
