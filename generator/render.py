"""From parsed text to XHTML, and from templates to documents: what all outputs share.

:class:`Writer` turns the tokens of a block into XHTML. Whatever differs between outputs (math,
pictures, links, citations, gaps, notes) it asks of a :class:`Target`, of which every exporter has
one of its own. Templates get the writer and call it through the macros of ``question.html.j2``.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import jinja2
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup
from pygments.lexer import Lexer
from pygments.lexers import get_lexer_by_name
from pygments.token import STANDARD_TYPES, _TokenType
from pygments.util import ClassNotFound

from generator.diagnostics import BookError, Diagnostic, Position
from generator.markdown import soft_break
from generator.model import Anchor, Block, Book, Figure, Kind

if TYPE_CHECKING:
    from markdown_it.token import Token


@dataclass(frozen=True, slots=True)
class CitedWork:
    """One work of a citation: its key in references.yaml and the place in it, if any."""

    key: str
    locator: str = ""


class Target(Protocol):
    """What differs between outputs. Every method returns XHTML; text arguments come unescaped."""

    def text(self, text: str) -> str:
        """Running text, escaped."""

    def math(self, tex: str, *, display: bool) -> str:
        """A formula."""

    def image(self, figure: Figure, alt: str, width: str) -> str:
        """An ``<img/>``. ``width`` is a CSS length such as ``70%``, or empty."""

    def label(self, anchor: Anchor) -> str:
        """What stands before the caption of a figure or table (图 2-1), or nothing."""

    def crossref(self, anchor: Anchor, words: str) -> str:
        """A link inside the book; ``words`` is XHTML and may be empty."""

    def link(self, address: str, words: str) -> str:
        """A link to an address outside the book; ``words`` is XHTML."""

    def citation(self, works: Sequence[CitedWork]) -> str:
        """A citation of one or more works."""

    def gap(self, number: int, hint: str, words: str) -> str:
        """A gap of a cloze; ``words``, the hidden answer, is XHTML."""

    def footnote(self, label: str, words: str) -> str:
        """A call to a footnote; ``words``, the note, is XHTML of inline or block content."""


class Writer:
    """Writes the tokens of a block as XHTML for one target.

    With ``places``, paragraphs and headings carry ids, the same ones in every output: by them an
    EPUB learns where the handbook's pages begin.
    """

    def __init__(self, book: Book, target: Target, *, places: bool = False) -> None:
        self.book = book
        self.target = target
        self.places = places

    def block(self, block: Block) -> Markup:
        """The block as XHTML: block-level elements, or inline content for a prompt."""
        place = _place(block) if self.places else ""
        return Markup(self._write(block.tokens, place))  # noqa: S704 - every leaf below is escaped

    def blocks(self, blocks: Sequence[Block]) -> Markup:
        """Several blocks, one after the other."""
        return Markup("\n").join(map(self.block, blocks))

    def inline(self, block: Block) -> Markup:
        """The block without the paragraph around it, for places that are a paragraph themselves."""
        tokens = block.tokens
        if len(tokens) == 3 and tokens[0].type == "paragraph_open":
            tokens = tokens[1:2]
        return Markup(self._write(tokens))  # noqa: S704 - every leaf below is escaped

    # -- the walk ---------------------------------------------------------------------------------

    def _write(self, tokens: Sequence[Token], place: str = "") -> str:
        """Write a run of sibling tokens. Containers come as ``x_open`` … ``x_close`` pairs.

        The outermost get ids that begin with ``place``, if there is one.
        """
        out: list[str] = []
        open_containers: list[tuple[Token, list[str]]] = []  # each with what was written before it
        text = self.target.text
        for index, token in enumerate(tokens):
            kind = token.type
            if kind == "text":
                out.append(text(token.content))
            elif kind == "inline":
                out.append(self._write(token.children or ()))
            elif kind == "softbreak":
                out.append(soft_break(tokens, index))
            elif token.nesting == 1:
                open_containers.append((token, out))
                out = []
            elif token.nesting == -1:
                inner = "".join(out)
                opening, out = open_containers.pop()
                name = f"{place}-{index}" if place and not open_containers else ""
                out.append(self._container(opening, inner, name))
            else:
                leaf = self._LEAVES.get(kind)
                if leaf is None:
                    raise NotImplementedError(f"token {kind}")
                out.append(leaf(self, token))
        if open_containers:
            raise ValueError("unbalanced tokens")
        return "".join(out)

    def _container(self, token: Token, inner: str, name: str) -> str:
        special = self._CONTAINERS.get(token.type)
        if special is not None:
            return special(self, token, inner)
        if token.hidden:  # the paragraphs of a tight list
            return inner
        tag, end = token.tag, "\n" if token.block else ""
        identifier = f' id="{name}"' if name else ""
        return f"<{tag}{identifier}>{inner}</{tag}>{end}"

    # -- leaves -----------------------------------------------------------------------------------

    def _code_inline(self, token: Token) -> str:
        return f"<code>{self.target.text(token.content)}</code>"

    def _fence(self, token: Token) -> str:
        language = str(token.meta.get("language", ""))
        lines = highlight(token.content, language)
        attribute = f' data-lang="{html.escape(language)}"' if language else ""
        body = "\n".join(f'<span class="line">{self._code_text(line)}</span>' for line in lines)
        return f'<pre class="highlight"{attribute}><code>{body}</code></pre>\n'

    def _code_text(self, line: Sequence[tuple[str, str]]) -> str:
        return "".join(
            f'<span class="{css}">{self.target.text(text)}</span>'
            if css
            else self.target.text(text)
            for css, text in line
        )

    def _math_inline(self, token: Token) -> str:
        return self.target.math(token.content, display=False)

    def _math_display(self, token: Token) -> str:
        return self.target.math(token.content, display=True)

    def _figure(self, token: Token) -> str:
        image = self._image(token)
        caption = self._write(token.children or ())
        anchor = self.book.anchors.get(token.meta.get("anchor", ""))
        label = self.target.label(anchor) if anchor else ""
        name = f' id="{anchor.name}"' if anchor else ""
        if caption or label:
            caption = f"<figcaption>{_labelled(label, caption)}</figcaption>"
        return f"<figure{name}>{image}{caption}</figure>\n"

    def _image(self, token: Token) -> str:
        figure = self.book.figures[token.meta["path"]]
        return self.target.image(figure, token.meta["alt"], token.meta.get("width", ""))

    def _citation(self, token: Token) -> str:
        return self.target.citation([CitedWork(*work) for work in token.meta["works"]])

    def _footnote(self, token: Token) -> str:
        return self.target.footnote(token.meta["label"], self._write(token.meta["tokens"]).strip())

    _LEAVES: Mapping[str, Callable[[Writer, Token], str]] = {
        "code_inline": _code_inline,
        "fence": _fence,
        "code_block": _fence,
        "math_inline": _math_inline,
        "math_display": _math_display,
        "figure": _figure,
        "image": _image,
        "citation": _citation,
        "footnote_ref": _footnote,
        "hardbreak": lambda _self, _token: "<br/>\n",
        "hr": lambda _self, _token: "<hr/>\n",
    }

    # -- containers -------------------------------------------------------------------------------

    def _link(self, token: Token, inner: str) -> str:
        address = str(token.attrs["href"])
        if address.startswith("#"):
            return self.target.crossref(self.book.anchors[address[1:]], inner)
        return self.target.link(address, inner)

    def _gap(self, token: Token, inner: str) -> str:
        return self.target.gap(token.meta["gap"], token.meta["hint"], inner)

    def _ordered_list(self, token: Token, inner: str) -> str:
        start = token.attrs.get("start", 1)
        attribute = f' start="{start}"' if start != 1 else ""
        return f"<ol{attribute}>\n{inner}</ol>\n"

    def _table(self, token: Token, inner: str) -> str:
        anchor = self.book.anchors.get(token.meta.get("anchor", ""))
        label = self.target.label(anchor) if anchor else ""
        caption = self._write(token.meta.get("caption", ()))
        if caption or label:
            caption = f"<caption>{_labelled(label, caption)}</caption>\n"
        name = f' id="{anchor.name}"' if anchor else ""
        return (
            f'<div class="table"{name}><table class="three-line">{caption}{inner}</table></div>\n'
        )

    def _cell(self, token: Token, inner: str) -> str:
        align = str(token.attrs.get("style", "")).removeprefix("text-align:")
        attributes = ' scope="col"' if token.tag == "th" else ""
        if align:
            attributes += f' class="{align}"'
        return f"<{token.tag}{attributes}>{inner}</{token.tag}>"

    _CONTAINERS: Mapping[str, Callable[[Writer, Token, str], str]] = {
        "link_open": _link,
        "span_open": _gap,
        "ordered_list_open": _ordered_list,
        "table_open": _table,
        "th_open": _cell,
        "td_open": _cell,
    }


PLACE = "p-"
"""What the ids of paragraphs begin with."""


def _place(block: Block) -> str:
    """What the ids of a block's paragraphs begin with: file and line, unique in a book."""
    path = block.position.path.removeprefix("content/").removesuffix(".md")
    return f"{PLACE}{path.replace('/', '-')}-{block.position.line}"


