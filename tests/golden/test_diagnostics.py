"""Every diagnostic code has a folder of files that provoke it, laid over a book without faults."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from generator.build import Options, build_book, check_book
from generator.cli import QUIET
from generator.diagnostics import CODES, BookError, Diagnostics, Severity
from generator.lint import lint_book
from generator.release import Wanted, release_book
from tests.golden.conftest import Golden

HERE = Path(__file__).parent
CASES = HERE / "diagnostics"
MINIMAL = HERE.parent / "fixtures" / "minimal"
CHAPTER = "content/basics/first.md"
NOW = 1_790_000_000


def _append(text: str) -> Callable[[Path], None]:
    def append(root: Path) -> None:
        with (root / CHAPTER).open("a", encoding="utf-8") as file:
            file.write(text)

    return append


PREPARE: dict[str, Callable[[Path], None]] = {
    # What is too long to be kept in files.
    "file-too-large": _append("\n" + "长" * 2_000_000),
    "paragraph-too-long": _append("\n" + "长" * 60_000),
}


def _diagnose(root: Path, formats: list[str]) -> Diagnostics:
    diagnostics = Diagnostics()
    release = root / "release"  # version and time
    try:
        if release.exists():
            version, time = release.read_text().split()
            release_book(root, Wanted(version, int(time), NOW), diagnostics, QUIET)
        elif formats:
            build_book(Options(root, root / "build", formats), diagnostics, QUIET)
        else:
            book, _ = check_book(root, None, diagnostics, QUIET)
            diagnostics.extend(lint_book(book))
    except BookError as error:
        diagnostics.extend(error.diagnostics)
    return diagnostics


def _text(diagnostics: Diagnostics) -> str:
    lines = []
    for item in diagnostics:
        lines.append(str(item))
        if item.hint:
            lines.append(f"    {item.hint}")
    return "\n".join(lines) + "\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return Path(shutil.copytree(MINIMAL, tmp_path / "book"))


def test_the_book_below_the_cases_has_no_fault(root: Path) -> None:
    assert list(_diagnose(root, [])) == []


@pytest.mark.parametrize("code", CODES)
def test_code(code: str, root: Path, golden: Golden, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = CASES / code
    shutil.copytree(folder, root, dirs_exist_ok=True)
    if code in PREPARE:
        PREPARE[code](root)
    if code == "line-finishing-off":
        monkeypatch.setattr("generator.typography.hooks.is_pinned_weasyprint", lambda: False)
    if code == "fonts-missing":
        monkeypatch.setattr("generator.typography.fonts._installed", dict)
        monkeypatch.setattr("platform.system", lambda: "Linux")  # the command is the system's
    formats = root / "formats"
    diagnostics = _diagnose(root, formats.read_text().split() if formats.exists() else [])
    assert code in {item.code for item in diagnostics}
    assert diagnostics.has_errors is (CODES[code].severity is Severity.ERROR)
    golden(folder / "expected.txt", _text(diagnostics))


def test_no_folder_without_a_code() -> None:
    assert {folder.name for folder in CASES.iterdir()} == set(CODES)
