"""Checking pictures: that they are what their names say, of a sane size, and drawing only."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Mapping
from xml.parsers import expat

from generator.diagnostics import Diagnostics, Position
from generator.model import Figure

_MEDIA_TYPES = {
    "svg": "image/svg+xml",
    "png": "image/png",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "webp": "image/webp",
}
_PILLOW_FORMATS = {"image/png": "PNG", "image/jpeg": "JPEG", "image/webp": "WEBP"}
_MAX_PIXELS = 40_000_000
_MAX_SVG_ELEMENTS = 20_000

_SVG = "http://www.w3.org/2000/svg"
_XLINK_HREF = "http://www.w3.org/1999/xlink href"
_ELEMENTS = frozenset(
    [
        "svg",
        "g",
        "defs",
        "symbol",
        "use",
        "title",
        "desc",
        "metadata",
        "path",
        "rect",
        "circle",
        "ellipse",
        "line",
        "polyline",
        "polygon",
        "text",
        "tspan",
        "textPath",
        "marker",
        "linearGradient",
        "radialGradient",
        "stop",
        "pattern",
        "clipPath",
        "mask",
    ]
)
_IGNORED_NAMESPACES = (
    "http://www.inkscape.org/namespaces/inkscape",
    "http://sodipodi.sourceforge.net/DTD/sodipodi-0.dtd",
    "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "http://purl.org/dc/elements/1.1/",
    "http://creativecommons.org/ns#",
)
_URL = re.compile(r"url\(\s*['\"]?(?!#)|@import|expression\(|javascript:", re.IGNORECASE)


def read_figure(
    path: str, data: bytes, mentioned: Position, diagnostics: Diagnostics
) -> Figure | None:
    """Check a picture. ``None`` after a diagnostic."""
    media_type = _MEDIA_TYPES.get(path.rpartition(".")[2].lower())
    if media_type is None:
        hint = "Figures are SVG, PNG, JPEG or WebP."
        diagnostics.add("figure-unreadable", mentioned, f"{path} is no picture", hint)
        return None
    if media_type == "image/svg+xml":
        size = _svg_size(path, data, diagnostics)
    else:
        size = _raster_size(path, data, _PILLOW_FORMATS[media_type], mentioned, diagnostics)
    return Figure(path, media_type, *size, data) if size else None


def _raster_size(
    path: str, data: bytes, image_format: str, mentioned: Position, diagnostics: Diagnostics
) -> tuple[float, float] | None:
    # Imported here: a book without photographs needs no decoder.
    from PIL import Image

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(data), formats=[image_format]) as image:
                width, height = image.size
                if width * height > _MAX_PIXELS:
                    message = f"{path} has {width} × {height} pixels; the limit is {_MAX_PIXELS:,}"
                    diagnostics.add("figure-unreadable", mentioned, message)
                    return None
                image.load()
    except (OSError, SyntaxError, ValueError, Warning, Image.DecompressionBombError):
        message = f"{path} is damaged, or no {image_format}"
        diagnostics.add("figure-unreadable", mentioned, message)
        return None
    return float(width), float(height)


class _RefusedError(Exception):
    """Raised inside expat's callbacks to stop at the first fault."""

    def __init__(self, code: str, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.code, self.message, self.hint = code, message, hint


class _Inspector:
    """Walks an SVG by expat, which knows the position, and refuses all that is not drawing."""

    def __init__(self) -> None:
        self.size: tuple[float, float] | None = None
        self.elements = 0
        self.line, self.column = 1, 1
        self.open_ids: list[str] = []
        self.used: set[str] = set()
        self.using: set[str] = set()
        self.parser = expat.ParserCreate(namespace_separator=" ")
        self.parser.StartElementHandler = self._element
        self.parser.EndElementHandler = self._end
        self.parser.StartDoctypeDeclHandler = self._doctype
        self.parser.ProcessingInstructionHandler = self._instruction

    def _mark(self) -> None:
        """Note where the current construct begins; expat has moved on once a callback raised."""
        self.line = self.parser.CurrentLineNumber
        self.column = self.parser.CurrentColumnNumber + 1

    def _doctype(self, *_args: object) -> None:
        self._mark()
        raise _RefusedError("figure-hostile", "a document type declaration", "Delete it.")

    def _instruction(self, target: str, _data: str) -> None:
        self._mark()
        raise _RefusedError("figure-hostile", f"the instruction <?{target}?>", "Delete it.")

    def _element(self, name: str, attributes: Mapping[str, str]) -> None:
        self._mark()
        self.elements += 1
        if self.elements > _MAX_SVG_ELEMENTS:
            message = f"more than {_MAX_SVG_ELEMENTS:,} elements"
            raise _RefusedError("figure-unreadable", message, "Simplify the drawing, or use a PNG.")
        self.open_ids.append(attributes.get("id", ""))
        namespace, _, local = name.rpartition(" ")
        if namespace in _IGNORED_NAMESPACES:
            return
        if namespace != _SVG or local not in _ELEMENTS:
            hint = f"A drawing is made of {', '.join(sorted(_ELEMENTS))}."
            raise _RefusedError("figure-hostile", f"the element <{local}>", hint)
        if self.size is None:
            if local != "svg":
                raise _RefusedError("figure-unreadable", f"the root is <{local}>, not <svg>")
            self.size = _declared_size(attributes)
        for key, value in attributes.items():
            _check_attribute(local, key, value)
        if local == "use":
            self._use(attributes.get("href") or attributes.get(_XLINK_HREF, ""))

    def _use(self, target: str) -> None:
        """A ``<use>`` of something that uses something else can stand for billions of shapes."""
        self.used.add(target.strip().removeprefix("#"))
        self.using.update(filter(None, self.open_ids))
        if self.used & self.using:
            raise _RefusedError("figure-hostile", "a <use> inside what another <use> repeats")

    def _end(self, _name: str) -> None:
        self.open_ids.pop()


def _check_attribute(element: str, key: str, value: str) -> None:
    local = key.rpartition(" ")[2].lower()
    if local.startswith("on"):
        raise _RefusedError("figure-hostile", f"the event handler {local}", "Delete it.")
    if local == "href" and not value.strip().startswith("#"):
        message = f"<{element}> refers to “{value[:60]}”"
        raise _RefusedError("figure-hostile", message, "A drawing refers only to its own parts.")
    if local not in {"id", "class"} and _URL.search(value):
        message = f"the attribute {local} refers outside the drawing"
        raise _RefusedError("figure-hostile", message, "A drawing refers only to its own parts.")


def _declared_size(attributes: Mapping[str, str]) -> tuple[float, float]:
    """The size in CSS pixels: the viewBox's, else width and height."""
    numbers = re.findall(r"-?\d+(?:\.\d+)?", attributes.get("viewBox", ""))
    if len(numbers) == 4:
        width, height = float(numbers[2]), float(numbers[3])
    else:
        width, height = (_pixels(attributes.get(side, "")) for side in ("width", "height"))
    if width <= 0 or height <= 0:
        hint = "Give the <svg> a viewBox."
        raise _RefusedError("figure-unreadable", "the drawing has no size", hint)
    return width, height


def _pixels(length: str) -> float:
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(px)?\s*", length)
    return float(match[1]) if match else 0.0


def _svg_size(path: str, data: bytes, diagnostics: Diagnostics) -> tuple[float, float] | None:
    inspector = _Inspector()
    parser = inspector.parser
    try:
        parser.Parse(data, True)
    except _RefusedError as refused:
        position = Position(path, inspector.line, inspector.column)
        diagnostics.add(refused.code, position, refused.message, refused.hint)
        return None
    except (expat.ExpatError, ValueError) as error:
        position = Position(path, parser.ErrorLineNumber, parser.ErrorColumnNumber + 1)
        diagnostics.add("figure-unreadable", position, f"not well-formed XML: {error}")
        return None
    return inspector.size
