"""Objects → handbook: pages, fonts, page numbers, links, outline and structure of all sections.

Built on pikepdf. The clauses named are ISO 32000-1's.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pikepdf
from pikepdf import Array, Dictionary, Name, String

from generator.exporters.print_numbers import Numbering, Settled
from generator.exporters.print_object import Bookmark, LaidOut, Slot
from generator.render import PLACE
from generator.typography.embedding import PrintedFace
from generator.typography.fonts import BookFonts


class LinkError(Exception):
    """The sections do not make a book; the message says why."""


@dataclass(frozen=True, slots=True)
class About:
    """What the file says of itself. ``timestamp``: seconds since 1970."""

    title: str
    authors: tuple[str, ...]
    subject: str
    language: str
    identifier: str
    timestamp: int


def link(settled: Settled, fonts: BookFonts, about: About) -> bytes:
    """The finished file: the same sections, fonts and description give the same bytes.

    Raises :class:`LinkError`.
    """
    _check_anchors(settled.objects)
    linker = _Linker(fonts, settled.numbering)
    for start, laid in zip(settled.numbering.starts, settled.objects, strict=True):
        linker.add(start, laid)
    return linker.finish(about)


def _check_anchors(objects: Sequence[LaidOut]) -> None:
    known: set[str] = set()
    for laid in objects:
        if double := known & laid.anchors.keys():
            raise LinkError(f"two places are called {min(double)}")
        known |= laid.anchors.keys()
    if lost := {target for laid in objects for target in laid.links} - known:
        raise LinkError(f"links lead to {', '.join(sorted(lost))}, which is nowhere")


class _Linker:
    """The file in the making."""

    def __init__(self, fonts: BookFonts, numbering: Numbering) -> None:
        self._out = pikepdf.new()
        self._numbering = numbering
        self._fonts = _Fonts(self._out, fonts)
        self._images: dict[bytes, Any] = {}
        self._anchors: dict[str, Array] = {}
        self._bookmarks: list[tuple[Bookmark, Any]] = []
        self._structure = _Structure(self._out)
        self._version = "1.7"

    def add(self, start: int, laid: LaidOut) -> None:
        """Add a section, whose first page will have the index ``start``."""
        with pikepdf.open(io.BytesIO(laid.pdf)) as source:
            self._version = source.pdf_version
            while len(self._out.pages) < start:
                self._add_empty_page()
            for page in source.pages:  # before the structure, which points to them
                self._out.pages.append(page)
            pages = [self._out.pages[start + index].obj for index in range(laid.pages)]
            self._fonts.share(pages[0].Resources.Font, laid)
            self._share_images(pages[0].Resources)
            self._write_numbers(start, pages, laid)
            self._structure.add(source, pages)
        for name, place in laid.anchors.items():
            if name.startswith(PLACE):  # nothing leads to a paragraph
                continue
            self._anchors[name] = _destination(pages[place.page], place.x, place.y)
        self._bookmarks += [(bookmark, pages[bookmark.place.page]) for bookmark in laid.bookmarks]

    def _add_empty_page(self) -> None:
        """An empty page like the last. It has no /Contents: Ghostscript rejects empty streams."""
        last = self._out.pages[-1].obj
        page = Dictionary(Type=Name.Page, Resources=Dictionary())
        for key in ("/MediaBox", "/TrimBox", "/BleedBox"):
            page[key] = last[key]
        self._out.pages.append(pikepdf.Page(page))

    def _share_images(self, resources: Any) -> None:
        """Keep pictures once that several sections show."""
        images = resources.get("/XObject", {})
        for key, image in images.items():
            if image.get("/Subtype") == "/Image":
                data = image.read_raw_bytes()
                data += image.SMask.read_raw_bytes() if "/SMask" in image else b""
                images[key] = self._images.setdefault(hashlib.sha256(data).digest(), image)

    def _write_numbers(self, start: int, pages: Sequence[Any], laid: LaidOut) -> None:
        for slot in laid.slots:
            own = self._numbering.page_labels[start + slot.page]
            label = self._numbering.labels[slot.target] if slot.target else own
            pages[slot.page].Contents[slot.piece].write(self._fonts.show(label, slot))

    def finish(self, about: About) -> bytes:
        """Write what the file has once, and the file."""
        out = self._out
        self._fonts.embed()
        self._structure.finish()
        out.Root.Names = Dictionary(Dests=_name_tree(self._anchors))
        ranges = [(index, Dictionary(S=Name("/" + s))) for index, s in self._numbering.ranges]
        out.Root.PageLabels = Dictionary(Nums=_flatten(ranges))
        if self._bookmarks:
            out.Root.Outlines = _outline(out, self._bookmarks)
            out.Root.PageMode = Name.UseOutlines
        out.Root.Lang = String(about.language)
        out.Root.ViewerPreferences = Dictionary(DisplayDocTitle=True)
        _describe(out, about)
        data = io.BytesIO()
        out.save(
            data,
            min_version=self._version,
            deterministic_id=True,
            object_stream_mode=pikepdf.ObjectStreamMode.generate,
        )
        return data.getvalue()


def _destination(page: Any, x: float, y: float) -> Array:
    return Array([page, Name.XYZ, round(x, 3), round(y, 3), 0])


def _flatten(pairs: Iterable[tuple[Any, Any]]) -> Array:
    return Array([item for pair in pairs for item in pair])


def _name_tree(entries: Mapping[str, Any]) -> Dictionary:
    """A name tree of one leaf (7.9.6): names in the order of their bytes."""
    names = sorted((bytes(String(name)), name) for name in entries)
    return Dictionary(Names=_flatten((String(name), entries[name]) for _, name in names))


def _describe(out: pikepdf.Pdf, about: About) -> None:
    """The document information (14.3.3) and metadata (14.3.2).

    They call the file PDF/UA-1 (ISO 14289-1, 5): descriptions of all figures and formulas, heads of
    all tables and headings that nest are what a book cannot be built without, and the rest is
    ours. A test holds the structure of finished files against it.
    """
    time = datetime.fromtimestamp(about.timestamp, UTC).strftime("D:%Y%m%d%H%M%SZ")
    entries = {
        "/Title": about.title,
        "/Author": ", ".join(about.authors),
        "/Subject": about.subject,
        "/Creator": "studyguide",
        "/Producer": f"WeasyPrint, pikepdf {pikepdf.__version__}",
        "/CreationDate": time,
        "/ModDate": time,
    }
    for key, text in entries.items():
        if text:
            out.docinfo[key] = text
    with out.open_metadata(set_pikepdf_as_editor=False, update_docinfo=False) as metadata:
        metadata["dc:title"] = about.title
        metadata["dc:creator"] = list(about.authors)
        metadata["dc:language"] = {about.language}
        metadata["dc:identifier"] = about.identifier
        metadata["pdfuaid:part"] = "1"


# -- fonts ----------------------------------------------------------------------------------------


class _Fonts:
    """The fonts that all sections share, and one cut of each face.

    Sections name a font alike and use the glyph ids of its face.
    """

    def __init__(self, out: pikepdf.Pdf, fonts: BookFonts) -> None:
        self._out = out
        self._files = fonts.files
        self._faces: dict[str, PrintedFace] = {}
        self._objects: dict[str, Any] = {}
        self._roles: dict[str, str] = {}
        self._texts: dict[str, dict[int, str]] = {}

    def share(self, resources: Any, laid: LaidOut) -> None:
        """Put the book's fonts in the place of a section's."""
        for name, font in laid.fonts.items():
            if name not in self._objects:
                self._objects[name] = resources[f"/{name}"]
                self._roles[name] = font.role
                self._texts[name] = {}
            resources[f"/{name}"] = self._objects[name]
            for glyph, text in font.text.items():  # of several texts of a glyph the first counts
                self._texts[name].setdefault(glyph, text)

    def _face(self, name: str) -> PrintedFace:
        role = self._roles[name]
        if role not in self._faces:
            self._faces[role] = PrintedFace(self._files[role])
        return self._faces[role]

    def show(self, label: str, slot: Slot) -> bytes:
        """The operator that shows a page number in its slot (9.4.3)."""
        face = self._face(slot.font)
        glyphs = face.shape(label, tabular=label.isdigit())
        zero = face.slot_zero
        room = slot.count * face.width(zero or 0) - sum(map(face.width, glyphs))
        if room < 0 or 0 in glyphs:
            raise LinkError(f"the page number {label} does not fit into {slot.count} digits")
        self._texts[slot.font].update(zip(glyphs, label, strict=True))
        shift = f"{-room * slot.left:g}" if room else ""
        return f"[{shift}<{''.join(f'{glyph:04x}' for glyph in glyphs)}>] TJ".encode()

    def embed(self) -> None:
        """Cut each face to the glyphs in use, and tell their widths and texts."""
        for role in dict.fromkeys(self._roles.values()):
            names = [name for name in self._objects if self._roles[name] == role]
            cut = self._face(names[0]).cut(glyph for name in names for glyph in self._texts[name])
            entries = {"Subtype": Name(cut.subtype)} if cut.subtype else {"Length1": len(cut.data)}
            stream = self._out.make_stream(cut.data, **entries)
            for name in names:
                self._describe(name, cut.key, stream)

    def _describe(self, name: str, key: str, stream: Any) -> None:
        """Complete a font's dictionaries (9.7.4, 9.8, 9.10.3)."""
        font, face = self._objects[name], self._face(name)
        widths = {glyph: face.width(glyph) for glyph in sorted(self._texts[name])}
        (descendant,) = font.DescendantFonts
        descriptor = descendant.FontDescriptor
        font.ToUnicode = self._out.make_stream(_character_map(self._texts[name]))
        descendant.W = _width_array(widths)
        if key == "/FontFile3" and "/CIDToGIDMap" in descendant:
            del descendant.CIDToGIDMap  # for TrueType only: here the charset tells
        is_fixed = len(set(widths.values())) == 1 < len(widths)
        descriptor.Flags = int(descriptor.Flags) & ~1 | is_fixed
        descriptor.FontBBox[2] = max(widths.values(), default=0)
        for old in ("/FontFile2", "/FontFile3"):
            if old in descriptor:
                del descriptor[old]
        descriptor[key] = stream


