"""The EPUBs of two books, made once: one with every construct, and the real one."""

from __future__ import annotations

import pytest

from tests.epub_client import BOOKS, EXPORTERS, Epub, Source, load_source


@pytest.fixture(scope="session")
def fixture() -> Source:
    return load_source(BOOKS["fixture"])


@pytest.fixture(scope="session", params=BOOKS)
def source(request: pytest.FixtureRequest, fixture: Source) -> Source:
    return fixture if request.param == "fixture" else load_source(BOOKS[request.param])


@pytest.fixture(scope="session", params=EXPORTERS)
def epub(
    request: pytest.FixtureRequest, source: Source, tmp_path_factory: pytest.TempPathFactory
) -> Epub:
    cache = tmp_path_factory.mktemp("cache")
    return Epub(request.param, source.export(request.param, cache, jobs=2))
