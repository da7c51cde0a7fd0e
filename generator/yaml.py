"""YAML with positions: scalars stay text, every value knows its place, nothing surprises.

Anchors and aliases, duplicate keys and deep nesting are refused. Tags are not interpreted: ``1.10``
stays ``1.10`` and ``no`` stays ``no``; whoever needs a number asks for one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

import yaml

from generator.diagnostics import Diagnostics, Position

_MAX_DEPTH = 12
_Loader: type[yaml.CSafeLoader] | type[yaml.SafeLoader] = getattr(
    yaml, "CSafeLoader", yaml.SafeLoader
)


@dataclass(frozen=True, slots=True)
class Text:
    """A scalar, as it was written; an absent one is ``""``."""

    text: str
    position: Position


@dataclass(frozen=True, slots=True)
class Items:
    """A sequence."""

    values: tuple[Value, ...]
    position: Position


@dataclass(slots=True)
class Fields:
    """A mapping whose keys are taken one by one; :meth:`finish` refuses those nobody took."""

    values: dict[str, Value]
    keys: dict[str, Position]
    position: Position
    diagnostics: Diagnostics
    _taken: list[str] = field(default_factory=list)

    def text(self, key: str, *, required: bool = False, default: str = "") -> str:
        """A scalar; ``default`` where it is absent or empty."""
        value = self._take(key, required=required)
        if value is None:
            return default
        if not isinstance(value, Text):
            self._wrong(value.position, key, "a single value")
            return default
        if not value.text and required:
            self._wrong(value.position, key, "not empty")
        return value.text or default

    def matching(self, key: str, pattern: str, expected: str, *, required: bool = False) -> str:
        """A scalar that matches a regular expression as a whole, or ``""``."""
        text = self.text(key, required=required)
        if text and not re.fullmatch(pattern, text):
            self._wrong(self.at(key), key, expected)
            return ""
        return text

    def choice(self, key: str, choices: tuple[str, ...], default: str) -> str:
        """A scalar that is one of ``choices``."""
        text = self.text(key, default=default)
        if text not in choices:
            self._wrong(self.at(key), key, f"one of {', '.join(choices)}")
            return default
        return text

    def texts(self, key: str) -> tuple[Text, ...]:
        """A sequence of scalars; empty where it is absent."""
        return self._only(Text, key, self._items(key), "text")

    def mapping(self, key: str) -> Fields:
        """A mapping; an empty one where it is absent."""
        value = self._take(key)
        if isinstance(value, Fields):
            return value
        if value is not None and not (isinstance(value, Text) and not value.text):
            self._wrong(value.position, key, "a mapping")
        return Fields({}, {}, self.position, self.diagnostics)

    def mappings(self, key: str, *, required: bool = False) -> tuple[Fields, ...]:
        """A sequence of mappings; empty where it is absent."""
        return self._only(Fields, key, self._items(key, required=required), "a mapping")

    def at(self, key: str) -> Position:
        """Where the value of ``key`` stands, or the mapping itself."""
        value = self.values.get(key)
        return value.position if value is not None else self.position

    def finish(self) -> None:
        """Refuse the keys that were not asked for, and list the legal ones."""
        for key, position in self.keys.items():
            if key not in self._taken:
                self.diagnostics.add(
                    "key-unknown",
                    position,
                    f"unknown key “{key}”",
                    f"Legal keys here: {', '.join(dict.fromkeys(self._taken))}.",
                )

    def _take(self, key: str, *, required: bool = False) -> Value | None:
        self._taken.append(key)
        value = self.values.get(key)
        if value is None and required:
            self.diagnostics.add("key-missing", self.position, f"the key “{key}” is missing")
        return value

    def _items(self, key: str, *, required: bool = False) -> tuple[Value, ...]:
        value = self._take(key, required=required)
        if value is None or (not required and isinstance(value, Text) and not value.text):
            return ()
        if not isinstance(value, Items) or (required and not value.values):
            self._wrong(value.position, key, "a list that is not empty" if required else "a list")
            return ()
        return value.values

    def _only(
        self, kind: type[_V], key: str, values: Sequence[Value], expected: str
    ) -> tuple[_V, ...]:
        for value in values:
            if not isinstance(value, kind):
                self._wrong(value.position, key, f"a list of which every item is {expected}")
        return tuple(value for value in values if isinstance(value, kind))

    def _wrong(self, position: Position, key: str, expected: str) -> None:
        self.diagnostics.add("value-invalid", position, f"“{key}” must be {expected}")


Value = Text | Items | Fields
"""A parsed YAML value."""

_V = TypeVar("_V", Text, Fields)


class Mark(Protocol):
    """A place in a YAML text; line and column count from 0."""

    line: int
    column: int


def parse_yaml(text: str, path: str, diagnostics: Diagnostics, first_line: int = 1) -> Value | None:
    """Parse one YAML document; ``None`` after a fault, which is recorded.

    ``first_line`` is the line of ``path`` on which ``text`` begins.
    """

    def position(mark: Mark | None) -> Position:
        if mark is None:
            return Position(path, first_line)
        return Position(path, mark.line + first_line, mark.column + 1)

    try:
        if not _is_safe(text, position, diagnostics):
            return None
        node = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        message = error.problem or "not YAML"
        diagnostics.add("yaml-syntax", position(error.problem_mark), message, error.context or "")
        return None
    except yaml.YAMLError as error:  # a reader error: a character that YAML forbids
        diagnostics.add("yaml-syntax", Position(path, first_line), str(error).split("\n")[0])
        return None
    if node is None:
        return Text("", Position(path, first_line))
    return _value(node, position, diagnostics)


def _is_safe(
    text: str, position: Callable[[Mark | None], Position], diagnostics: Diagnostics
) -> bool:
    """Whether the events hold no alias and no deep nesting: composing them is then harmless."""
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            diagnostics.add(
                "yaml-alias",
                position(event.start_mark),
                "anchors and aliases are not allowed",
                "Write the value out.",
            )
            return False
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > _MAX_DEPTH:
            message = f"nested more than {_MAX_DEPTH} levels deep"
            diagnostics.add("yaml-depth", position(event.start_mark), message)
            return False
    return True


def _value(
    node: yaml.Node, position: Callable[[Mark | None], Position], diagnostics: Diagnostics
) -> Value:
    place = position(node.start_mark)
    if isinstance(node, yaml.SequenceNode):
        return Items(tuple(_value(item, position, diagnostics) for item in node.value), place)
    if isinstance(node, yaml.MappingNode):
        values: dict[str, Value] = {}
        keys: dict[str, Position] = {}
        for key, key_place, item in _pairs(node, position):
            if key in keys:
                diagnostics.add("yaml-duplicate-key", key_place, f"the key “{key}” stands twice")
                continue
            keys[key] = key_place
            values[key] = _value(item, position, diagnostics)
        return Fields(values, keys, place, diagnostics)
    is_null = node.tag == "tag:yaml.org,2002:null"
    return Text("" if is_null else str(node.value), place)


def _pairs(
    node: yaml.MappingNode, position: Callable[[Mark | None], Position]
) -> Iterator[tuple[str, Position, yaml.Node]]:
    for key, value in node.value:
        yield str(key.value), position(key.start_mark), value