def _labelled(label: str, caption: str) -> str:
    return f'<span class="label">{label}</span>{caption}' if label else caption


# -- code -----------------------------------------------------------------------------------------


@lru_cache(maxsize=1024)
def highlight(code: str, language: str) -> tuple[tuple[tuple[str, str], ...], ...]:
    """Lines of ``(CSS class, text)`` runs. An unknown language is plain text.

    The classes are Pygments' short names, which are stable: a card's content hash rests on them.
    """
    code = code.removesuffix("\n")
    lexer = _lexer(language)
    if lexer is None:
        return tuple((("", line),) if line else () for line in code.split("\n"))
    lines: list[list[tuple[str, str]]] = [[]]
    for kind, value in lexer.get_tokens(code + "\n"):  # without it some lexers refuse the last line
        css = _css_class(kind)
        for number, piece in enumerate(value.split("\n")):
            if number:
                lines.append([])
            if piece:
                lines[-1].append((css, piece))
    return tuple(map(tuple, lines[:-1]))


@lru_cache(maxsize=64)
def _lexer(language: str) -> Lexer | None:
    if not language:
        return None
    try:
        return get_lexer_by_name(language, stripnl=False, ensurenl=False)
    except ClassNotFound:
        return None


@lru_cache(maxsize=1024)
def _css_class(kind: _TokenType) -> str:
    """Pygments' short name; none for plain names, punctuation and white space."""
    while kind not in STANDARD_TYPES and kind.parent is not None:
        kind = kind.parent
    css = STANDARD_TYPES.get(kind, "")
    return "" if css in {"w", "n", "p"} else css


