"""The book's faces: what is cut, what is added, what is kept, and what is reported missing."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import uharfbuzz as hb
from fontTools.pens.boundsPen import BoundsPen
from fontTools.ttLib import TTFont

from generator.typography import finishing, fonts
from generator.typography.fonts import BookFonts, Face, FontsMissingError, prepare_book_fonts

SPACED = ("song", "song-bold", "hei", "hei-bold")
TEXT = frozenset(
    "永字八法，大模型（LLM）——「甲」……" + "".join(finishing.OPENING | finishing.CLOSING)
)
PREPARE = (
    "from generator.typography.fonts import prepare_book_fonts as p; import sys, hashlib, pathlib; "
)


@pytest.fixture(scope="module")
def book(book_fonts: BookFonts) -> BookFonts:
    return book_fonts


@cache
def opened(data: bytes) -> Any:
    return TTFont(io.BytesIO(data))


def face(book: BookFonts, name: str) -> Any:
    return opened(book.files[name])


def ink(font: Any, character: str) -> tuple[float, float, float]:
    """Left edge, right edge and advance, in ems."""
    glyphs = font.getGlyphSet()
    glyph = glyphs[font.getBestCmap()[ord(character)]]
    pen = BoundsPen(glyphs)
    glyph.draw(pen)
    em = font["head"].unitsPerEm
    return pen.bounds[0] / em, pen.bounds[2] / em, glyph.width / em


def test_every_face_has_the_characters(book: BookFonts) -> None:
    assert not book.missing(TEXT)
    for role in fonts.ROLES:
        known = set(map(chr, face(book, role.name).getBestCmap()))
        assert set("永字八法LM，（龥") <= known, role.name


def test_glyphs_keep_the_ids_of_the_installed_file(book: BookFonts) -> None:
    """What was laid out stays good whatever characters come into the book."""
    for role, installed in fonts.find_faces().items():
        whole = hb.Font(hb.Face(hb.Blob.from_file_path(str(installed.path)), installed.index))
        ours = hb.Font(hb.Face(hb.Blob(book.files[role.name])))
        for character in "永字八法LM，龥":
            glyph = whole.get_nominal_glyph(ord(character))
            assert ours.get_nominal_glyph(ord(character)) == glyph, role.name


@pytest.mark.parametrize("name", SPACED)
def test_adjacent_marks_are_spaced(book: BookFonts, name: str) -> None:
    tags = {
        record.FeatureTag for record in face(book, name)["GPOS"].table.FeatureList.FeatureRecord
    }
    assert "chws" in tags
    assert "halt" in tags  # the faces' own features are still there


@pytest.mark.parametrize("name", SPACED)
def test_the_dash_fills_its_em_and_the_dot_has_one(book: BookFonts, name: str) -> None:
    assert ink(face(book, name), "—") == (0, 1, 1)
    left, right, width = ink(face(book, name), "·")
    assert width == 1
    assert left + right == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize("name", SPACED)
def test_trimmed_halves_are_empty(book: BookFonts, name: str) -> None:
    for mark in finishing.OPENING:
        left, _, width = ink(face(book, name), mark)
        assert (left >= 0.5, width) == (True, 1), mark
    for mark in finishing.CLOSING:
        _, right, width = ink(face(book, name), mark)
        assert (right <= 0.5, width) == (True, 1), mark


def test_regular_and_bold_differ(book: BookFonts) -> None:
    assert face(book, "song")["OS/2"].usWeightClass < face(book, "song-bold")["OS/2"].usWeightClass


def test_the_rules_name_every_file(book: BookFonts) -> None:
    assert book.css.count("@font-face") == len(fonts.ROLES)
    for name, data in book.files.items():
        address = f"{fonts.SCHEME}{name}.otf"
        assert f'url("{address}")' in book.css
        assert book.get(address) == (data, "font/otf")
    assert book.get("studyguide:font/other.otf") is None


def test_missing_characters_are_reported(book: BookFonts) -> None:
    invisible = "\u00ad\u200b\u2060\ufe0f\t\n\u3000\u00a0"
    assert book.missing(TEXT | set("𓀀🐍\ue000" + invisible)) == frozenset("𓀀🐍\ue000")


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Faces that are prepared at once; the names of those that are."""
    prepared: list[str] = []

    def prepare(role: fonts.Role, _face: Face) -> bytes:
        prepared.append(role.name)
        return role.name.encode()

    monkeypatch.setattr(fonts, "prepare_face", prepare)
    return prepared


def test_prepared_faces_are_kept(quick: list[str], tmp_path: Path) -> None:
    first = prepare_book_fonts(tmp_path)
    assert quick == [role.name for role in fonts.ROLES]
    assert prepare_book_fonts(tmp_path) == first
    assert len(quick) == len(fonts.ROLES)


