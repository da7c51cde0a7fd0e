"""Take the README's pictures from the built book: a page, a card by day and night, a chapter.

``make pictures`` runs it. It needs what the tests need, and a Chromium on the PATH. What is shown
is named by an id, so that the pictures stay right when pages move.
"""

from __future__ import annotations

import ctypes
import html
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from importlib.metadata import distribution
from pathlib import Path

import pypdfium2
from anki.collection import Collection, ImportAnkiPackageRequest
from PIL import Image
from pypdfium2 import raw as pdfium

ROOT = Path(__file__).parent.parent
BOOK = ROOT / "build" / "llm-interview"
PICTURES = ROOT / "docs" / "pictures"

SPREAD = ("q-self-attention-params", "q-emergent-abilities")
CARD = "why-scale-sqrt-d"
CHAPTER = "train-llm-lifecycle"

LARGEST = 250_000
"""Bytes of a picture: a README is read on phones, too."""

SCALE = 2
"""Pixels to a CSS pixel."""

PAGE_WIDTH = 900
GUTTER = 12
"""Pixels."""

SHEET = (10, 3)
"""Columns and rows of the contact sheet."""

THUMBNAIL = 130
"""Pixels of the width of a page on it."""

PHONE = (390, 740)
"""CSS pixels."""

BROWSERS = ("chromium", "google-chrome", "chrome", "chromium-browser")


def main() -> None:
    """Take all pictures."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        sys.exit(f"None of {', '.join(BROWSERS)} is on the PATH. On Debian: apt install chromium")
    PICTURES.mkdir(parents=True, exist_ok=True)
    take_spread()
    take_sheet()
    with tempfile.TemporaryDirectory() as folder:
        take_card(browser, Path(folder))
        take_chapter(browser, Path(folder))


def save(image: Image.Image, name: str) -> None:
    """Write a picture in as few colours as it can do with, and as many as fit its size."""
    path = PICTURES / f"{name}.png"
    for colors in (256, 128, 64, 32, 16):
        image.convert("RGB").quantize(colors).save(path, optimize=True)
        if path.stat().st_size < LARGEST:
            break
    else:
        sys.exit(f"{path} is larger than {LARGEST:,} bytes; show less")
    print(
        f"{path.relative_to(ROOT)}: {image.width} × {image.height}, {path.stat().st_size:,} bytes"
    )


# -- the handbook ---------------------------------------------------------------------------------


def take_spread() -> None:
    """Two pages side by side, each named by an anchor that stands on it."""
    pdf = pypdfium2.PdfDocument(BOOK.with_suffix(".pdf"))
    pages = [_page(pdf, anchor) for anchor in SPREAD]
    width = sum(page.width for page in pages) + GUTTER * (len(pages) - 1)
    spread = Image.new("RGB", (width, pages[0].height), "#d8d8d8")
    for number, page in enumerate(pages):
        spread.paste(page, (number * (page.width + GUTTER), 0))
    save(spread, "handbook")


def take_sheet() -> None:
    """A contact sheet: pages at even steps through the whole book, so that all kinds are on it."""
    pdf = pypdfium2.PdfDocument(BOOK.with_suffix(".pdf"))
    columns, rows = SHEET
    numbers = [round(i * (len(pdf) - 1) / (columns * rows - 1)) for i in range(columns * rows)]
    pages = [pdf[i].render(scale=THUMBNAIL / pdf[i].get_width()).to_pil() for i in numbers]
    width, height = THUMBNAIL + GUTTER // 2, pages[0].height + GUTTER // 2
    sheet = Image.new("RGB", (columns * width, rows * height), "#d8d8d8")
    for number, page in enumerate(pages):
        row, column = divmod(number, columns)
        sheet.paste(page, (column * width, row * height))
    save(sheet, "contact-sheet")


def _page(pdf: pypdfium2.PdfDocument, anchor: str) -> Image.Image:
    target = pdfium.FPDF_GetNamedDestByName(pdf, ctypes.c_char_p(anchor.encode()))
    if not target:
        sys.exit(f"The handbook has no anchor {anchor}; name another in scripts/pictures.py")
    page = pdf[pdfium.FPDFDest_GetDestPageIndex(pdf, target)]
    return page.render(scale=PAGE_WIDTH / page.get_width()).to_pil()


# -- the deck -------------------------------------------------------------------------------------


def take_card(browser: str, folder: Path) -> None:
    """The back of a card as Anki renders it, with Anki's own style sheet and MathJax."""
    collection = Collection(str(folder / "collection.anki2"))
    try:
        options = collection._backend.get_import_anki_package_presets()  # noqa: SLF001 - the dialog's
        package = str(BOOK.with_suffix(".apkg"))
        collection.import_anki_package(
            ImportAnkiPackageRequest(package_path=package, options=options)
        )
        answer = collection.get_card(collection.find_cards(f"编号:{CARD}")[0]).answer()
        media = Path(collection.media.dir()).as_uri()
    finally:
        collection.close()
    for name, classes in (("card-light", "card"), ("card-night", "card nightMode night_mode")):
        page = folder / f"{name}.html"
        page.write_text(_card_page(answer, classes, media), encoding="utf-8")
        save(photograph(browser, page.as_uri(), folder), name)


