"""What holds for all tests: under CI nothing is skipped, and nothing is left to chance.

And the book's faces, which several tests use.
"""

from __future__ import annotations

import os
from collections.abc import Generator
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import settings

from generator.typography.fonts import BookFonts, prepare_book_fonts

Report = TypeVar("Report", pytest.TestReport, pytest.CollectReport)

READERS_OF_THE_HANDBOOK = frozenset({"test_epub_pages", "test_pdf", "test_pdf_linking"})

IN_CI = os.environ.get("CI") == "true"

# A deadline measures the machine; fixed examples make a red run repeatable.
settings.register_profile("ci", deadline=None, derandomize=True)
settings.register_profile("local", deadline=None)
settings.load_profile("ci" if IN_CI else "local")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest goes first, so that no process is left with it in the end."""
    items.sort(key=lambda item: item.path.stem != "test_epub_gates")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Where tests run side by side, those of a module share a process, and so what they make.

    So do the modules that read the real handbook, which takes a minute to make. (pytest-xdist has
    groups for this; it finds none with pytest 9.2.)
    """
    from xdist.scheduler import LoadScopeScheduling

    class ByModule(LoadScopeScheduling):  # type: ignore[misc] # pytest-xdist has no types
        def _split_scope(self, nodeid: str) -> str:
            module = nodeid.partition("::")[0]
            return "handbook" if Path(module).stem in READERS_OF_THE_HANDBOOK else module

    return ByModule(config, log)


def _forbid_skip(report: Report) -> Report:
    if IN_CI and report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"CI skips nothing, but this test: {reason}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    return _forbid_skip((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    return _forbid_skip((yield))


@pytest.fixture(scope="session")
def font_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache with the book's faces, whose preparation takes seconds."""
    folder = tmp_path_factory.mktemp("fonts") / "new" / "cache"
    prepare_book_fonts(folder)
    return folder


@pytest.fixture(scope="session")
def book_fonts(font_cache: Path) -> BookFonts:
    return prepare_book_fonts(font_cache)


@pytest.fixture(scope="module")
def cache(font_cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A module's own cache of the handbook, with nothing in it but the faces."""
    return with_faces(font_cache, tmp_path_factory.mktemp("pdf-cache"))


def with_faces(font_cache: Path, folder: Path) -> Path:
    """Put the faces into another cache."""
    for face in font_cache.iterdir():
        (folder / face.name).hardlink_to(face)
    return folder
