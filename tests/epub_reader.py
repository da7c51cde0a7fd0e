"""A reading program in a headless browser: epub.js, and what shows whether its pages are right."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from tests.browser import Browser, read_scripts
from tests.epub_client import NODE_MODULES

EPUB_JS = NODE_MODULES / "epubjs" / "dist" / "epub.min.js"
_JSZIP = NODE_MODULES / "jszip" / "dist" / "jszip.min.js"

_PAGE = """<!doctype html>
<html lang="zh-CN">
<head>
<meta charset="utf-8">
<title>Reader</title>
<link rel="icon" href="data:,">
<style>body { margin: 0 }</style>
<script src="/jszip.js"></script>
<script src="/epub.js"></script>
<script src="/reader.js"></script>
</head>
<body><div id="area"></div></body>
</html>"""


class Reader:
    """The program's window with a book open in it."""

    def __init__(self, browser: Browser, address: str, theme: str) -> None:
        self.browser = browser
        self.address = address
        self.documents: list[str] = browser.evaluate(f"openBook({json.dumps(theme)})")

    def find(self, selectors: Iterable[str]) -> dict[str, str]:
        """The first document that holds what a selector names, for those that are found."""
        found: dict[str, str] = self.browser.evaluate(f"find({json.dumps([*selectors])})")
        return found

    def show(self, document: str, selector: str = "") -> None:
        """Turn to a document, or to the widest element of a kind in it."""
        self.browser.evaluate(f"show({json.dumps(document)}, {json.dumps(selector)})")

    def unfold(self) -> None:
        """Open what is folded away."""
        self.browser.evaluate("unfold()")

    def follow(self, selector: str, aim: str) -> bool:
        """Click on a link. Whether the page turns to what it should lead to."""
        return bool(self.browser.evaluate(f"follow({json.dumps(selector)}, {json.dumps(aim)})"))

    def is_on_screen(self, selector: str) -> bool:
        return bool(self.browser.evaluate(f"isOnScreen({json.dumps(selector)})"))

    def add(self, xhtml: str) -> None:
        """Put something at the end of the document."""
        self.browser.evaluate(f"add({json.dumps(xhtml)})")

    def boxes(self) -> list[tuple[str, tuple[int, int, int, int]]]:
        """The formulas and figures that are whole on the screen, and where, in pixels."""
        found = self.browser.evaluate("boxesOnScreen()")
        return [(name, (left, top, right, bottom)) for name, left, top, right, bottom in found]

    def faults(self, themes: Iterable[str]) -> list[str]:
        """What is wrong with the looks of the document, and with requests and scripts."""
        seen: list[str] = self.browser.evaluate("pageFaults()")
        for theme in themes:
            self.browser.evaluate(f"select({json.dumps(theme)})")
            seen += self.browser.evaluate("colourFaults()")
        return seen + self.browser.complaints(self.address)


@contextmanager
def open_reader(
    browser: Browser, epub: bytes, size: tuple[int, int], theme: str
) -> Iterator[Reader]:
    """The book in a window of this size, in a theme of ``epub_reader.js``."""
    files = {
        "/": ("text/html", _PAGE.encode()),
        "/jszip.js": ("text/javascript", _JSZIP.read_bytes()),
        "/epub.js": ("text/javascript", EPUB_JS.read_bytes()),
        "/reader.js": ("text/javascript", read_scripts("contrast.js", "epub_reader.js").encode()),
        "/book.epub": ("application/epub+zip", epub),
    }

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            kind, data = files.get(self.path, ("", b""))
            self.send_response(200 if kind else 404)
            self.send_header("Content-Type", f"{kind}; charset=utf-8")
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}/"
        browser.complaints(address)
        browser.open(address, *size)
        yield Reader(browser, address, theme)
        browser.open("about:blank", *size)
        server.shutdown()
