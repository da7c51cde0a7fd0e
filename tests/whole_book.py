"""The handbook as one WeasyPrint document: what the linked one is measured against.

The same XHTML, style sheets, faces and line finishing. Page numbers are typed in as text, or
counted by WeasyPrint itself (target-counter), which needs three passes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from weasyprint import CSS, HTML
from weasyprint.css.counters import CounterStyle
from weasyprint.text.fonts import FontConfiguration

from generator import typography
from generator.exporters.print_layout import Fetcher
from generator.exporters.print_numbers import Section
from generator.exporters.print_workers import Style

Pictures = Callable[[str], tuple[bytes, str] | None]

_NUMBER = re.compile(r'<span class="page" data-page="([^"]+)"></span>')
_LONE_NUMBER = re.compile(r'(<a\b[^>]* href="#([^"]+)") data-page=""></a>')
_BODY = re.compile(r"<body\b[^>]*>(.*)</body>", re.DOTALL)

_FIRST = "@page :nth(1 of opening) { counter-reset: page 1 }\nsection.part.first { page: opening }"
"""Arabic numbers begin with the first part."""

_COUNTED = """
a.page::after { content: target-counter(attr(href), page) }
"""


def typed(sections: Sequence[Section], labels: Mapping[str, str]) -> str:
    """One document with the page numbers as text."""

    def number(name: str) -> str:
        label = labels[name]
        return f'<span class="page{" slot" * label.isdigit()}">{label}</span>'

    def fill(markup: str) -> str:
        markup = _NUMBER.sub(lambda match: number(match[1]), markup)
        return _LONE_NUMBER.sub(lambda match: f"{match[1]}>{number(match[2])}</a>", markup)

    return _join(sections, fill)


def counted(sections: Sequence[Section]) -> str:
    """One document whose page numbers WeasyPrint finds out."""

    def fill(markup: str) -> str:
        markup = _NUMBER.sub(r'<a class="page slot" href="#\1"></a>', markup)
        return _LONE_NUMBER.sub(r'\1 class="page slot"></a>', markup)

    return _join(sections, fill)


def _join(sections: Sequence[Section], fill: Callable[[str], str]) -> str:
    head = sections[0].markup.partition("<body")[0]
    bodies = []
    for section in sections:
        found = _BODY.search(section.markup)
        assert found, section.name
        begun = r'\1 style="break-before: right"'
        bodies.append(re.sub(r"(<section\b)", begun, fill(found[1]), count=1))
    book = re.search(r"<body\b[^>]*>", sections[0].markup)
    assert book
    markup = f"{head}{book[0]}{''.join(bodies)}</body></html>"
    return re.sub(r'(<section\b[^>]* class="part)"', r'\1 first"', markup, count=1)


def whole_sheet(sheet: str) -> str:
    """The style sheet of one document: its folios are counted."""
    sheet = re.sub(r'content: "0000"', "content: counter(page)", sheet)
    opening = sheet.replace("@page part {", "@page part, opening {")
    return f"{opening}\n{_FIRST}\n"


def make_whole(markup: str, style: Style, pictures: Pictures) -> bytes:
    """The file."""
    assert typography.install()
    fonts, counters = FontConfiguration(), CounterStyle()
    fetcher = Fetcher(lambda address: pictures(address) or style.fonts.get(address))
    sheets = [
        CSS(
            string=whole_sheet(sheet),
            font_config=fonts,
            counter_style=counters,
            url_fetcher=fetcher,
        )
        for sheet in (style.fonts.css, *style.sheets, _COUNTED)
    ]
    html = HTML(string=markup, base_url="studyguide:", url_fetcher=fetcher)
    document = html.render(fonts, counter_style=counters, stylesheets=sheets)
    data: bytes = document.write_pdf(pdf_tags=True)
    return data
