"""Print: the book's faces, and what Chinese pages ask of WeasyPrint beyond CSS."""

from __future__ import annotations


def install() -> bool:
    """Teach WeasyPrint all that this package knows, once.

    False where WeasyPrint is not the version that it was written for: what does not fit is left
    out, and pages are made plainly.
    """
    from generator.typography import breaks, finishing, svg_paths, tags

    fits = [module.install() for module in (finishing, breaks, tags, svg_paths)]
    return all(fits)
