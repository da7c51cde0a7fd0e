"""Editions in the real Anki: a reader studies the first, imports the next, and loses nothing."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from anki.collection import Collection

from generator.build import check_edition
from generator.cli import QUIET
from generator.diagnostics import Diagnostics
from generator.exporters import Context
from generator.exporters.apkg import ApkgExporter
from generator.release import Wanted, release_book
from generator.render import Templates, template_folder
from tests.anki_client import AnyFormulas, collection, find_card, import_package

DAY = 86_400
FIRST = 1_780_000_000
STUDY = FIRST + 10 * DAY  # when the reader tags and edits
SECOND = FIRST + 20 * DAY
THIRD = FIRST + 30 * DAY
NOW = FIRST + 100 * DAY

DECKS = ["手册", "手册::01 一", "手册::01 一::01 甲", "手册::01 一::02 丙", "手册::99 术语"]
INSERTED = "手册::01 一::01a 乙"
SOUND = ("Database rebuilt and optimized.", True)
STATE = (
    "c.did, c.type, c.queue, c.due, c.ivl, c.factor, c.reps, c.lapses, c.left, c.odue, c.odid,"
    " c.flags, c.data"
)

BOOK = """id: trial
uid: 00aa11bb22cc33dd44ee55ff66778899
title: 手册
edition: "1"
parts:
  - id: one
    title: 第一部分
    label: 01 一
    chapters:
      - {id: alpha, label: 01 甲}
      - {id: gamma, label: 02 丙}
"""
GLOSSARY = "- {id: attention, zh: 注意力, en: attention, definition: 按权重汇总。}\n"
FIGURE = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><path d="M0 0L9 9" stroke="#111"/>'
    "</svg>"
)
CLOZE = "::: {.cloze #alpha-0-gap}\n数到[一]{c=1}，再到[二]{c=3}。\n:::\n"
PICTURE = "![一条线](../figures/line.svg)\n"


def _question(name: str, more: str = "") -> str:
    return f"## 问题 {name}？ {{#{name} level=1{more}}}\n\n答案 {name}。\n\n详解 {name}。\n"


def _chapter(title: str, *questions: str) -> str:
    return "\n".join([f"---\ntitle: {title}\nabstract: 导读。\n---\n", *questions])


class Author:
    """Writes a book and its editions."""

    def __init__(self, root: Path) -> None:
        self.root = root
        alpha = [_question(f"alpha-{number}") for number in range(25)]
        gamma = [_question(f"gamma-{number}") for number in range(25)]
        alpha.insert(1, CLOZE)
        alpha.insert(3, PICTURE)
        self.write("book.yaml", BOOK)
        self.write("glossary.yaml", GLOSSARY)
        self.write("figures/line.svg", FIGURE)
        self.write("one/alpha.md", _chapter("甲", *alpha))
        self.write("one/gamma.md", _chapter("丙", *gamma))

    def write(self, path: str, text: str) -> None:
        file = self.root / "content" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")

    def edit(self, path: str, before: str, after: str) -> None:
        text = (self.root / "content" / path).read_text("utf-8")
        assert before in text
        self.write(path, text.replace(before, after, 1))

    def template(self, name: str, before: str, after: str) -> None:
        own = self.root / "templates" / "anki" / name
        own.parent.mkdir(parents=True, exist_ok=True)
        text = (template_folder() / "anki" / name).read_text("utf-8")
        assert before in text
        own.write_text(text.replace(before, after, 1), "utf-8")

    def release(self, version: str, time: int) -> bytes:
        text = (self.root / "content/book.yaml").read_text("utf-8")
        self.write("book.yaml", re.sub(r'edition: ".*"', f'edition: "{version}"', text))
        outcome = release_book(self.root, Wanted(version, time, NOW), Diagnostics(), QUIET)
        assert outcome.release
        return self.build(NOW)

    def build(self, timestamp: int) -> bytes:
        book, formulas, ledger = check_edition(self.root, None, Diagnostics(), QUIET)
        templates = Templates(self.root / "templates")
        context = Context(formulas, templates, self.root, timestamp, ledger=ledger)
        return ApkgExporter().export(book, context).data

    @property
    def changes(self) -> str:
        return (self.root / "content/CHANGES.md").read_text("utf-8")

    def searches(self) -> list[str]:
        """What the newest edition's section tells readers to search for."""
        newest = self.changes.split("\n## ")[1]
        return re.findall(r"^```text\n(.*?)\n```$", newest, re.MULTILINE | re.DOTALL)


