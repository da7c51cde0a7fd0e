"""The Markdown dialect: Pandoc's conventions on CommonMark, made in one factory.

See docs/format.md for what an author may write. Every rule of the dialect is either Pandoc's or
a relaxation that Pandoc shares; tests hold the book's chapters against Pandoc itself.
"""

from __future__ import annotations

from functools import lru_cache

from markdown_it import MarkdownIt
from markdown_it.token import Token
from mdit_py_plugins.deflist import deflist_plugin
from mdit_py_plugins.footnote import footnote_plugin

from generator.markdown import blocks, inline
from generator.markdown.attributes import Attributes, parse_attributes
from generator.markdown.blocks import MAX_PARAGRAPH
from generator.markdown.plain import plain, plain_tex, soft_break

__all__ = [
    "MAX_NESTING",
    "MAX_PARAGRAPH",
    "Attributes",
    "parse",
    "parse_attributes",
    "plain",
    "plain_tex",
    "soft_break",
]

MAX_NESTING = 24
"""Deeper levels of blocks or spans are refused; markdown-it would drop them silently."""


@lru_cache(maxsize=1)
def _parser() -> MarkdownIt:
    md = MarkdownIt("commonmark", {"maxNesting": MAX_NESTING, "html": True})
    md.enable(["table", "strikethrough"])
    md.use(deflist_plugin)
    md.use(footnote_plugin, inline=False, move_to_end=False, always_match_refs=True)
    inline.install(md)
    blocks.install(md)
    # Addresses are judged by the reader, which can say where they stand; markdown-it would turn
    # a link that it does not like into text.
    md.validateLink = _accept  # type: ignore[method-assign]
    md.normalizeLink = _keep  # type: ignore[method-assign]
    return md


def _accept(url: str) -> bool:  # noqa: ARG001 - markdown-it calls it by this name
    return True


def _keep(url: str) -> str:
    return url


def parse(text: str) -> list[Token]:
    """Parse a text. Raw HTML and faults come as tokens of their own, for the reader to report."""
    return _parser().parse(text)
