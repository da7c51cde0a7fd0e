"""The deck in the real Anki: what arrives, under which ids, and what a second import does."""

from __future__ import annotations

import hashlib
import io
import json
import os
import sqlite3
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from anki.collection import Collection

from generator.diagnostics import BookError
from generator.exporters.anki_schema import NOTE_TYPES, guid, permanent_id
from generator.exporters.apkg import ApkgExporter
from generator.model import Book, Kind
from tests.anki_client import TIME, collection, context, export, find_card, import_package, load

NOTES = 5 + 3 + 2
CARDS = 5 + (2 + 1 + 1) + 2 * 2


@pytest.fixture(scope="module")
def book() -> Book:
    return load()


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Collection]:
    with collection(tmp_path) as col:
        yield col


@pytest.fixture(scope="module")
def col(book: Book, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Collection]:
    """A collection with the book in it; tests only read it."""
    with collection(tmp_path_factory.mktemp("anki")) as opened:
        import_package(opened, export(book))
        yield opened


def _cards(col: Collection, deck: str) -> list[tuple[str, int]]:
    """编号 and ordinal of a deck's cards, in the order in which Anki shows new cards."""
    rows = col.db.all(
        "select n.flds, c.ord from cards c join notes n on n.id = c.nid"
        " where c.did = ? order by c.due, c.ord",
        col.decks.id_for_name(deck),
    )
    return [(fields.split("\x1f")[0], ordinal) for fields, ordinal in rows]


# -- the first import -----------------------------------------------------------------------------


def test_counts_are_those_of_the_source(book: Book, col: Collection) -> None:
    assert (col.note_count(), col.card_count()) == (NOTES, CARDS)
    counts = ApkgExporter().export(book, context()).counts
    assert counts == {"notes": NOTES, "cards": CARDS}


def test_decks_stand_in_the_order_of_the_book(col: Collection) -> None:
    assert [deck.name for deck in col.decks.all_names_and_ids()] == [
        "Default",
        "试卡手册",
        "试卡手册::01 第一部分",
        "试卡手册::01 第一部分::01 卡片",
        "试卡手册::02 第二部分",
        "试卡手册::02 第二部分::01 次序",
        "试卡手册::99 术语",
    ]


def test_cards_stand_in_the_order_of_the_book(col: Collection) -> None:
    assert _cards(col, "试卡手册::01 第一部分::01 卡片") == [
        ("why-scale", 0),
        ("why-scale-var", 0),
        ("why-scale-var", 2),
        ("why-scale-occlusion", 1),
        ("only-brief", 0),
    ]
    assert _cards(col, "试卡手册::02 第二部分::01 次序") == [
        ("order-one", 0),
        ("order-one-gap", 0),
        ("order-two", 0),
        ("a-third", 0),
    ]
    assert _cards(col, "试卡手册::99 术语") == [
        ("attention", 0),
        ("attention", 1),
        ("kv-cache", 0),
        ("kv-cache", 1),
    ]


def test_notes_were_added_in_the_order_of_the_book_and_not_in_the_future(col: Collection) -> None:
    ids = [
        note for note, _ in col.db.all("select nid, min(due) from cards group by nid order by 2")
    ]
    assert ids == sorted(ids)
    assert col.db.scalar("select max(id) from cards") == TIME * 1000


def test_descriptions_are_markdown(col: Collection) -> None:
    for deck in col.decks.all_names_and_ids():
        if deck.name != "Default":
            assert col.decks.get(deck.id)["md"]
            assert col.decks.get(deck.id)["desc"].strip()
    chapter = col.decks.by_name("试卡手册::01 第一部分::01 卡片")
    assert r"\{\{c1::x\}\} 与 \*星号\*" in chapter["desc"]


@pytest.mark.parametrize("kind", NOTE_TYPES)
def test_ids_of_types_fields_and_templates_arrive(book: Book, col: Collection, kind: Kind) -> None:
    note_type = NOTE_TYPES[kind]
    found = col.models.get(permanent_id(book, "note type", kind))
    assert found["name"] == f"试卡手册 {note_type.name}"
    assert {field["name"]: field["id"] for field in found["flds"]} == {
        name: permanent_id(book, "field", kind, name) for name in note_type.fields
    }
    assert {template["name"]: template["id"] for template in found["tmpls"]} == {
        template.name: permanent_id(book, "template", kind, template.name)
        for template in note_type.templates
    }


def test_guids_and_times_arrive(book: Book, col: Collection) -> None:
    note = find_card(col, "why-scale").note()
    assert note.guid == guid(book, Kind.QUESTION, "why-scale")
    assert note.mod == TIME
    assert find_card(col, "order-two").note().guid == guid(book, Kind.QUESTION, "order-old")


def test_tags_name_topic_level_and_kind(col: Collection) -> None:
    assert find_card(col, "why-scale").note().tags == [
        "主题::第一_部分::卡片_与标记",
        "级别::2",
        "题型::问答",
        "高频",
    ]
    assert find_card(col, "order-one-gap").note().tags == [
        "主题::第二部分::次序",
        "级别::3",
        "题型::填空",
    ]
    assert find_card(col, "attention").note().tags == ["题型::术语"]


def test_media_are_complete_named_by_content_and_used(book: Book, col: Collection) -> None:
    (figure,) = book.figures.values()
    name = f"sg-{hashlib.sha256(figure.data).hexdigest()[:16]}.svg"
    check = col.media.check()
    assert (list(check.missing), list(check.unused)) == ([], [])
    assert (Path(col.media.dir()) / name).read_bytes() == figure.data
    assert f'<img src="{name}"' in find_card(col, "why-scale").answer()


