"""What takes long and several modules read, made once: the real book's EPUBs and its handbook.

And the EPUBs of a book with every construct.
"""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path

import pytest

from tests.conftest import with_faces
from tests.epub_client import BOOKS, EXPORTERS, Epub, Source, load_source
from tests.pdf_client import Handbook, print_book


@cache
def _read(book: str) -> Source:
    return load_source(BOOKS[book])


@cache
def _make(source: Source, flavour: str) -> Epub:
    with tempfile.TemporaryDirectory() as folder:
        return Epub(flavour, source.export(flavour, Path(folder), jobs=2))


@pytest.fixture(scope="session")
def fixture() -> Source:
    return _read("fixture")


@pytest.fixture(scope="session", params=BOOKS)
def source(request: pytest.FixtureRequest) -> Source:
    return _read(request.param)


@pytest.fixture(scope="session", params=EXPORTERS)
def epub(request: pytest.FixtureRequest, source: Source) -> Epub:
    return _make(source, request.param)


@pytest.fixture(scope="session")
def handbook(font_cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Handbook:
    """The book that ships."""
    folder = tmp_path_factory.mktemp("handbook")
    return print_book(_read("real"), with_faces(font_cache, folder))