def _width_array(widths: Mapping[int, int]) -> Array:
    """Widths by glyph id, runs of ids together (9.7.4.3)."""
    runs: list[tuple[int, list[int]]] = []
    for glyph, width in widths.items():
        if runs and glyph == runs[-1][0] + len(runs[-1][1]):
            runs[-1][1].append(width)
        else:
            runs.append((glyph, [width]))
    return _flatten((first, Array(run)) for first, run in runs)


_MAP_HEAD = b"""/CIDInit /ProcSet findresource begin
12 dict begin
begincmap
/CIDSystemInfo
<< /Registry (Adobe)
/Ordering (UCS)
/Supplement 0
>> def
/CMapName /Adobe-Identity-UCS def
/CMapType 2 def
1 begincodespacerange
<0000> <ffff>
endcodespacerange
"""
_MAP_TAIL = b"endcmap\nCMapName currentdict /CMap defineresource pop\nend\nend"


def _character_map(texts: Mapping[int, str]) -> bytes:
    """What text each glyph stands for; no more than 100 in a block (9.10.3)."""
    lines = [
        f"<{glyph:04x}> <{text.encode('utf-16-be').hex()}>\n".encode()
        for glyph, text in sorted(texts.items())
    ]
    blocks = [lines[begin : begin + 100] for begin in range(0, len(lines), 100)]
    body = (b"%d beginbfchar\n%sendbfchar\n" % (len(block), b"".join(block)) for block in blocks)
    return _MAP_HEAD + b"".join(body) + _MAP_TAIL


