"""The book's faces: found among the system's fonts, taken out of them, made to behave.

Four roles carry the book: Song (body), Hei (headings), Kai (quotation), Mono (code). The CJK faces
get what CSS cannot ask for: contextual half-width spacing (``chws``), and an em dash and a middle
dot that are an em wide as Chinese text has them (CLREQ 3.1.3; GB/T 15834—2011, 4.12 and 4.13).

The faces are whole, whatever the book's characters: what was laid out with them stays good when a
new character comes into the book. The finished file gets cuts of them (:mod:`embedding`).
"""

from __future__ import annotations

import asyncio
import hashlib
import io
import logging
import platform
import subprocess
import tempfile
import unicodedata
from collections.abc import Collection, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any

from generator.stored import keep_newest, read_stored, write_stored

SCHEME = "studyguide:font/"
"""The addresses of the faces, which the layout's fetcher asks :meth:`BookFonts.get` for."""

_FORMAT = 4
"""To be raised when faces are prepared differently: cached ones are then prepared anew."""

_EM_DASH, _MIDDLE_DOT = 0x2014, 0xB7


class FontsMissingError(Exception):
    """Faces are not installed; the message says which, and how to install them."""


@dataclass(frozen=True, slots=True)
class Role:
    """A face's place in the book.

    ``families`` are the installed families that can fill it, best first. ``is_spaced`` faces get
    ``chws`` and the full-width marks. ``space`` is the width in em to which its space is narrowed,
    if any: it stands for the quarter em between Han and Latin (CLREQ 3.2.2). ``ranges`` limit the
    characters it keeps, first and last: CSS's unicode-range makes fontconfig pass over the family
    that comes next.
    """

    name: str
    family: str
    weight: int
    families: tuple[str, ...]
    is_spaced: bool = False
    space: float = 0.0
    ranges: tuple[tuple[int, int], ...] = ((0, 0x10FFFF),)


_SERIF = ("Noto Serif CJK SC", "Source Han Serif SC", "Noto Serif SC")
_SANS = ("Noto Sans CJK SC", "Source Han Sans SC", "Noto Sans SC")
_MONO = ("Noto Sans Mono CJK SC",)
_KAI = ("LXGW WenKai",)
# WenKai's quotation marks, dashes, ellipsis and middle dot are narrow, so that they come from Song.
_KAI_RANGES = ((0x20, 0xB6), (0xB8, 0x200F), (0x2028, 0x10FFFF))

ROLES = (
    Role("song", "Book Song", 400, _SERIF, is_spaced=True),
    Role("song-bold", "Book Song", 700, _SERIF, is_spaced=True),
    Role("hei", "Book Hei", 400, _SANS, is_spaced=True),
    Role("hei-bold", "Book Hei", 700, _SANS, is_spaced=True),
    Role("kai", "Book Kai", 400, _KAI, space=0.25, ranges=_KAI_RANGES),
    Role("mono", "Book Mono", 400, _MONO),
    Role("mono-bold", "Book Mono", 700, _MONO),
)


@dataclass(frozen=True, slots=True)
class Face:
    """An installed face: a file, and the face's index in it."""

    path: Path
    index: int


@dataclass(frozen=True)
class BookFonts:
    """The prepared faces: ``files`` are OpenType data by the role's name.

    ``identity`` names all that they were made of: the same identity, the same files.
    """

    files: Mapping[str, bytes]
    identity: str

    @cached_property
    def css(self) -> str:
        """The @font-face rules."""
        rules = []
        for role in ROLES:
            rules.append(
                f'@font-face{{font-family:"{role.family}";font-weight:{role.weight};'
                f'src:url("{_address(role)}")}}'
            )
        return "\n".join(rules)

    def get(self, address: str) -> tuple[bytes, str] | None:
        """The data and media type behind an address, or ``None`` if it is no face's."""
        data = self.files.get(address.removeprefix(SCHEME).removesuffix(".otf"))
        return None if data is None else (data, "font/otf")

    def missing(self, characters: Collection[str]) -> frozenset[str]:
        """The visible characters that no face has."""
        import uharfbuzz as hb

        left = {character for character in characters if not _is_invisible(character)}
        for data in self.files.values():
            if left:
                left.difference_update(map(chr, hb.Face(hb.Blob(data)).unicodes))
        return frozenset(left)


