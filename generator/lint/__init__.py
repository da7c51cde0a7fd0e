"""Lints for books in Chinese: what no reader should see, though it would build.

They run behind ``studyguide check``, and stop no build. book.yaml excuses what is meant, with a
reason (``exemptions``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from generator.diagnostics import Diagnostic
from generator.lint.answers import lint_brief, lint_duplicates, lint_numbers, lint_references
from generator.lint.findings import Finding, unexcused
from generator.lint.marks import lint_marks
from generator.lint.prose import Passage, passages
from generator.lint.words import Vocabulary
from generator.model import Block, Book, Chapter

__all__ = ["lint_book"]


def lint_book(book: Book) -> Iterator[Diagnostic]:
    """Everything that the lints find in a book in Chinese and that it does not excuse."""
    findings = _findings(book) if book.language.startswith("zh") else ()
    yield from unexcused(findings, book.exemptions)


def _findings(book: Book) -> Iterator[Finding]:
    vocabulary = Vocabulary(book.terms)
    for chapter in book.chapters:
        found = list(_passages(_blocks(chapter)))
        yield from _lint_text(found, vocabulary)
        words = (passage for passage in found if passage.block is not chapter.abstract)
        yield from vocabulary.lint_abbreviations(words)
        for question in chapter.questions:
            yield from lint_brief(question)
            yield from lint_numbers(question)
    others = [page.block for page in (*book.front, *book.back)]
    others += [term.definition for term in book.terms]
    yield from _lint_text(_passages(others), vocabulary)
    yield from lint_references(book)
    yield from lint_duplicates(list(book.questions))


def _lint_text(found: Iterable[Passage], vocabulary: Vocabulary) -> Iterator[Finding]:
    for passage in found:
        yield from lint_marks(passage)
        yield from vocabulary.lint_terms(passage)


def _passages(blocks: Iterable[Block]) -> Iterator[Passage]:
    return (passage for block in blocks for passage in passages(block))


def _blocks(chapter: Chapter) -> Iterator[Block]:
    """The chapter's blocks as they stand on its pages."""
    if chapter.abstract:
        yield chapter.abstract
    for question in chapter.questions:
        yield from sorted(question.blocks, key=lambda block: block.position)