def _card_page(answer: str, classes: str, media: str) -> str:
    web = Path(str(distribution("aqt").locate_file("_aqt/data/web")))
    configuration = (web / "js/mathjax.js").read_text(encoding="utf-8")
    mathjax = (web / "js/vendor/mathjax").as_uri()
    configuration = configuration.replace("/_anki/js/vendor/mathjax", mathjax)
    configuration = configuration.replace("typeset:!1", "typeset:true")
    return (
        f'<!DOCTYPE html><html lang="zh-CN"><meta charset="utf-8"><base href="{media}/">'
        f"<style>{(web / 'css/reviewer.css').read_text(encoding='utf-8')}</style>"
        f"<script>{configuration}</script>"
        f'<script src="{mathjax}/tex-chtml-full.js"></script>'
        f'<body class="{classes}"><div id="qa">{answer}</div></body></html>'
    )


# -- the EPUB -------------------------------------------------------------------------------------


def take_chapter(browser: str, folder: Path) -> None:
    """A question in the EPUB, with the margins that a reading system would leave."""
    with zipfile.ZipFile(BOOK.with_suffix(".epub")) as epub:
        epub.extractall(folder / "epub")
        name = next(
            name
            for name in epub.namelist()
            if name.endswith(".xhtml") and f'id="q-{CHAPTER}"'.encode() in epub.read(name)
        )
    address = html.escape(f"{(folder / 'epub' / name).as_uri()}#q-{CHAPTER}")
    page = folder / "reader.html"
    page.write_text(
        "<!DOCTYPE html><style>body{margin:40px 20px 0}"
        "iframe{border:0;width:100%;height:calc(100vh - 40px)}</style>"
        f'<iframe scrolling="no" src="{address}"></iframe>',
        encoding="utf-8",
    )
    save(photograph(browser, page.as_uri(), folder), "epub")


def photograph(browser: str, address: str, folder: Path) -> Image.Image:
    """What a phone's screen would show of a page."""
    target = folder / "picture.png"
    command = [
        browser,
        "--headless",
        "--hide-scrollbars",
        "--allow-file-access-from-files",
        f"--force-device-scale-factor={SCALE}",
        f"--user-data-dir={folder / 'profile'}",
        f"--window-size={PHONE[0]},{PHONE[1]}",
        "--virtual-time-budget=20000",
        f"--screenshot={target}",
        *(["--no-sandbox"] if os.geteuid() == 0 else []),
        address,
    ]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    with Image.open(target) as image:
        image.load()
    return image


if __name__ == "__main__":
    main()
