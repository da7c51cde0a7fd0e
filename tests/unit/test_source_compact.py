"""Compact tokens say what they said before, in fewer objects."""

import pytest
from markdown_it.token import Token

from generator.markdown import parse, plain
from generator.source import walk
from generator.source.compact import compact

TEXT = """\
**粗**体与*着重*，见[文](https://example.org)与 $x$。

- 一
- 二

| 甲 | 乙 |
|:--|--:|
| 1 | 2 |

: 表题 $y$

```python
pass
```
"""


def _said(tokens: list[Token]) -> list[tuple[object, ...]]:
    """Everything that a writer reads of tokens, without the empty texts."""
    return [
        (token.type, token.tag, token.nesting, dict(token.attrs), token.block, token.hidden)
        + ((token.content, token.meta.get("language")) if not token.children else ())
        for token in walk(tokens)
        if token.type != "text" or token.content
    ]


def test_nothing_that_is_written_is_lost() -> None:
    before = [
        said if said[2] != -1 else said[:3]  # an end is written as its beginning says
        for said in _said(parse(TEXT))
    ]
    compacted = list(compact(parse(TEXT)))
    assert [said if said[2] != -1 else said[:3] for said in _said(compacted)] == before
    assert plain(compacted) == plain(parse(TEXT))


def test_what_looks_the_same_is_the_same() -> None:
    tokens = [token for token in walk(compact(parse(TEXT))) if token.type == "list_item_open"]
    assert tokens[0] is tokens[1]
    cells = [token for token in walk(compact(parse(TEXT))) if token.type == "td_open"]
    assert cells[0] is not cells[1]
    assert [cell.attrs["style"] for cell in cells] == ["text-align:left", "text-align:right"]


def test_shared_tokens_cannot_be_changed() -> None:
    token = next(token for token in walk(compact(parse(TEXT))) if token.type == "list_item_open")
    with pytest.raises(TypeError):
        token.meta["anchor"] = "f-x"
    with pytest.raises(TypeError):
        token.attrs["start"] = 3


def test_captions_are_compacted_too() -> None:
    table = next(token for token in compact(parse(TEXT)) if token.type == "table_open")
    assert plain(table.meta["caption"]) == "表题 y"
    assert all(not token.map for token in table.meta["caption"])
