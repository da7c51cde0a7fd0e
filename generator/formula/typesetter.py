"""From requests to formulas: cache first, MathJax for the rest."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from generator.formula.cache import Cache
from generator.formula.engine import Engine, Refusal
from generator.formula.markup import MarkupError, finish_mathml, finish_svg
from generator.formula.values import Failure, Formula, Request

LONGEST_TEX: Final = 20_000
"""Characters of TeX; the longest formula of a textbook has about a thousand."""

LARGEST_SVG: Final = 2_000_000
"""Characters of MathJax's SVG: macros can blow a short formula up to a book."""

# Not allowed in XML 1.0 (section 2.2), lone surrogates included.
_NOT_XML: Final = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class Typesetter:
    """Typesets formulas and remembers them.

    MathJax and V8 are loaded at the first formula that the cache does not hold. An instance belongs
    to one thread; several processes may share a cache file. Close it before forking.

    Args:
        cache: an SQLite file, made with its folder when missing and made anew when damaged;
            None keeps nothing.
    """

    def __init__(self, cache: Path | None = None) -> None:
        self._cache = None if cache is None else Cache(cache)
        self._engine = Engine()

    def typeset(self, requests: Iterable[Request]) -> dict[Request, Formula | Failure]:
        """Typeset formulas, each independent of the others.

        Returns:
            A result for every distinct request, in the order of their first appearance.

        Raises:
            MathJaxUnavailable: a formula is not in the cache, and MathJax or V8 is not installed.
        """
        wanted = list(dict.fromkeys(requests))
        results: dict[Request, Formula | Failure] = {}
        known: dict[Request, Formula] = {}
        fresh: dict[Request, Formula] = {}
        if self._cache is not None and wanted:
            known = self._cache.read(wanted)
        for request in wanted:
            result = known.get(request) or self._convert(request)
            results[request] = result
            if isinstance(result, Formula) and request not in known:
                fresh[request] = result
        if self._cache is not None and fresh:
            self._cache.write(fresh)
        return results

    def close(self) -> None:
        """Release V8 and the cache file. The typesetter may be used again; it starts them anew."""
        self._engine.close()
        if self._cache is not None:
            self._cache.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _convert(self, request: Request) -> Formula | Failure:
        if reason := _objection(request.tex):
            return Failure(reason)
        try:
            raw = self._engine.convert(request)
            if len(raw.svg) > LARGEST_SVG:
                return Failure(f"The formula is too large: {len(raw.svg):,} characters of SVG")
            drawing = finish_svg(raw.svg)
            mathml = finish_mathml(raw.mathml, request.tex)
        except (Refusal, MarkupError) as error:
            return Failure(str(error))
        return Formula(
            tex=request.tex,
            display=request.display,
            svg=drawing.svg,
            mathml=mathml,
            width=drawing.width,
            height=drawing.height,
            depth=drawing.depth,
            breaks=drawing.breaks,
        )


def _objection(tex: str) -> str | None:
    """Why the TeX need not even be tried, or None."""
    if not tex.strip():
        return "The formula is empty"
    if len(tex) > LONGEST_TEX:
        return f"The formula has {len(tex):,} characters; at most {LONGEST_TEX:,} are allowed"
    if stray := _NOT_XML.search(tex):
        return f"The formula contains the control character U+{ord(stray[0]):04X}"
    return None