# -- structure ------------------------------------------------------------------------------------


class _Structure:
    """The structure tree of the whole file (14.7)."""

    def __init__(self, out: pikepdf.Pdf) -> None:
        self._out = out
        self._document = out.make_indirect(
            Dictionary(Type=Name.StructElem, S=Name.Document, K=Array())
        )
        self._parents: list[Any] = []

    def add(self, source: pikepdf.Pdf, pages: Sequence[Any]) -> None:
        """Add the structure of a section, whose pages are in the file already."""
        tree = self._out.copy_foreign(source.Root.StructTreeRoot)
        (document,) = tree.K
        for element in document.K:
            element.P = self._document
            self._document.K.append(element)
        shift = len(self._parents)
        self._parents += list(tree.ParentTree.Nums)[1::2]
        for page in pages:
            page.StructParents = int(page.StructParents) + shift
            for annotation in page.get("/Annots", []):
                annotation.StructParent = int(annotation.StructParent) + shift

    def finish(self) -> None:
        """Hang the tree into the file."""
        parents = self._out.make_indirect(Dictionary(Nums=_flatten(enumerate(self._parents))))
        root = self._out.make_indirect(
            Dictionary(
                Type=Name.StructTreeRoot,
                K=Array([self._document]),
                ParentTree=parents,
                ParentTreeNextKey=len(self._parents),
            )
        )
        self._document.P = root
        self._out.Root.StructTreeRoot = root
        self._out.Root.MarkInfo = Dictionary(Marked=True)


# -- outline --------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Line:
    """A line of the outline with those below it."""

    level: int
    entry: Any
    below: list[_Line]


def _outline(out: pikepdf.Pdf, bookmarks: Iterable[tuple[Bookmark, Any]]) -> Any:
    """The outline (12.3.3): a bookmark belongs to the last one of a higher level."""
    root = _Line(0, out.make_indirect(Dictionary(Type=Name.Outlines)), [])
    path = [root]
    for bookmark, page in bookmarks:
        place = bookmark.place
        entry = Dictionary(Title=String(bookmark.title), Dest=_destination(page, place.x, place.y))
        line = _Line(bookmark.level, out.make_indirect(entry), [])
        while path[-1].level >= line.level:
            path.pop()
        path[-1].below.append(line)
        path.append(line)
    _chain(root)
    return root.entry


def _chain(line: _Line) -> int:
    """Link a line with those below it; return how many these are, all levels counted."""
    count = 0
    for before, after in _neighbours(line.below):
        after.entry.Parent = line.entry
        if before is not None:
            before.entry.Next, after.entry.Prev = after.entry, before.entry
        count += 1 + _chain(after)
    if line.below:
        line.entry.First, line.entry.Last = line.below[0].entry, line.below[-1].entry
        line.entry.Count = count
    return count


def _neighbours(lines: Sequence[_Line]) -> Iterator[tuple[_Line | None, _Line]]:
    return zip([None, *lines], lines, strict=False)
