"""The command line, as a user meets it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.handbook_pdf import handbook

ROOT = Path(__file__).parents[2]
MINIMAL = ROOT / "tests" / "fixtures" / "minimal"
ARTEFACTS = [".apkg", ".pdf", ".epub", "-compat.epub"]


def studyguide(
    *arguments: str | Path, cwd: Path = ROOT, **environment: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "generator", *map(str, arguments)],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return Path(shutil.copytree(MINIMAL, tmp_path / "我 的 书"))


def _append(path: Path, text: str) -> None:
    path.write_text(path.read_text("utf-8") + text, "utf-8")


def _break(root: Path) -> None:
    _append(root / "content/basics/first.md", "\n[](#nowhere) 100% :::\n")


def test_help_loads_no_heavy_library() -> None:
    code = (
        "import sys\n"
        "from generator.cli import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'weasyprint', 'genanki', 'py_mini_racer', 'uharfbuzz', 'PIL', 'pikepdf'}\n"
        "assert not heavy & sys.modules.keys(), heavy & sys.modules.keys()\n"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True)


def test_a_book_is_checked(root: Path) -> None:
    result = studyguide("check", "--root", root)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


def test_errors_as_text(root: Path) -> None:
    _break(root)
    result = studyguide("check", "--root", root)
    assert result.returncode == 1
    assert result.stdout.splitlines() == [
        "content/basics/first.md:10:1: error [link-broken] there is no “nowhere”",
        "    Links lead to questions, #fig-… figures, #tbl-… tables and #term-… terms.",
        "1 error, 0 warnings",
    ]


def test_errors_as_json(root: Path) -> None:
    _break(root)
    result = studyguide("check", "--format", "json", cwd=root)
    assert result.returncode == 1
    [item] = json.loads(result.stdout)
    assert (item["code"], item["path"], item["line"], item["column"], item["severity"]) == (
        "link-broken",
        "content/basics/first.md",
        10,
        1,
        "error",
    )


def test_errors_for_github(root: Path) -> None:
    _break(root)
    result = studyguide("check", "--format", "github", "--root", root)
    assert result.stdout.startswith(
        "::error file=content/basics/first.md,line=10,col=1,title=link-broken::there is no"
    )


def test_a_broken_book_builds_nothing(root: Path) -> None:
    _break(root)
    result = studyguide("build", "--root", root, "apkg")
    assert result.returncode == 1
    assert "[link-broken]" in result.stderr
    assert "Traceback" not in result.stderr
    assert not list((root / "build").glob("minimal*"))


@pytest.mark.parametrize(
    "arguments",
    [
        ("build", "docx"),
        ("build", "--paper", "A0"),
        ("build", "--jobs", "0"),
        ("check", "--root", "/does/not/exist"),
        ("list", "nothing"),
        ("nonsense",),
    ],
)
def test_wrong_usage(arguments: tuple[str, ...]) -> None:
    result = studyguide(*arguments)
    assert result.returncode == 2
    assert "Traceback" not in result.stderr


def test_a_new_book_builds_at_once(tmp_path: Path) -> None:
    folder = tmp_path / "新 书" / "my-notes"
    assert studyguide("init", folder).returncode == 0
    result = studyguide("build", "--root", folder)
    assert result.returncode == 0, result.stderr
    names = sorted(path.name for path in (folder / "build").glob("my-notes*"))
    assert names == sorted(f"my-notes{suffix}" for suffix in ARTEFACTS)
    assert "cards" in result.stdout
    assert "pages" in result.stdout
    assert "warning" not in result.stderr


def test_two_new_books_have_two_uids(tmp_path: Path) -> None:
    uids = set()
    for name in ("one", "two"):
        studyguide("init", tmp_path / name)
        lines = (tmp_path / name / "content/book.yaml").read_text("utf-8").splitlines()
        uids |= {line for line in lines if line.startswith("uid:")}
    assert len(uids) == 2
    assert "uid: " + "0" * 32 not in uids


@pytest.mark.parametrize("time", ["yesterday", "99999999999"])
def test_a_time_that_is_none_or_not_yet(root: Path, time: str) -> None:
    result = studyguide("build", "apkg", "--root", root, SOURCE_DATE_EPOCH=time)
    assert result.returncode == 1
    assert "SOURCE_DATE_EPOCH:1:1: error [value-invalid]" in result.stderr


def test_init_overwrites_nothing(root: Path) -> None:
    before = (root / "content/book.yaml").read_bytes()
    assert studyguide("init", root).returncode == 2
    assert (root / "content/book.yaml").read_bytes() == before


def test_a_handbook_is_inspected(root: Path, tmp_path: Path) -> None:
    file = tmp_path / "书.pdf"
    file.write_bytes(handbook())
    result = studyguide("inspect", file, "--root", root)
    assert result.returncode == 0, result.stdout
    assert "100.0% of 60" in result.stdout
    _append(root / "content/book.yaml", "inspect: {gap: 0.01}\n")
    result = studyguide("inspect", file, "--root", root)
    assert result.returncode == 1
    assert "beyond" in result.stdout
    assert "page i: 0.03 em added at" in result.stdout
    result = studyguide("inspect", file, "--root", root, "--json")
    assert result.returncode == 1
    report = json.loads(result.stdout)
    assert (report["pages"], report["exceeded"]) == (6, ["gap"])
    assert report["counts"]["gap"] == len(report["findings"]) > 12
    assert report["findings"][0]["label"] == "i"


def test_where_there_is_no_book_the_usual_bounds_hold(tmp_path: Path) -> None:
    file = tmp_path / "book.pdf"
    file.write_bytes(handbook())
    assert studyguide("inspect", file, cwd=tmp_path).returncode == 0


def test_what_cannot_be_inspected(root: Path) -> None:
    book = root / "content/book.yaml"
    result = studyguide("inspect", book, "--root", root)
    assert (result.returncode, "Traceback" in result.stderr) == (1, False)
    assert "book.yaml" in result.stderr
    assert studyguide("inspect", root / "none.pdf").returncode == 2
    _append(book, "inspect: [1]\n")
    result = studyguide("inspect", book, "--root", root)
    assert result.returncode == 1
    assert "[value-invalid] “inspect” must be a mapping" in result.stderr


def test_lists(root: Path) -> None:
    formats = json.loads(studyguide("list", "formats", "--json").stdout)
    assert [item["format"] for item in formats][:4] == ["apkg", "pdf", "epub", "epub-compat"]
    questions = json.loads(studyguide("list", "questions", "--json", "--root", root).stdout)
    assert [item["id"] for item in questions] == ["one-plus-one"]
    assert "math-failed" in studyguide("list", "codes").stdout
    assert "一加一等于几？" in studyguide("list", "questions", "--root", root).stdout


@pytest.mark.parametrize("format_name", ["apkg", "pdf", "epub", "epub-compat"])
def test_the_same_book_gives_the_same_bytes(format_name: str, tmp_path: Path) -> None:
    made = []
    for seed in ("1", "2"):
        folder = tmp_path / seed
        shutil.copytree(ROOT / "templates" / "starter" / "content", folder / "content")
        result = studyguide(
            "build",
            format_name,
            "--root",
            folder,
            SOURCE_DATE_EPOCH="1700000000",
            PYTHONHASHSEED=seed,
        )
        assert result.returncode == 0, result.stderr
        [path] = (folder / "build").glob("my-book*")
        made.append(path.read_bytes())
    assert made[0] == made[1]


def test_own_templates_replace_the_built_in_ones(root: Path) -> None:
    own = root / "templates" / "question.html.j2"
    own.parent.mkdir()
    built_in = (ROOT / "templates" / "question.html.j2").read_text("utf-8")
    own.write_text(built_in.replace("一句话", "先说这句"), "utf-8")
    assert studyguide("build", "epub", "--root", root).returncode == 0
    with zipfile.ZipFile(root / "build" / "minimal.epub") as archive:
        pages = [archive.read(name).decode() for name in archive.namelist() if "xhtml" in name]
    assert any("先说这句" in page for page in pages)


# -- editions -------------------------------------------------------------------------------------


def _files(root: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file() and "cache" not in path.parts
    }


def test_what_was_released_has_its_date_whenever_it_is_built(root: Path) -> None:
    """Anyone can make an edition again, byte for byte; what has changed since has a date anew."""

    def built(time: str) -> dict[str, bytes]:
        made = studyguide("build", "apkg", "pdf", "epub", "--root", root, SOURCE_DATE_EPOCH=time)
        assert made.returncode == 0, made.stderr
        return {path.suffix: path.read_bytes() for path in (root / "build").glob("*.*")}

    studyguide("release", "1", "--root", root, SOURCE_DATE_EPOCH="1780000000")
    edition = built("1780000500")
    assert built("1780001000") == edition
    chapter = root / "content/basics/first.md"
    chapter.write_text(chapter.read_text("utf-8").replace("等于二", "就是二"), "utf-8")
    previews = built("1780000500"), built("1780001000")
    assert all(previews[0][suffix] != previews[1][suffix] for suffix in edition)


def test_releases(root: Path) -> None:
    first = studyguide("release", "1", "--root", root, SOURCE_DATE_EPOCH="1780000000")
    assert first.returncode == 0, first.stderr
    assert first.stdout.splitlines() == [
        "Released 1, 1 note, for the first time.",
        "Commit content/ledger.yaml and content/CHANGES.md, then build.",
        "Readers do not see it yet: add CHANGES.md to “back” in content/book.yaml.",
    ]
    again = studyguide("release", "1", "--root", root)
    assert again.returncode == 1
    assert "[release-order]" in again.stderr
    book = root / "content/book.yaml"
    book.write_text(book.read_text("utf-8").replace('edition: "1"', 'edition: "2"'), "utf-8")
    idle = studyguide("release", "2", "--root", root)
    assert idle.stdout == "Nothing has changed since release 1; nothing was written.\n"
    chapter = root / "content/basics/first.md"
    chapter.write_text(chapter.read_text("utf-8").replace("等于二", "就是二"), "utf-8")
    second = studyguide("release", "2", "--root", root)
    assert "  changed   q-one-plus-one" in second.stdout.splitlines()
    assert (root / "content/CHANGES.md").read_text("utf-8").count("## 第") == 2
    assert studyguide("check", "--root", root).returncode == 0


def test_a_release_at_no_time(root: Path) -> None:
    result = studyguide("release", "1", "--root", root, SOURCE_DATE_EPOCH="soon")
    assert result.returncode == 1
    assert "SOURCE_DATE_EPOCH" in result.stderr
    assert not (root / "content/ledger.yaml").exists()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("notes:\n", "<<<<<<< HEAD\nnotes:\n=======\nnotes:\n>>>>>>> theirs\n"),
        ("guid: ", "gu1d: "),
        ("  - {kind: q", "  - {kind: {q: [}"),
        ("format: 1", "format: 1\n\tx: 1"),
        ("releases:", "releases: &a [*a]\nx:"),
        ("title: ", "title: [[[[[[[[[[[[[[[[[[[["),
    ],
)
def test_a_damaged_ledger_changes_nothing(root: Path, before: str, after: str) -> None:
    studyguide("release", "1", "--root", root, SOURCE_DATE_EPOCH="1780000000")
    assert studyguide("build", "apkg", "--root", root).returncode == 0
    ledger = root / "content/ledger.yaml"
    ledger.write_text(ledger.read_text("utf-8").replace(before, after, 1), "utf-8")
    files = _files(root)
    for command in (("check",), ("build", "apkg"), ("release", "1")):
        result = studyguide(*command, "--root", root)
        assert result.returncode == 1
        assert "content/ledger.yaml:" in result.stdout + result.stderr
        assert "Traceback" not in result.stderr
    assert _files(root) == files