# -- templates ------------------------------------------------------------------------------------


def template_folder() -> Path:
    """The folder of the built-in templates: in the wheel, or beside the package in a checkout."""
    package = Path(__file__).parent
    inside = package / "templates"
    return inside if inside.is_dir() else package.parent / "templates"


class Templates:
    """The templates and style sheets, the book's own (``<root>/templates``) before the built-in.

    They may come from strangers, so they run in Jinja's sandbox.
    """

    def __init__(self, own: Path | None = None) -> None:
        self.folders = [*([own] if own and own.is_dir() else []), template_folder()]
        self._loader = jinja2.FileSystemLoader(self.folders)
        self._environment = ImmutableSandboxedEnvironment(
            loader=self._loader,
            undefined=jinja2.StrictUndefined,
            autoescape=True,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
            auto_reload=False,  # templates do not change during a build
        )

    def render(self, name: str, **variables: object) -> str:
        """Render a template; a fault in it is a :class:`BookError` that names file and line."""
        try:
            return self._environment.get_template(name).render(**variables)
        except jinja2.TemplateError as error:
            raise BookError([self._diagnose(name, error)]) from error

    def call(self, name: str, macro: str, *arguments: object) -> str:
        """Call a macro of a template, which costs less than rendering one; faults as above."""
        try:
            try:
                module = self._environment.get_template(name).module
                return str(self._environment.getattr(module, macro)(*arguments))
            except jinja2.TemplateError:
                self._environment.handle_exception()  # as rendering does: lines of the template
        except jinja2.TemplateError as error:
            raise BookError([self._diagnose(name, error)]) from error

    def source(self, name: str) -> str:
        """The text of a file that is no template, such as a style sheet."""
        try:
            return self._loader.get_source(self._environment, name)[0]
        except jinja2.TemplateError as error:
            raise BookError([self._diagnose(name, error)]) from error

    def _diagnose(self, name: str, error: jinja2.TemplateError) -> Diagnostic:
        line = getattr(error, "lineno", None)
        trace = error.__traceback__
        while trace is not None:  # Jinja rewrites tracebacks to lines of templates
            if trace.tb_frame.f_code.co_filename.endswith((".j2", ".css")):
                line = trace.tb_lineno
                name = Path(trace.tb_frame.f_code.co_filename).name
            trace = trace.tb_next
        return Diagnostic(
            "template-failed",
            Position(f"templates/{name}", line or 1),
            error.message or type(error).__name__,
            "Compare the template with the built-in one of the same name.",
        )


# -- names that outputs share ---------------------------------------------------------------------


def kind_name(kind: Kind) -> str:
    """How Chinese text calls what a link leads to, without its number."""
    return {Kind.FIGURE: "图", Kind.TABLE: "表"}.get(kind, "")
