"""A few chapters of the real book as a book of its own, for tests that lay a book out often."""

from __future__ import annotations

import re
import shutil
from collections.abc import Collection
from pathlib import Path

import yaml

from tests.pdf_client import ROOT

_LINK = re.compile(r"\[([^\]]*)\]\(#([a-z0-9-]+)\)")
_ID = re.compile(r"\{#([a-z0-9-]+)")


def copy_chapters(chapters: Collection[str], root: Path) -> Path:
    """Write the book of these chapters; links that would lead out of it keep their words only."""
    content = root / "content"
    shutil.copytree(ROOT / "content", content, ignore=shutil.ignore_patterns("ledger.yaml"))
    settings = yaml.safe_load((content / "book.yaml").read_text(encoding="utf-8"))
    for part in settings["parts"]:
        part["chapters"] = [kept for kept in part["chapters"] if kept["id"] in chapters]
    settings["parts"] = [part for part in settings["parts"] if part["chapters"]]
    text = yaml.safe_dump(settings, allow_unicode=True, sort_keys=False)
    (content / "book.yaml").write_text(text, encoding="utf-8")
    texts = {}
    for path in content.glob("*/*.md"):
        if path.stem in chapters:
            texts[path] = path.read_text(encoding="utf-8")
        else:
            path.unlink()
    ids = {name for text in texts.values() for name in _ID.findall(text)}
    for path, text in texts.items():
        path.write_text(
            _LINK.sub(lambda link: link[0] if link[2] in ids else link[1], text), encoding="utf-8"
        )
    return root