@pytest.mark.parametrize("damage", [b"", b"\0" * 100, None])
def test_damaged_entries_are_prepared_anew(
    quick: list[str], tmp_path: Path, damage: bytes | None
) -> None:
    whole = prepare_book_fonts(tmp_path)
    quick.clear()
    for path in tmp_path.glob("mono-*.face"):
        path.write_bytes(path.read_bytes()[:-1] if damage is None else damage)
    assert prepare_book_fonts(tmp_path) == whole
    assert set(quick) == {"mono", "mono-bold"}
    quick.clear()
    assert prepare_book_fonts(tmp_path) == whole
    assert not quick


@pytest.mark.usefixtures("quick")
def test_faces_of_earlier_versions_are_dropped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = prepare_book_fonts(tmp_path)
    monkeypatch.setattr(fonts, "_FORMAT", fonts._FORMAT + 1)
    assert prepare_book_fonts(tmp_path).identity != first.identity
    assert len(list(tmp_path.iterdir())) == len(fonts.ROLES)


@pytest.mark.usefixtures("quick")
def test_a_cache_that_cannot_be_written_costs_only_time(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    assert prepare_book_fonts(tmp_path / "file" / "cache").files["song"] == b"song"


def test_bytes_do_not_depend_on_time_place_or_hash_seed(tmp_path: Path) -> None:
    code = PREPARE + (
        "from generator.typography import fonts; role = fonts.ROLES[0];"
        "face = fonts.prepare_face(role, fonts.find_faces()[role]);"
        "print(len(face), hashlib.sha256(face).hexdigest())"
    )
    root = Path(__file__).resolve().parents[2]
    printed = set()
    for seed in ("1", "4242"):
        place = tmp_path / seed
        (place / "tmp").mkdir(parents=True)
        environment = {
            **os.environ, "PYTHONHASHSEED": seed, "TMPDIR": str(place / "tmp"),
            "PYTHONPATH": str(root), "SOURCE_DATE_EPOCH": seed, "TZ": f"UTC+{len(seed)}",
        }  # fmt: skip
        run = subprocess.run(
            [sys.executable, "-c", code],
            cwd=place, env=environment, capture_output=True, check=True, text=True,
        )  # fmt: skip
        assert not run.stderr
        printed.add(run.stdout)
        assert not list((place / "tmp").iterdir())
    assert len(printed) == 1


def test_two_processes_share_a_cache(tmp_path: Path, book: BookFonts) -> None:
    code = PREPARE + "sys.exit(len(p(pathlib.Path(sys.argv[1])).files))"
    command = [sys.executable, "-c", code, str(tmp_path / "cache")]
    root = Path(__file__).resolve().parents[2]
    runs = [subprocess.Popen(command, cwd=root) for _ in range(2)]
    assert [run.wait() for run in runs] == [len(fonts.ROLES)] * 2
    names = [path.name for path in (tmp_path / "cache").iterdir()]
    assert len(names) == len(fonts.ROLES)
    assert prepare_book_fonts(tmp_path / "cache") == book


def listing(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    def run(*_: object, **__: object) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess([], 0, text, "")

    monkeypatch.setattr(subprocess, "run", run)


@pytest.mark.parametrize(
    ("system", "command"),
    [("Linux", "sudo apt-get install -y --no-install-recommends fonts-noto-cjk"),
     ("Darwin", "brew install --cask font-noto-serif-cjk")],
)  # fmt: skip
def test_fonts_that_are_not_installed_are_named_with_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, system: str, command: str
) -> None:
    listing(monkeypatch, "")
    monkeypatch.setattr("platform.system", lambda: system)
    with pytest.raises(FontsMissingError) as caught:
        prepare_book_fonts(tmp_path)
    assert command in str(caught.value)
    for family in ("Noto Serif CJK SC", "Noto Sans CJK SC", "Noto Sans Mono CJK SC", "LXGW WenKai"):
        assert family in str(caught.value)


def test_a_missing_fc_list_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(FontsMissingError, match=r"fc-list cannot be run .*install.* fontconfig"):
        prepare_book_fonts(tmp_path)


def test_fontconfig_s_listing_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [
        "/b.ttc\t2\tFalse\tNoto Serif CJK SC\tRegular",
        "/a.ttc\t2\tFalse\tNoto Serif CJK SC,Noto Serif CJK SC Black\tBlack,Regular",
        "/variable.otf\t0\tTrue\tNoto Serif CJK SC\tRegular",
        "/variable.otf\t65536\tFalse\tNoto Serif CJK SC\tRegular",
        "/odd\udcff|name.ttf\t0\tFalse\t霞鹜文楷,LXGW WenKai\tRegular,常规",
    ]
    listing(monkeypatch, "\n".join(lines) + "\n")
    found = fonts._installed()
    assert found["Noto Serif CJK SC", "Regular"] == Face(Path("/b.ttc"), 2)
    assert found["LXGW WenKai", "Regular"] == Face(Path("/odd\udcff|name.ttf"), 0)
    assert {path.path.name for path in found.values()} == {"a.ttc", "b.ttc", "odd\udcff|name.ttf"}
