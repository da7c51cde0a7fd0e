"""The EPUB container (EPUB 3.3): package document, navigation, and the ZIP file around them."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from uuid import NAMESPACE_URL, uuid5

from generator.characters import is_han
from generator.exporters import Context
from generator.exporters.epub_documents import Document, Entry, Volume
from generator.exporters.epub_pages import Pages, break_pages

_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The earliest time that ZIP knows: a file's time would say only when it was built."""

_MEDIA_TYPES = {
    "css": "text/css",
    "jpg": "image/jpeg",
    "ncx": "application/x-dtbncx+xml",
    "png": "image/png",
    "svg": "image/svg+xml",
    "webp": "image/webp",
    "xhtml": "application/xhtml+xml",
}

_COVER = "img/cover.png"

_GUIDE = {
    "cover": "cover",
    "titlepage": "title-page",
    "bodymatter": "text",
    "glossary": "glossary",
    "colophon": "colophon",
}
"""EPUB 2's names of the landmarks (OPF 2.0.1, 2.6)."""


@dataclass(frozen=True, slots=True)
class Item:
    """An entry of the manifest."""

    id: str
    path: str
    media_type: str
    properties: str


@dataclass(frozen=True, slots=True)
class Landmark:
    """A place of structural importance; ``guide`` is what EPUB 2 calls its type."""

    type: str
    guide: str
    title: str
    path: str


def pack(volume: Volume, context: Context, suffix: str) -> bytes:
    """The bytes of the EPUB."""
    book = volume.book
    pages = Pages.of(context.found.get("pdf"))
    documents, breaks = break_pages(volume.documents, pages) if pages else (volume.documents, [])
    files = _files(volume, documents, context)
    toc = Document("nav", "目录", "", "toc")
    spine = [*documents]
    spine.insert(volume.contents_position, toc)
    variables: dict[str, object] = {
        "book": book,
        "identifier": uuid5(NAMESPACE_URL, f"studyguide:{book.uid}/{book.id}{suffix}").urn,
        "modified": datetime.fromtimestamp(context.date, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "contents": volume.contents,
        "depth": _depth(volume.contents),
        "landmarks": _landmarks(volume, toc),
        "spine": [document.name for document in spine],
        "cover": _COVER,
        "features": _features(files),
        "breaks": breaks,
        "page_source": pages.source if pages else "",
    }
    for name in ("nav.xhtml", "toc.ncx"):
        files[name] = context.templates.render(f"epub/{name}.j2", **variables).encode()
    variables["items"] = [_item(path, files[path]) for path in files]
    container = context.templates.render("epub/container.xml.j2")
    package = context.templates.render("epub/package.opf.j2", **variables)
    return _zip(
        {
            "META-INF/container.xml": container.encode(),
            "EPUB/package.opf": package.encode(),
            **{f"EPUB/{path}": data for path, data in files.items()},
        }
    )


def _files(volume: Volume, documents: Sequence[Document], context: Context) -> dict[str, bytes]:
    """Everything but the package's own files, by path."""
    templates = context.templates
    files = {document.path: document.xhtml.encode() for document in documents}
    files["css/epub.css"] = templates.source("epub/epub.css").encode()
    book = volume.book
    cover = templates.render(
        "epub/cover.svg.j2",
        book=book,
        lines=title_lines(book.title),
        upright=is_upright(book.title, book.subtitle),
    )
    makers: dict[str, Callable[[], bytes]] = {_COVER: partial(volume.images.drawings.cover, cover)}
    makers |= sorted(volume.images.makers.items())
    # Drawing is done outside Python, without its lock.
    with ThreadPoolExecutor(max(1, context.jobs)) as pool:
        pictures = pool.map(lambda make: make(), makers.values())
        files |= dict(zip(makers, pictures, strict=True))
    return files


def title_lines(title: str, measure: int = 8) -> list[str]:
    """The title in lines of about equal length, none of more than ``measure`` characters."""
    count = -(-len(title) // measure)
    length = -(-len(title) // count)
    return [title[start : start + length].strip() for start in range(0, len(title), length)]


def is_upright(title: str, subtitle: str) -> bool:
    """Whether they can be set in columns: nothing but Han, and few enough to be large."""
    return all(map(is_han, title + subtitle)) and len(title) <= 10 and len(subtitle) <= 18


def _item(path: str, data: bytes) -> Item:
    folder, _, name = path.rpartition("/")
    stem, _, suffix = name.rpartition(".")
    properties = {"nav.xhtml": "nav", _COVER: "cover-image"}.get(path, "")
    if suffix == "xhtml" and b"<math" in data:
        properties = "mathml"
    identifier = stem if folder in {"", "text"} else f"{folder}-{stem}"
    return Item(identifier, path, _MEDIA_TYPES[suffix], properties)


def _features(files: Mapping[str, bytes]) -> dict[str, bool]:
    """What the accessibility metadata may truthfully claim."""
    texts = [data for path, data in files.items() if path.endswith(".xhtml")]
    return {
        "pictures": any(b"<img" in data for data in texts[1:]),  # the first one is the cover
        "mathml": any(b"<math" in data for data in texts),
        "formula_pictures": any(path.startswith("math/") for path in files),
    }


def _landmarks(volume: Volume, toc: Document) -> list[Landmark]:
    found = [
        Landmark(document.landmark, _GUIDE[document.landmark], document.title, document.path)
        for document in volume.documents
        if document.landmark
    ]
    found.insert(2, Landmark("toc", "toc", toc.title, "nav.xhtml"))
    return found


def _depth(entries: Sequence[Entry]) -> int:
    return 1 + max((_depth(entry.children) for entry in entries), default=0) if entries else 0


def _zip(files: Mapping[str, bytes]) -> bytes:
    """A ZIP file whose bytes depend on nothing but ``files`` (EPUB 3.3, OCF ZIP container)."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(_entry("mimetype", zipfile.ZIP_STORED), b"application/epub+zip")
        for path, data in files.items():
            # Level 9 takes half as long again and saves a hundredth.
            archive.writestr(_entry(path, zipfile.ZIP_DEFLATED), data, compresslevel=6)
    return buffer.getvalue()


def _entry(path: str, method: int) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(path, _EPOCH)
    entry.compress_type = method
    entry.create_system = 3  # Unix, on every machine
    entry.external_attr = 0o644 << 16
    return entry