def _second_edition(author: Author) -> None:
    author.edit("one/alpha.md", "详解 alpha-3。", "新的详解 alpha-3。")
    author.template("card.css", "", "/* second */\n")
    author.template("question-back.html.j2", "详解</summary>", "细说</summary>")
    author.edit("one/alpha.md", _question("alpha-4"), _question("alpha-4") + _question("fresh"))
    author.edit("one/alpha.md", _question("alpha-5"), "")
    author.edit("one/gamma.md", _question("gamma-0"), _question("gamma-0") + _question("alpha-5"))
    author.edit("one/alpha.md", _question("alpha-7"), "")
    author.edit("one/alpha.md", "{#alpha-9 level=1}", "{#alpha-nine level=1 was=alpha-9}")
    author.edit("one/alpha.md", "数到[一]{c=1}", "数过[零]{c=2}，到[一]{c=1}")
    author.edit("figures/line.svg", "#111", "#222")
    author.write("one/beta.md", _chapter("乙", _question("beta-0")))
    chapter = "      - {id: beta, label: 01a 乙}\n      - {id: gamma"
    author.edit("book.yaml", "      - {id: gamma", chapter)


def _third_edition(author: Author) -> None:
    author.edit("one/alpha.md", "新的详解 alpha-3。", "更新的详解 alpha-3。")
    author.edit("one/alpha.md", _question("alpha-8"), "")
    author.edit(
        "one/alpha.md", "{#alpha-nine level=1 was=alpha-9}", "{#alpha-ix level=1 was=alpha-nine}"
    )


