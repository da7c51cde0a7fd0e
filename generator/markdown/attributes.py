"""Pandoc's attributes: ``{#id .class key=value key="some value"}``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

_ITEM = re.compile(
    r"""\s*(?:
        \#(?P<id>[^\s{}#="]+)
      | \.(?P<cls>[^\s{}#.="]+)
      | (?P<key>[A-Za-z_][\w:-]*)=(?:"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<bare>[^\s{}"]+))
    )(?=[\s}])""",
    re.VERBOSE,
)
_END = re.compile(r"\s*\}")


@dataclass(frozen=True, slots=True)
class Attributes:
    """An id (or ``""``), classes, and key-value pairs."""

    id: str = ""
    classes: tuple[str, ...] = ()
    values: Mapping[str, str] = field(default_factory=dict)


def parse_attributes(text: str, start: int = 0) -> tuple[Attributes, int] | None:
    """Parse the attributes that begin at the brace ``text[start]``.

    Returns them and the offset after the closing brace, or ``None`` if they are malformed: no
    closing brace, two ids, a key twice, anything that is none of the three forms.
    """
    if not text.startswith("{", start):
        return None
    identifier, classes, values = "", [], {}
    position = start + 1
    while not (end := _END.match(text, position)):
        item = _ITEM.match(text, position)
        if item is None:
            return None
        if item["id"]:
            if identifier:
                return None
            identifier = item["id"]
        elif item["cls"]:
            classes.append(item["cls"])
        elif item["key"] in values:
            return None
        else:
            quoted, bare = item["quoted"], item["bare"]
            values[item["key"]] = bare if quoted is None else re.sub(r"\\(.)", r"\1", quoted)
        position = item.end()
    return Attributes(identifier, tuple(classes), values), end.end()
