"""The book's change log, content/CHANGES.md: what the ledger says, in words for readers.

It is a page of the book, so it is written in the book's language and in its own Markdown.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from types import MappingProxyType

from generator.exporters.anki_notes import deck_name, tag
from generator.exporters.anki_schema import NOTE_TYPES
from generator.ledger import KINDS, RELEASED, Ledger, LedgerNote, Move, Release
from generator.model import Kind

_TITLE = "更新记录"
_INTRODUCTION = (
    "每一版新增、修改、移动、撤下和改名了哪些题。题名后面是编号，也就是卡片“编号”一栏里的字。"
    "在 Anki 里怎样更新，见“如何更新”一页。"
)
_SPECIAL = re.compile(r"[!\"#$%&'*+\-.:<=>@\[\\\]^_`{|}~()]")
_UNITS = {Kind.QUESTION: "道题", Kind.CLOZE: "道填空", Kind.TERM: "个术语"}

_Notes = Sequence[LedgerNote]


def escape_markdown(text: str) -> str:
    """Text as Markdown that shows it unchanged, in this dialect and in Pandoc's."""
    return _SPECIAL.sub(r"\\\g<0>", " ".join(text.split()))


def render_changes(ledger: Ledger) -> str:
    """The change log: newest edition first."""
    editions = [_Edition(ledger, release).render() for release in reversed(ledger.releases)]
    body = editions or ["还没有发布过。"]
    return "\n\n".join([f"---\ntitle: {_TITLE}\n---", _INTRODUCTION, *body]) + "\n"


class _Edition:
    """One edition's section."""

    def __init__(self, ledger: Ledger, release: Release) -> None:
        self.ledger = ledger
        self.release = release
        self._notes = {
            f"{kind}-{identifier}": note
            for known in (ledger.former, ledger.notes)  # an id of today before one of yesterday
            for (kind, identifier), note in known.items()
        }

    def render(self) -> str:
        release = self.release
        day = datetime.fromtimestamp(release.time, UTC)
        sizes = "、".join(
            f"{release.sizes[kind]} {_UNITS[kind]}" for kind in KINDS if release.sizes.get(kind)
        )
        first = release is self.ledger.releases[0]
        parts = [
            f"{RELEASED.strip()} {release.version} 版（{day.year} 年 {day.month} 月 {day.day} 日）",
            f"{'首次发布' if first else '全书'}：{sizes}。",
            *self._listed("新增", "", release.new),
            *self._listed("恢复", "从前撤下过的题回来了，原来的卡片接着用。", release.returned),
            *self._listed("修改", "", release.changed),
            *self._moves(),
            *self._renames(),
            *self._withdrawn(),
        ]
        return "\n\n".join(parts)

    def _found(self, names: Iterable[str]) -> _Notes:
        return [self._notes[name] for name in names if name in self._notes]

    def _listed(self, heading: str, words: str, names: Sequence[str]) -> list[str]:
        notes = self._found(names)
        if not notes:
            return []
        return [f"### {heading}", *([words] if words else []), _list(notes)]

    def _moves(self) -> list[str]:
        """By the deck that they belong in now, with the search for those that are elsewhere."""
        if not self.release.moved:
            return []
        blocks = [
            "### 移动",
            "题的内容会自动更新，卡片却留在原来的牌组里。想让卡片跟过去，就用下面的搜索找出它们，"
            "全选之后“更改所属牌组”。",
        ]
        for place in dict.fromkeys(move.after for move in self.release.moved):
            moves = [move for move in self.release.moved if move.after == place]
            notes = self._found(move.note for move in moves)
            origins = {self._notes[move.note].name: self._origin(move) for move in moves}
            deck = self._deck(place)
            blocks += [
                f"移到 {_code(deck)}：",
                _list(notes, origins),
                _fence(f"-{_quoted(f'deck:{_wild(deck)}')} {self._search(notes)}"),
            ]
        return blocks

    def _origin(self, move: Move) -> str:
        return f"，原在 {_code(self._deck(move.before))}"

    def _renames(self) -> list[str]:
        lines = [
            f"- {escape_markdown(note.title)}：{_code(rename.before)} → {_code(rename.note[2:])}"
            for rename in self.release.renamed
            for note in self._found([rename.note])
        ]
        words = "只是编号变了，卡片和复习记录照旧。"
        return ["### 改名", words, "\n".join(lines)] if lines else []

    def _withdrawn(self) -> list[str]:
        notes = self._found(self.release.withdrawn)
        if not notes:
            return []
        words = (
            "新的牌组里没有这些题了，已经导入的卡片还在。不想再复习，就用下面的搜索找出它们，"
            "全选之后暂停或删除。"
        )
        return ["### 撤下", words, _list(notes), _fence(self._search(notes))]

    # -- decks and searches -----------------------------------------------------------------------

    def _labels(self, place: str) -> list[str]:
        part = place.partition("/")[0]
        return [self.ledger.labels.get(part, part), self.ledger.labels.get(place, place)]

    def _deck(self, place: str) -> str:
        return deck_name(self.ledger.title, *self._labels(place))

    def _search(self, notes: _Notes) -> str:
        terms = [self._term(note) for note in notes]
        return terms[0] if len(terms) == 1 else f"({' or '.join(terms)})"

    def _term(self, note: LedgerNote) -> str:
        """The search for one note. A question and a term may share an id: then its kind counts."""
        term = f"编号:{note.id}"
        shared = any((kind, note.id) in self.ledger.notes for kind in KINDS if kind != note.kind)
        return f"({term} tag:{tag('题型', NOTE_TYPES[note.kind].name)})" if shared else term


def _list(notes: _Notes, origins: Mapping[str, str] = MappingProxyType({})) -> str:
    """One line a title: a question and its clozes. Terms, which are many, share a line."""
    groups: dict[str, list[LedgerNote]] = {}
    terms = []
    for note in notes:
        if note.kind is Kind.TERM:
            terms.append(f"{escape_markdown(note.title)}（{_code(note.id)}）")
        else:
            groups.setdefault(note.title, []).append(note)
    lines = []
    for title, group in groups.items():
        names = "、".join(f"{'填空 ' * (n.kind is Kind.CLOZE)}{_code(n.id)}" for n in group)
        lines.append(f"- {escape_markdown(title)}（{names}）{origins.get(group[0].name, '')}")
    if terms:
        lines.append(f"- 术语：{'、'.join(terms)}")
    return "\n".join(lines)


def _code(text: str) -> str:
    return f"`{text.replace('`', chr(0x2BB))}`"


def _fence(text: str) -> str:
    return f"```text\n{text}\n```"


def _quoted(term: str) -> str:
    return '"' + term + '"'


def _wild(name: str) -> str:
    r"""A deck's name in a search: ``*`` and ``_`` would match anything."""
    return re.sub(r"[\\*_]", r"\\\g<0>", name)