def prepare_book_fonts(cache: Path) -> BookFonts:
    """Prepare the book's faces.

    Prepared faces are kept in ``cache`` by a hash of all that they are made of; a cache that cannot
    be read or written costs seconds and nothing else. Raises :class:`FontsMissingError` where the
    system lacks a face.
    """
    faces = find_faces()
    names = {role: f"{role.name}-{_key(role, faces[role])}.face" for role in ROLES}
    files = {role.name: _prepared(role, faces[role], cache / names[role]) for role in ROLES}
    identity = hashlib.sha256("".join(names.values()).encode()).hexdigest()
    return BookFonts(files, identity)


def _prepared(role: Role, face: Face, path: Path) -> bytes:
    """A face from the cache, or prepared and put there instead of an earlier one."""
    data = read_stored(path)
    if data is None:
        data = prepare_face(role, face)
        write_stored(path, data)
        name = path.name.rpartition("-")[0]
        own = [file for file in path.parent.glob("*.face") if file.name.rpartition("-")[0] == name]
        keep_newest(own, 1)
    return data


def _key(role: Role, face: Face) -> str:
    """A hash of all that a face is made of."""
    stat = face.path.stat()
    parts = [
        _FORMAT,
        role,
        face,
        stat.st_size,
        stat.st_mtime_ns,
        *(version(package) for package in ("uharfbuzz", "fonttools", "east-asian-spacing")),
    ]
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:32]


def find_faces() -> dict[Role, Face]:
    """The installed face for every role, as fontconfig lists them."""
    installed = _installed()
    found: dict[Role, Face] = {}
    lacking: list[Role] = []
    for role in ROLES:
        style = "Bold" if role.weight > 400 else "Regular"
        face = next(
            (installed[family, style] for family in role.families if (family, style) in installed),
            None,
        )
        if face is None:
            lacking.append(role)
        else:
            found[role] = face
    if lacking:
        names = ", ".join(dict.fromkeys(role.families[0] for role in lacking))
        raise FontsMissingError(f"These fonts are not installed: {names}. {_install_hint()}")
    return found


def _installed() -> dict[tuple[str, str], Face]:
    """Installed faces by family and style; a face may have several names of each."""
    command = ["fc-list", "--format", "%{file}\t%{index}\t%{variable}\t%{family}\t%{style}\n"]
    try:
        listing = subprocess.run(  # noqa: S603 - a fixed command
            command,
            capture_output=True,
            check=True,
            text=True,
            encoding="utf-8",
            errors="surrogateescape",  # in names of files
        ).stdout
    except (OSError, subprocess.CalledProcessError) as error:
        is_mac = platform.system() == "Darwin"
        remedy = "brew install fontconfig" if is_mac else "sudo apt-get install -y fontconfig"
        message = f"fontconfig's fc-list cannot be run ({error}). Install it: {remedy}"
        raise FontsMissingError(message) from error
    faces: dict[tuple[str, str], Face] = {}
    for line in sorted(listing.splitlines()):
        path, index, variable, families, styles = line.split("\t")
        # Not variable fonts: cut, they would keep their lightest weight. The index of their named
        # instances carries the instance in its upper half.
        if variable == "True" or int(index) >= 1 << 16:
            continue
        # A face of another weight has a second family, in which it is Regular (OpenType, name 1).
        style = styles.split(",")[0]
        for family in families.split(","):
            faces.setdefault((family, style), Face(Path(path), int(index)))
    return faces


def _install_hint() -> str:
    if platform.system() == "Darwin":
        casks = "font-noto-serif-cjk font-noto-sans-cjk font-lxgw-wenkai"
        return f"Install them: brew install --cask {casks}"
    packages = "fonts-noto-cjk fonts-lxgw-wenkai"
    return f"Install them: sudo apt-get install -y --no-install-recommends {packages}"


def _address(role: Role) -> str:
    return f"{SCHEME}{role.name}.otf"


# -- preparing ------------------------------------------------------------------------------------


def prepare_face(role: Role, face: Face) -> bytes:
    """One face as a file of its own, with all of its layout features.

    Glyphs keep the ids that they have in the installed file.
    """
    data = _take_out(role, face)
    if role.is_spaced:
        return _space(data)
    return _narrow_space(data, role.space) if role.space else data


def _narrow_space(data: bytes, width: float) -> bytes:
    """Give the space, which draws nothing, another advance."""
    from fontTools.ttLib import TTFont

    font = _keep_as_is(TTFont(io.BytesIO(data)))
    name = font.getBestCmap()[ord(" ")]
    font["hmtx"][name] = round(width * font["head"].unitsPerEm), 0
    result = io.BytesIO()
    font.save(result)
    font.close()
    return result.getvalue()


