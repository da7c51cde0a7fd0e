r"""Text that an Anki field shows exactly as the author wrote it.

A field is HTML, but others look at it before the HTML parser: the cloze parser (``{{``, ``}}``,
``::``), the sound and LaTeX filters (``[sound:``, ``[$]``, ``[latex]``), the importer, which splits
fields at U+001F and normalises them to NFC. All of them work on the source, so a character
reference hides a character from them and from nobody else. MathJax is the exception: it reads
the parsed text, but never across an element, which is why an empty one parts ``\`` from ``(``.
"""

from __future__ import annotations

import re
import unicodedata

_MARKUP = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "[": "&#91;", "\x1f": "&#31;"}
_TEX = str.maketrans(_MARKUP)
_TEXT = str.maketrans(_MARKUP | {"{": "&#123;", "}": "&#125;"})
_SPECIAL = re.compile(r'[&<>"\[\x1f{}]')
"""What ``_TEXT`` replaces. Most text has none of it, which a search finds out ten times sooner."""

_MATH_DELIMITER = re.compile(r"\\(?=[()\[\]]|\Z)")
"""A backslash at the end counts: what follows the text may begin with a parenthesis."""

_DOUBLE_BRACE = re.compile(r"(?<=\{)(?=\{)|(?<=\})(?=\})")
_COMPOSABLE = re.compile("[^\x00-\x7f\u4e00-\u9fff]")


def anki_text(text: str) -> str:
    """Running text as HTML that Anki and its MathJax leave alone."""
    if "\\" not in text:
        return _escape(text)
    return r"\<span></span>".join(map(_escape, _MATH_DELIMITER.split(text)))


def anki_attribute(text: str) -> str:
    """The value of an attribute, to stand between double quotes."""
    return _escape(text)


def _escape(text: str) -> str:
    return text.translate(_TEXT) if _SPECIAL.search(text) else text


def anki_tex(tex: str) -> str:
    """TeX as HTML. Doubled braces are parted by a space, which means nothing in mathematics.

    A character reference would do for the card, but Anki's editor writes it out as a brace again.
    """
    return _DOUBLE_BRACE.sub(" ", tex).translate(_TEX)


def hide_colons(markup: str) -> str:
    """Markup for a cloze, where ``::`` parts answer and hint, and ``image-occlusion:`` draws."""
    return markup.replace(":", "&#58;")


def keep_code_points(field: str) -> str:
    """A whole field such that normalising it to NFC, as the importer does, changes nothing."""
    if unicodedata.is_normalized("NFC", field):
        return field
    return _COMPOSABLE.sub(lambda match: f"&#{ord(match[0])};", field)
