"""One run of the handbook's benchmark, in a process of its own.

``python -m tests.benchmark.handbook ROOT CACHE linked|whole OUT`` makes the handbook of the book in
ROOT and prints the seconds that it took, from XHTML to bytes, and those of writing the XHTML.
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
from generator.exporters.pdf import FAMILIES, print_manuscript, sheets_of
from generator.exporters.print_markup import Pictures
from generator.exporters.print_paper import PAPERS
from generator.exporters.print_sections import SectionWriter
from generator.exporters.print_workers import Style
from generator.render import Templates
from generator.source import load_book
from generator.typography.fonts import prepare_book_fonts
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
    begin = time.perf_counter()
    paper = PAPERS[context.paper]
    pictures = Pictures(context.formulas, FAMILIES)
    writer = SectionWriter(book, context, paper, pictures)
    manuscript = writer.write()
    written = time.perf_counter()
    if route == "linked":
        data = print_manuscript(book, context, writer, manuscript, pictures).data
    else:
        labels = {mention.anchor: str(number) for number, mention in enumerate(manuscript.mentions)}
        sections = [*manuscript.sections, *writer.write_end(manuscript, labels)]
        style = Style(sheets_of(context, paper), prepare_book_fonts(cache))
        data = make_whole(counted(sections), style, pictures.get)
    end = time.perf_counter()
    print(end - written, written - begin)
    out.write_bytes(data)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], Path(sys.argv[4]))
