"""The EPUB exporters: one for readers that know EPUB 3, one for all the others.

Both hold the same text. ``epub`` sets formulas as MathML, keeps figures as SVG and folds the
answers of self-tests away; ``epub-compat`` does without all three, for Kindle and other readers
that drop them.
"""

from __future__ import annotations

from typing import ClassVar

from generator.exporters import Artifact, Context
from generator.exporters.epub_documents import Flavour, Volume
from generator.exporters.epub_package import pack
from generator.exporters.epub_text import CompatTarget, EpubTarget
from generator.model import Book


class EpubExporter:
    """EPUB 3.3 with MathML."""

    suffix = ".epub"
    summary = "EPUB 3.3 with MathML, for Apple Books, Thorium and other current readers"
    flavour: ClassVar[Flavour] = Flavour(EpubTarget, folds=True)

    def export(self, book: Book, context: Context) -> Artifact:
        """Make the EPUB. ``counts`` are questions and files of text."""
        volume = Volume(book, context, self.flavour)
        data = pack(volume, context, self.suffix)
        questions = sum(1 for _ in book.questions)
        return Artifact(data, {"questions": questions, "files": len(volume.documents)})


class CompatEpubExporter(EpubExporter):
    """EPUB 3.3 without MathML, SVG and folds."""

    suffix = "-compat.epub"
    summary = "EPUB with formulas as pictures, for Kindle, WeRead and older readers"
    flavour = Flavour(CompatTarget, folds=False)