def test_no_front_is_empty(col: Collection) -> None:
    assert not col.get_empty_cards().notes
    for card in col.find_cards(""):
        front = col.get_card(card).question().split("</style>")[-1]
        assert "lang=" in front
        assert "找不到" not in front


def test_the_database_is_sound(empty: Collection, book: Book) -> None:
    import_package(empty, export(book))
    assert empty.fix_integrity() == ("Database rebuilt and optimized.", True)
    assert (empty.note_count(), empty.card_count()) == (NOTES, CARDS)


def test_cards_hold_nothing_positional(col: Collection, book: Book) -> None:
    fields = "\n".join(find_card(col, "why-scale").note().fields)
    assert (
        '见<span class="xref">图</span>与。' in fields
    )  # the number of the figure, the title of the question
    assert "第一？" not in fields
    assert book.anchors["fig-line"].number not in fields


def test_the_report_link_names_the_card(col: Collection) -> None:
    link = 'href="https://example.org/new?title=why-scale&amp;kind=%7B%7Bx%7D%7D"'
    assert link in find_card(col, "why-scale").answer()


# -- later imports --------------------------------------------------------------------------------


def test_a_second_import_changes_nothing(empty: Collection, book: Book) -> None:
    data = export(book)
    import_package(empty, data)
    before = empty.db.all("select * from notes"), empty.db.all("select * from cards")
    log = import_package(empty, data)
    assert (len(log.new), len(log.updated), len(log.conflicting)) == (0, 0, 0)
    assert (empty.db.all("select * from notes"), empty.db.all("select * from cards")) == before


def test_a_later_edition_updates_in_place(empty: Collection, book: Book) -> None:
    import_package(empty, export(book))
    types = {kind.id for kind in empty.models.all_names_and_ids()}
    card = find_card(empty, "why-scale")
    card.reps, card.ivl, card.type, card.queue, card.due = 3, 9, 2, 2, 5
    empty.update_card(card)
    part = replace(book.parts[0], title="改名")
    log = import_package(empty, export(replace(book, parts=(part, *book.parts[1:])), TIME + 60))
    assert (len(log.new), len(log.conflicting)) == (0, 0)
    assert {kind.id for kind in empty.models.all_names_and_ids()} == types
    card = find_card(empty, "why-scale")
    assert (card.reps, card.ivl, card.due) == (3, 9, 5)
    assert "改名" in card.note()["章节"]


def test_two_books_of_one_time_do_not_touch_each_other(empty: Collection, book: Book) -> None:
    import_package(empty, export(book))
    other = replace(book, uid="f" * 32, title="另一本")
    log = import_package(empty, export(other))
    assert (len(log.new), len(log.updated), len(log.conflicting)) == (NOTES, 0, 0)
    assert (empty.note_count(), empty.card_count()) == (2 * NOTES, 2 * CARDS)
    assert empty.fix_integrity() == ("Database rebuilt and optimized.", True)


# -- the file -------------------------------------------------------------------------------------


def test_the_same_book_gives_the_same_bytes_whatever_the_hash_seed(book: Book) -> None:
    script = (
        "import sys; from tests.anki_client import export, load;"
        " sys.stdout.buffer.write(export(load()))"
    )
    for seed in ("0", "1"):
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        command = [sys.executable, "-c", script]
        run = subprocess.run(command, env=environment, capture_output=True, check=True)
        assert run.stdout == export(book)


def test_the_zip_is_deflated_sorted_and_without_times(book: Book) -> None:
    with zipfile.ZipFile(io.BytesIO(export(book))) as archive:
        entries = archive.infolist()
        media = json.loads(archive.read("media"))
    assert [entry.filename for entry in entries] == ["0", "collection.anki2", "media"]
    assert {entry.compress_type for entry in entries} == {zipfile.ZIP_DEFLATED}
    assert {entry.date_time for entry in entries} == {(1980, 1, 1, 0, 0, 0)}
    assert media.keys() == {"0"}


@pytest.mark.parametrize("timestamp", [0, 1, TIME])
def test_ids_are_positive_and_unique_at_any_time(
    book: Book, timestamp: int, tmp_path: Path
) -> None:
    with zipfile.ZipFile(io.BytesIO(export(book, timestamp))) as archive:
        archive.extract("collection.anki2", tmp_path)
    with sqlite3.connect(tmp_path / "collection.anki2") as db:
        ids = [row[0] for row in db.execute("select id from notes union all select id from cards")]
    db.close()
    assert len(set(ids)) == NOTES + CARDS
    assert min(ids) > 0


def test_progress_counts_every_note(book: Book) -> None:
    seen: list[tuple[int, int]] = []
    ApkgExporter().export(book, replace(context(), progress=lambda *step: seen.append(step)))
    assert seen == [(done, NOTES) for done in range(1, NOTES + 1)]


def test_twins_are_refused(book: Book) -> None:
    term = book.terms[0]
    twins = replace(book, terms=(term, replace(book.terms[1], was=term.id)))
    with pytest.raises(BookError, match="would replace “attention”"):
        export(twins)


def test_a_large_book_is_written_in_a_second(book: Book) -> None:
    chapter = book.parts[1].chapters[0]
    question = chapter.questions[0]
    (cloze,) = question.clozes
    many = tuple(
        replace(
            question,
            id=f"q-{number}",
            clozes=tuple(replace(cloze, id=f"c-{number}-{gap}") for gap in range(2)),
        )
        for number in range(500)
    )
    part = replace(book.parts[1], chapters=(replace(chapter, questions=many),))
    start = time.process_time()
    artifact = ApkgExporter().export(replace(book, parts=(part,)), context())
    assert artifact.counts["notes"] == 1502
    assert time.process_time() - start < 5  # 0.4 s on the machine it was written on
