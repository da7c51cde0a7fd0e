"""One run of the handbook's benchmark, in a process of its own.

``python -m tests.benchmark.handbook ROOT CACHE linked|whole OUT`` makes the handbook of the book in
ROOT and prints the seconds that it took, from checked book to bytes.
"""

from __future__ import annotations

import gc
import os
import sys
import time
from pathlib import Path

from generator.build import MATH_CACHE, typeset_math
from generator.diagnostics import Diagnostics
from generator.exporters import Context
from generator.exporters.pdf import FAMILIES, PdfExporter, sheets_of
from generator.exporters.print_markup import Pictures
from generator.exporters.print_paper import PAPERS
from generator.exporters.print_sections import SectionWriter
from generator.render import Templates
from generator.source import load_book
from tests.whole_book import counted, make_whole

TIMESTAMP = 1_795_305_600


def main(root: Path, cache: Path, route: str, out: Path) -> None:
    """Make the handbook, and print the seconds."""
    gc.set_threshold(50_000, 20, 50)  # as the command line does
    book = load_book(root)
    diagnostics = Diagnostics()
    context = Context(
        formulas=typeset_math(book, cache / MATH_CACHE, diagnostics),
        templates=Templates(),
        cache=cache,
        timestamp=TIMESTAMP,
        paper="A5",
        jobs=os.cpu_count() or 1,
    )
    diagnostics.raise_errors()
    if route == "linked":
        begin = time.perf_counter()
        data = PdfExporter().export(book, context).data
    else:
        pictures = Pictures(context.formulas, FAMILIES)
        paper = PAPERS[context.paper]
        writer = SectionWriter(book, context, paper, pictures)
        manuscript = writer.write()
        labels = {mention.anchor: str(number) for number, mention in enumerate(manuscript.mentions)}
        sections = [*manuscript.sections, *writer.write_end(manuscript, labels)]
        markup = counted(sections)
        begin = time.perf_counter()
        from generator.exporters.print_workers import Style
        from generator.typography.fonts import prepare_book_fonts

        style = Style(sheets_of(context, paper), prepare_book_fonts(cache))
        data = make_whole(markup, style, pictures.get)
    print(time.perf_counter() - begin)
    out.write_bytes(data)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], Path(sys.argv[4]))
