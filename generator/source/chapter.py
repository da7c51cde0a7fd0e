"""From a chapter's file to questions: which block of the page belongs to what."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from markdown_it.token import Token

from generator.config import ID_PATTERN
from generator.diagnostics import Diagnostics, Position
from generator.markdown import Attributes
from generator.model import Block, Chapter, Cloze, Question, Role
from generator.source.text import Findings, Library, TextReader
from generator.yaml import Fields, Text, parse_yaml

_QUESTION_LEVEL = 2
_ROLES = {"pitfall": Role.PITFALL, "followup": Role.FOLLOWUP, "cloze": Role.CLOZE}
_LEVELS = ("1", "2", "3")


@dataclass(slots=True)
class Section:
    """The tokens of one question: its heading's, and all until the next one's."""

    heading: Token
    prompt: Token
    body: list[Token] = field(default_factory=list)


@dataclass(slots=True)
class FrontMatter:
    """The YAML at the top of a file, and the text with those lines blanked."""

    title: str
    abstract: Text | None
    body: str


def read_front_matter(
    text: str, path: str, diagnostics: Diagnostics, *, abstract: bool
) -> FrontMatter:
    """Split a file. The body keeps its line numbers."""
    match = re.match(r"---[ \t]*\n(?P<yaml>.*?\n)?---[ \t]*(?:\n|$)", text, re.DOTALL)
    if match is None:
        hint = "Begin the file with “---”, “title: …”, “---”."
        diagnostics.add(
            "front-matter-missing", Position(path), "the file has no front matter", hint
        )
        return FrontMatter("", None, text)
    body = "\n" * match[0].count("\n") + text[match.end() :]
    fields = parse_yaml(match["yaml"] or "", path, diagnostics, first_line=2)
    if not isinstance(fields, Fields):
        if fields is not None:
            diagnostics.add(
                "value-invalid", Position(path, 2), "the front matter must be a mapping"
            )
        return FrontMatter("", None, body)
    title = fields.text("title", required=True)
    words = Text(fields.text("abstract"), fields.at("abstract")) if abstract else None
    fields.finish()
    return FrontMatter(title, words if words and words.text else None, body)


class ChapterReader:
    """Reads one chapter. ``register`` records an id, and reports one that is taken."""

    def __init__(
        self,
        path: str,
        text: str,
        library: Library,
        register: Callable[[str, Position], None],
    ) -> None:
        self.path = path
        self.diagnostics = library.diagnostics
        self.library = library
        self.register = register
        self.matter = read_front_matter(text, path, self.diagnostics, abstract=True)
        self.reader = TextReader(path, self.matter.body, library)

    def read(self, identifier: str, number: int, label: str) -> Chapter:
        """The chapter under its id, number and deck label of book.yaml."""
        findings = Findings()
        abstract = self.matter.abstract
        sections = list(self._sections())
        chapter = Chapter(
            id=identifier,
            number=number,
            title=self.matter.title,
            label=label,
            abstract=read_text(Role.ABSTRACT, abstract, self.library, findings)
            if abstract
            else None,
            questions=tuple(
                self._question(section, index, findings)
                for index, section in enumerate(sections, start=1)
            ),
            citations=tuple(dict.fromkeys(findings.citations)),
            position=Position(self.path),
        )
        self.reader.finish()
        if not chapter.questions:
            self.diagnostics.add(
                "chapter-empty", Position(self.path), "no question in this chapter"
            )
        return chapter

    # -- sections ---------------------------------------------------------------------------------

    def _sections(self) -> Iterator[Section]:
        section: Section | None = None
        tokens = self.reader.tokens
        index = 0
        while index < len(tokens):
            token = tokens[index]
            if (
                token.type == "heading_open"
                and token.level == 0
                and int(token.tag[1]) <= _QUESTION_LEVEL
            ):
                if section:
                    yield section
                section = None
                if int(token.tag[1]) < _QUESTION_LEVEL:
                    hint = "The chapter's title stands in the front matter."
                    self._report("heading-level", token, "a heading of level 1", hint)
                else:
                    section = Section(token, tokens[index + 1])
                index += 3
                continue
            if section:
                section.body.append(token)
            elif token.type == "fault":
                self.reader.block(Role.ANSWER, [token], Findings())
            elif token.level == 0 and token.nesting >= 0:
                hint = "Put it into the abstract, or below a question."
                self._report("text-outside-question", token, "text outside a question", hint)
            index += 1
        if section:
            yield section

    def _report(self, code: str, token: Token, message: str, hint: str = "") -> None:
        self.diagnostics.add(code, self.reader.position(token), message, hint)

    # -- questions --------------------------------------------------------------------------------

    def _question(self, section: Section, number: int, chapter: Findings) -> Question:
        position = self.reader.position(section.heading)
        attributes = self._attributes(section)
        findings = Findings()
        prompt = self.reader.block(Role.PROMPT, [section.prompt], findings)
        if not prompt.plain:
            self.diagnostics.add("answer-empty", position, "the question has no words")
        brief, blocks, clozes = self._body(section, findings)
        chapter.citations += findings.citations
        return Question(
            id=attributes.id,
            number=number,
            level=int(attributes.values.get("level", "0") or 0),
            hot="hot" in attributes.classes,
            was=attributes.values.get("was", ""),
            prompt=prompt,
            brief=brief,
            answer=tuple(block for block in blocks if block.role is Role.ANSWER),
            pitfalls=tuple(block for block in blocks if block.role is Role.PITFALL),
            followups=tuple(block for block in blocks if block.role is Role.FOLLOWUP),
            clozes=clozes,
            citations=tuple(dict.fromkeys(findings.citations)),
            position=position,
        )

    def _attributes(self, section: Section) -> Attributes:
        heading = section.heading
        position = self.reader.position(heading)
        attributes: Attributes | None = heading.meta.get("attributes", Attributes())
        if attributes is None:
            hint = "The form is {#id level=2 .hot}."
            self.diagnostics.add("attribute-invalid", position, "malformed attributes", hint)
            return Attributes()
        if not attributes.id:
            hint = "Write ## Question {#some-id level=2}. The id is permanent: choose it with care."
            self.diagnostics.add("id-missing", position, "a question without an id", hint)
        self._check_id(attributes, position)
        self._check_known(attributes, {"hot"}, {"level", "was"}, position)
        level = attributes.values.get("level", "")
        if level not in _LEVELS:
            hint = "1: everyone must know it; 2: expected of practitioners; 3: depth."
            code = "value-invalid" if level else "level-missing"
            message = f"the level “{level}” is not 1, 2 or 3" if level else "no level"
            self.diagnostics.add(code, position, message, hint)
            values = {**attributes.values, "level": "0"}
            return Attributes(attributes.id, attributes.classes, values)
        return attributes

    def _check_id(self, attributes: Attributes, position: Position) -> None:
        for name in (attributes.id, attributes.values.get("was", "")):
            if name and not re.fullmatch(ID_PATTERN, name):
                hint = "Ids are ASCII, lower-case, with hyphens: kv-cache-size."
                self.diagnostics.add("id-malformed", position, f"the id “{name}”", hint)
        if attributes.id:
            self.register(attributes.id, position)

    def _check_known(
        self, attributes: Attributes, classes: set[str], keys: set[str], position: Position
    ) -> None:
        legal = ", ".join(
            [*(f".{name}" for name in sorted(classes)), *sorted(f"{k}=" for k in keys)]
        )
        unknown = [f".{name}" for name in attributes.classes if name not in classes]
        unknown += [f"{key}=" for key in attributes.values if key not in keys]
        for name in unknown:
            hint = f"Legal here: #id{', ' if legal else ''}{legal}."
            self.diagnostics.add(
                "attribute-invalid", position, f"“{name}” means nothing here", hint
            )

    # -- answers ----------------------------------------------------------------------------------

    def _body(
        self, section: Section, findings: Findings
    ) -> tuple[Block, list[Block], tuple[Cloze, ...]]:
        """The one-sentence answer, the blocks after it, and the clozes."""
        position = self.reader.position(section.heading)
        brief: Block | None = None
        blocks: list[Block] = []
        clozes: list[Cloze] = []
        level = _QUESTION_LEVEL
        for kind, tokens in _runs(section.body):
            if kind == "div":
                self._div(tokens, blocks, clozes, findings)
                continue
            if brief is None and not clozes and not blocks and tokens[0].type == "paragraph_open":
                brief = self.reader.block(Role.BRIEF, tokens[:3], findings)
                tokens = tokens[3:]  # noqa: PLW2901 - the rest of the run
            if tokens:
                level = self._check_headings(tokens, level)
                blocks.append(self.reader.block(Role.ANSWER, tokens, findings))
        if brief is None:
            hint = "Begin it with a paragraph of one sentence: what one would say first."
            message = "the answer does not begin with a paragraph"
            self.diagnostics.add("answer-empty", position, message, hint)
            brief = Block(Role.BRIEF, "", position, "", ())
        return brief, blocks, tuple(clozes)

    def _check_headings(self, tokens: Sequence[Token], above: int) -> int:
        """Check an answer's headings, after one of the level ``above``; the level of the last."""
        for token in tokens:
            if token.type != "heading_open":
                continue
            if token.level:
                self._report("heading-level", token, "a heading inside another block")
            if token.meta.get("attributes", Attributes()) != Attributes():
                message = "a heading inside an answer takes no attributes"
                self._report("attribute-invalid", token, message)
        return self.reader.check_nesting(tokens, above)

    def _div(
        self,
        tokens: Sequence[Token],
        blocks: list[Block],
        clozes: list[Cloze],
        findings: Findings,
    ) -> None:
        opening, inner = tokens[0], tokens[1:-1]
        attributes: Attributes = opening.meta["attributes"]
        name = attributes.classes[0] if attributes.classes else ""
        if name not in _ROLES:
            if name != "?":  # the parser has complained of this one
                hint = f"Known are {', '.join(_ROLES)}."
                self._report("div-unknown", opening, f"a div of the class “{name}”", hint)
            self.reader.block(Role.ANSWER, inner, Findings(), gaps=True)
            return
        for token in inner:
            if token.type == "div_open":
                self._report("div-nested", token, "a div inside another one")
            elif token.type == "heading_open":
                self._report("heading-level", token, "a heading inside a box")
        if name == "cloze":
            clozes.append(self._cloze(opening, inner, attributes, findings))
            return
        position = self.reader.position(opening)
        self._check_known(
            Attributes(attributes.id, attributes.classes[1:], attributes.values),
            set(),
            set(),
            position,
        )
        if attributes.id:
            message = "only questions and clozes have ids"
            self.diagnostics.add("attribute-invalid", position, message)
        if not inner:
            self._report("answer-empty", opening, f"an empty {name}")
            return
        blocks.append(self.reader.block(_ROLES[name], inner, findings))

    def _cloze(
        self, opening: Token, inner: Sequence[Token], attributes: Attributes, findings: Findings
    ) -> Cloze:
        position = self.reader.position(opening)
        if not attributes.id:
            hint = "Write ::: {.cloze #some-id}. The id is permanent."
            self.diagnostics.add("id-missing", position, "a cloze without an id", hint)
        self._check_id(attributes, position)
        self._check_known(attributes, {"cloze"}, {"was"}, position)
        own = Findings()
        block = self.reader.block(Role.CLOZE, inner, own, gaps=True)
        findings.citations += own.citations
        if not own.gaps:
            hint = "Hide a word: [answer]{c=1}."
            self.diagnostics.add("cloze-no-gap", position, "a cloze without a gap", hint)
        return Cloze(
            id=attributes.id,
            block=block,
            gaps=tuple(own.gaps),
            was=attributes.values.get("was", ""),
            position=position,
        )


def _runs(tokens: Sequence[Token]) -> Iterator[tuple[str, list[Token]]]:
    """Split a body into divs and the runs of tokens between them."""
    run: list[Token] = []
    depth = 0
    for token in tokens:
        if token.type == "div_open" and depth == 0 and run:
            yield "text", run
            run = []
        depth += {"div_open": 1, "div_close": -1}.get(token.type, 0)
        run.append(token)
        if token.type == "div_close" and depth == 0:
            yield "div", run
            run = []
    if run:
        yield "text", run


def read_text(role: Role, text: Text, library: Library, findings: Findings) -> Block:
    """Markdown in a YAML value, such as an abstract or a definition.

    Positions are exact where the value begins on its key's line, else they name its first line.
    """
    lines = text.position.line - 1
    source = "\n" * lines + text.text
    reader = TextReader(text.position.path, source, library)
    reader.lines = [" " * (text.position.column - 1) + line for line in source.split("\n")]
    block = reader.block(role, reader.tokens, findings)
    reader.finish()
    return block