@pytest.fixture(autouse=True)
def _no_mathjax(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("generator.build.typeset_math", lambda *_: AnyFormulas())


@pytest.fixture
def author(tmp_path: Path) -> Author:
    return Author(tmp_path / "book")


@pytest.fixture
def col(tmp_path: Path) -> Iterator[Collection]:
    folder = tmp_path / "anki"
    folder.mkdir()
    with collection(folder) as opened:
        yield opened


def _study(col: Collection) -> dict[str, Any]:
    """40 reviews, tags, flags, suspensions, an edit: what a reader does between two editions."""
    root = col.decks.id_for_name("手册")
    config = col.decks.config_dict_for_deck_id(root)
    config["new"]["perDay"] = 200
    col.decks.update_config(config)
    col.decks.select(root)
    for number in range(40):
        card = col.sched.getCard()
        assert card is not None
        card.start_timer()
        col.sched.answerCard(card, (4, 3, 4, 1)[number % 4])
    for name in ("alpha-3", "alpha-7", "alpha-11"):
        col.tags.bulk_add(
            [col.get_card(card).nid for card in col.find_cards(f"编号:{name}")], "我的"
        )
    col.set_user_flag_for_cards(2, [*col.find_cards("编号:alpha-9 or 编号:alpha-12")])
    col.sched.suspend_cards([*col.find_cards("编号:alpha-3 or 编号:gamma-20")])
    note = find_card(col, "alpha-13").note()
    note["详解"] += "<p>我的笔记</p>"
    col.update_note(note)
    col.db.execute("update notes set mod = ? where mod > ?", STUDY, FIRST)
    col.fix_integrity()  # seldom Anki forgets the time of a review on a busy machine, and mends it
    return _kept(col)


def _kept(col: Collection) -> dict[str, Any]:
    """All that belongs to the reader: the state of every card, and the review log."""
    query = f"select n.guid, c.ord, c.id, {STATE} from cards c join notes n on n.id = c.nid"
    cards = col.db.all(query)
    kept: dict[str, Any] = {f"{row[0]}/{row[1]}": row[2:] for row in cards}
    return kept | {"revlog": col.db.all("select * from revlog order by id")}


def _decks(col: Collection) -> list[str]:
    return [deck.name for deck in col.decks.all_names_and_ids() if deck.name != "Default"]


def _check_update(col: Collection, before: dict[str, Any], log: Any) -> None:
    """What holds after every import of a later edition."""
    after = _kept(col)
    assert {key: after[key] for key in before} == before
    assert len(after["revlog"]) == 40
    assert not log.conflicting
    assert not log.missing_notetype
    assert not log.missing_deck
    assert not log.empty_first_field
    assert len(col.db.list("select distinct guid from notes")) == col.note_count()
    assert sorted(
        entry.name for entry in col.models.all_names_and_ids() if "手册" in entry.name
    ) == [
        "手册 填空",
        "手册 术语",
        "手册 问答",
    ]
    check = col.media.check()
    assert list(check.missing) == []
    assert not col.get_empty_cards().notes
    assert col.fix_integrity() == SOUND


def _check_own_work(col: Collection) -> None:
    """Edits and tags on notes that did not change."""
    assert "我的" in find_card(col, "alpha-11").note().tags
    assert find_card(col, "alpha-13").note()["详解"].endswith("<p>我的笔记</p>")
    assert find_card(col, "alpha-12").user_flag() == 2
    assert find_card(col, "gamma-20").queue == -1


def test_the_second_edition_reaches_a_reader_who_has_studied(
    author: Author, col: Collection
) -> None:
    import_package(col, author.release("1", FIRST))
    assert (col.note_count(), col.card_count(), _decks(col)) == (52, 54, DECKS)
    before = _study(col)
    old = {name: find_card(col, name).id for name in ("alpha-5", "alpha-7", "alpha-9")}
    gaps = {ordinal: find_card(col, "alpha-0-gap", ordinal).id for ordinal in (0, 2)}

    _second_edition(author)
    log = import_package(col, author.release("2", SECOND))

    _check_update(col, before, log)
    _check_own_work(col)
    # New are the question, the chapter's, and the card of the new gap; nothing else.
    assert sorted(entry.fields[0] for entry in log.new) == ["beta-0", "fresh"]
    assert sorted(entry.fields[0] for entry in log.updated) == [
        *("alpha-0-gap", "alpha-1", "alpha-3", "alpha-5", "alpha-nine"),
    ]
    assert (col.note_count(), col.card_count()) == (54, 57)
    assert sorted(_decks(col)) == sorted([*DECKS, INSERTED])
    # What changed arrives.
    assert "新的详解 alpha-3。" in find_card(col, "alpha-3").note()["详解"]
    assert find_card(col, "alpha-nine").id == old["alpha-9"]
    assert find_card(col, "alpha-nine").user_flag() == 2
    assert not col.find_cards("编号:alpha-9")
    answer = find_card(col, "alpha-11").answer()
    assert "/* second */" in answer
    assert "细说</summary>" in answer
    # The gap before the old one is a card of its own, and the old ones are what they were.
    assert {o: find_card(col, "alpha-0-gap", o).id for o in (0, 2)} == gaps
    assert find_card(col, "alpha-0-gap", 1).reps == 0
    assert "零" in find_card(col, "alpha-0-gap", 1).answer()
    # The searches of the change log find the moved and the withdrawn card.
    moved, withdrawn = author.searches()
    assert list(col.find_cards(moved)) == [old["alpha-5"]]
    assert list(col.find_cards("tag:主题::第一部分::丙 -deck:*::02_丙")) == [old["alpha-5"]]
    assert list(col.find_cards(withdrawn)) == [old["alpha-7"]]
    # The page says it in short where the reader looks first.
    assert (
        "新增 2 条，修改 3 条，移动 1 条，改名 1 条，撤下 1 条" in col.decks.by_name("手册")["desc"]
    )


def test_a_gap_that_was_taken_out_leaves_an_empty_card(author: Author, col: Collection) -> None:
    import_package(col, author.release("1", FIRST))
    before = _study(col)
    gone = find_card(col, "alpha-0-gap", 2).id
    author.edit("one/alpha.md", "[二]{c=3}", "二")
    log = import_package(col, author.release("2", SECOND))
    assert {key: value for key, value in _kept(col).items() if key in before} == before
    assert not log.conflicting
    [empty] = col.get_empty_cards().notes
    assert list(empty.card_ids) == [gone]


def test_what_a_reader_wrote_on_a_changed_note_gives_way(author: Author, col: Collection) -> None:
    """So the page 如何更新 says; the review history stays."""
    import_package(col, author.release("1", FIRST))
    _study(col)
    _second_edition(author)
    import_package(col, author.release("2", SECOND))
    assert "我的" not in find_card(col, "alpha-3").note().tags
    assert "我的" in find_card(col, "alpha-7").note().tags


def test_a_reader_who_renamed_the_root_deck(author: Author, col: Collection) -> None:
    import_package(col, author.release("1", FIRST))
    before = _study(col)
    col.decks.rename(col.decks.id_for_name("手册"), "我的手册")
    _second_edition(author)
    log = import_package(col, author.release("2", SECOND))
    _check_update(col, before, log)
    _check_own_work(col)
    decks = {name: col.decks.name(find_card(col, name).did) for name in ("alpha-3", "fresh")}
    assert decks == {"alpha-3": "我的手册::01 一::01 甲", "fresh": "手册::01 一::01 甲"}


def test_from_the_first_edition_straight_to_the_third(author: Author, col: Collection) -> None:
    import_package(col, author.release("1", FIRST))
    before = _study(col)
    nine = find_card(col, "alpha-9").id
    _second_edition(author)
    author.release("2", SECOND)
    _third_edition(author)
    log = import_package(col, author.release("3", THIRD))
    _check_update(col, before, log)
    _check_own_work(col)
    assert sorted(entry.fields[0] for entry in log.new) == ["beta-0", "fresh"]
    assert find_card(col, "alpha-ix").id == nine
    assert "更新的详解" in find_card(col, "alpha-3").note()["详解"]
    assert sorted(_decks(col)) == sorted([*DECKS, INSERTED])


def test_an_edit_made_after_a_release_survives_it_and_the_next_one_that_changes_nothing_there(
    author: Author, col: Collection
) -> None:
    import_package(col, author.release("1", FIRST))
    _second_edition(author)
    second = author.release("2", SECOND)
    import_package(col, second)
    note = find_card(col, "alpha-3").note()
    note["详解"] += "我的"
    col.update_note(note)
    col.db.execute("update notes set mod = ? where id = ?", SECOND + DAY, note.id)
    import_package(col, second)
    assert find_card(col, "alpha-3").note()["详解"].endswith("我的")
    author.edit("one/gamma.md", "详解 gamma-3。", "新的详解 gamma-3。")
    import_package(col, author.release("3", THIRD))
    assert find_card(col, "alpha-3").note()["详解"].endswith("我的")
    assert "新的" in find_card(col, "gamma-3").note()["详解"]


def test_the_same_edition_twice(author: Author, col: Collection) -> None:
    package = author.release("1", FIRST)
    import_package(col, package)
    _study(col)
    notes = col.db.all("select id, guid, mid, mod, tags, flds from notes order by id")
    before = _kept(col)
    log = import_package(col, author.build(NOW + DAY))
    _check_update(col, before, log)
    assert (len(log.new), len(log.updated)) == (0, 0)
    assert col.db.all("select id, guid, mid, mod, tags, flds from notes order by id") == notes


def test_a_released_book_is_the_same_bytes_at_any_time(author: Author) -> None:
    package = author.release("1", FIRST)
    assert author.build(FIRST) == author.build(NOW + DAY) == author.build(0) == package


def test_two_previews_within_a_minute(author: Author, col: Collection) -> None:
    import_package(col, author.release("1", FIRST))
    before = _study(col)
    for second, words in ((0, "预览一"), (20, "预览二")):
        text = (author.root / "content/one/alpha.md").read_text("utf-8")
        author.write(
            "one/alpha.md", re.sub(r"\n.*详解 alpha-2。", f"\n{words}详解 alpha-2。", text)
        )
        log = import_package(col, author.build(SECOND + second))
        assert [entry.fields[0] for entry in log.updated] == ["alpha-2"]
        assert f"{words}详解" in find_card(col, "alpha-2").note()["详解"]
        _check_update(col, before, log)
    log = import_package(col, author.release("2", SECOND + 60))
    assert find_card(col, "alpha-2").note().mod == SECOND + 60
    _check_own_work(col)


def test_a_preview_with_an_old_source_date_epoch_still_arrives(
    author: Author, col: Collection
) -> None:
    import_package(col, author.release("1", FIRST))
    author.edit("one/alpha.md", "详解 alpha-2。", "新的详解 alpha-2。")
    author.template("card.css", "", "/* preview */\n")
    log = import_package(col, author.build(FIRST - DAY))
    assert [entry.fields[0] for entry in log.updated] == ["alpha-2"]
    assert find_card(col, "alpha-2").note().mod == FIRST + 1
    assert "/* preview */" in find_card(col, "alpha-2").answer()


def test_an_older_edition_over_a_newer_one(author: Author, col: Collection) -> None:
    first = author.release("1", FIRST)
    _second_edition(author)
    import_package(col, author.release("2", SECOND))
    before = _study(col)
    notes = col.db.all("select id, guid, mod, tags, flds from notes order by id")
    log = import_package(col, first)
    # What the second edition withdrew comes as new, and nothing else: its old card is not here.
    assert [entry.fields[0] for entry in log.new] == ["alpha-7"]
    assert len(log.updated) == 0
    _check_update(col, before, log)
    after = col.db.all("select id, guid, mod, tags, flds from notes order by id")
    assert [row for row in after if row in notes] == notes
    assert "/* second */" in find_card(col, "alpha-3").answer()
    assert "新的详解" in find_card(col, "alpha-3").note()["详解"]


def test_a_question_that_returns_finds_its_card_again(author: Author, col: Collection) -> None:
    import_package(col, author.release("1", FIRST))
    before = _study(col)
    author.edit("one/alpha.md", _question("alpha-7"), "")
    author.release("2", SECOND)
    author.edit("one/alpha.md", _question("alpha-8"), _question("alpha-8") + _question("alpha-7"))
    author.edit("one/alpha.md", "详解 alpha-7。", "又见 alpha-7。")
    log = import_package(col, author.release("3", THIRD))
    _check_update(col, before, log)
    assert len(log.new) == 0
    assert "又见" in find_card(col, "alpha-7").note()["详解"]


def test_two_books_of_one_id_side_by_side(author: Author, col: Collection, tmp_path: Path) -> None:
    import_package(col, author.release("1", FIRST))
    before = _study(col)
    shutil.copytree(author.root, tmp_path / "other")
    other = Author(tmp_path / "other")
    (other.root / "content/ledger.yaml").unlink()
    (other.root / "content/CHANGES.md").unlink()
    other.edit("book.yaml", "uid: 00", "uid: ff")
    other.edit("book.yaml", "title: 手册", "title: 手册又一本")
    log = import_package(col, other.release("1", FIRST + DAY))
    assert (len(log.new), len(log.updated), len(log.conflicting)) == (52, 0, 0)
    assert {key: value for key, value in _kept(col).items() if key in before} == before
    _second_edition(other)
    import_package(col, other.release("2", SECOND))
    assert {key: value for key, value in _kept(col).items() if key in before} == before
    _check_own_work_of_one_book(col)
    assert col.fix_integrity() == SOUND


def _check_own_work_of_one_book(col: Collection) -> None:
    [card] = col.find_cards('编号:alpha-13 "note:手册 问答"')
    assert col.get_card(card).note()["详解"].endswith("<p>我的笔记</p>")
    [card] = col.find_cards('编号:alpha-3 "note:手册 问答"')
    assert "新的" not in col.get_card(card).note()["详解"]
    assert "/* second */" not in col.get_card(card).answer()