def _take_out(role: Role, face: Face) -> bytes:
    import uharfbuzz as hb

    source = hb.Face(hb.Blob.from_file_path(str(face.path)), face.index)
    request = hb.SubsetInput()
    request.sets(hb.SubsetInputSets.UNICODE).update(
        code
        for code in source.unicodes
        if any(first <= code <= last for first, last in role.ranges)
    )
    request.sets(hb.SubsetInputSets.LAYOUT_FEATURE_TAG).invert()
    request.flags = hb.SubsetFlags.RETAIN_GIDS
    return bytes(hb.subset(source, request).blob.data)


def _space(data: bytes) -> bytes:
    """Add full-width marks and ``chws``. Both need files: fontTools edits, the other reads."""
    from east_asian_spacing.builder import Builder
    from east_asian_spacing.config import Config
    from fontTools.ttLib import TTFont

    with tempfile.TemporaryDirectory() as folder, _quiet("fontTools"):
        path = Path(folder) / "face.otf"
        path.write_bytes(data)
        font = _keep_as_is(TTFont(path))
        _widen_marks(font)
        font.save(path)
        font.close()
        builder = Builder(path, Config.default.for_language("ZHS"))
        _keep_as_is(builder.font.ttfont)
        asyncio.run(builder.build())
        if builder.has_spacings:
            builder.save(path)
        builder.font.ttfont.close()
        return path.read_bytes()


def _keep_as_is(font: Any) -> Any:
    """Keep what fontTools would compute anew.

    The time would make every build another one; the bounds of all glyphs take 90 % of the time, and
    those that the uncut face had are as good.
    """
    font.recalcTimestamp = False
    font.recalcBBoxes = False
    return font


@contextmanager
def _quiet(name: str) -> Generator[None]:
    """Only errors from a logger, for as long as this lasts."""
    logger = logging.getLogger(name)
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


def _widen_marks(font: Any) -> None:
    """Map the em dash and the middle dot to their full-width glyphs; let dashes join."""
    if "GSUB" not in font:
        return
    substitutions = _full_width_substitutions(font)
    names = font.getBestCmap()
    for code in (_EM_DASH, _MIDDLE_DOT):
        wide = substitutions.get(names.get(code))
        if wide is None:
            continue
        for table in font["cmap"].tables:
            if table.isUnicode() and code in table.cmap:
                table.cmap[code] = wide
        if code == _EM_DASH and "CFF " in font:
            _join_dashes(font, wide)


def _full_width_substitutions(font: Any) -> dict[str, str]:
    """Glyph to glyph, by the ``fwid`` feature."""
    table = font["GSUB"].table
    found: dict[str, str] = {}
    for record in table.FeatureList.FeatureRecord:
        if record.FeatureTag != "fwid":
            continue
        for index in record.Feature.LookupListIndex:
            for lookup in table.LookupList.Lookup[index].SubTable:
                found.update(getattr(getattr(lookup, "ExtSubTable", lookup), "mapping", {}))
    return found


def _join_dashes(font: Any, name: str) -> None:
    """Draw the dash from edge to edge of its em, so that 破折号 is one line two ems long."""
    from fontTools.pens.boundsPen import BoundsPen
    from fontTools.pens.t2CharStringPen import T2CharStringPen

    glyphs = font.getGlyphSet()
    bounds = BoundsPen(glyphs)
    glyphs[name].draw(bounds)
    if bounds.bounds is None:
        return
    _, bottom, _, top = bounds.bounds
    width = glyphs[name].width
    charstring = font["CFF "].cff.topDictIndex[0].CharStrings[name]
    pen = T2CharStringPen(width - getattr(charstring.private, "nominalWidthX", 0), glyphs)
    pen.moveTo((0, bottom))
    for point in ((width, bottom), (width, top), (0, top)):
        pen.lineTo(point)
    pen.closePath()
    drawn = pen.getCharString(private=charstring.private, globalSubrs=charstring.globalSubrs)
    charstring.program, charstring.bytecode = drawn.program, None


def _is_invisible(character: str) -> bool:
    """Whether nothing is drawn: spaces, controls, and what selects another glyph's variant.

    Private and unassigned characters (Co, Cn) are drawn, as boxes.
    """
    is_selector = unicodedata.name(character, "").startswith("VARIATION SELECTOR-")
    return is_selector or unicodedata.category(character) in {"Cc", "Cf", "Cs", "Zl", "Zp", "Zs"}
