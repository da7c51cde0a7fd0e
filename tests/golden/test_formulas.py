"""The formulas of formulas.yaml come out as they did when somebody last looked at them."""

from __future__ import annotations

import hashlib
import json
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from generator.formula import Failure, Formula, Request, Typesetter

HERE = Path(__file__).parent
EXPECTED = HERE / "expected" / "formulas"
FORMULAS: list[dict[str, Any]] = yaml.safe_load(
    (HERE / "formulas.yaml").read_text(encoding="utf-8")
)


@pytest.fixture(scope="module")
def typesetter() -> Iterator[Typesetter]:
    with Typesetter() as typesetter:
        yield typesetter


@pytest.mark.parametrize("entry", FORMULAS, ids=[entry["name"] for entry in FORMULAS])
def test_formula(
    entry: dict[str, Any], typesetter: Typesetter, golden: Callable[[Path, str], None]
) -> None:
    request = Request(entry["tex"], entry["display"])
    formula = typesetter.typeset([request])[request]
    assert not isinstance(formula, Failure), formula.message
    golden(EXPECTED / f"{entry['name']}.mml", _pretty(formula.mathml))
    golden(EXPECTED / f"{entry['name']}.json", _summary(formula))


def test_no_expectation_without_a_formula() -> None:
    assert {path.stem for path in EXPECTED.iterdir()} == {entry["name"] for entry in FORMULAS}


def _pretty(mathml: str) -> str:
    root = ET.fromstring(mathml.replace(' xmlns="', ' ns="', 1))
    ET.indent(root)
    return ET.tostring(root, encoding="unicode").replace(' ns="', ' xmlns="', 1) + "\n"


def _summary(formula: Formula) -> str:
    """The drawing in short: what moves a line of text, and a digest of all else."""
    elements = [element.tag.partition("}")[2] for element in ET.fromstring(formula.svg).iter()]
    summary = {
        "em": {"width": formula.width, "height": formula.height, "depth": formula.depth},
        "elements": {tag: elements.count(tag) for tag in sorted(set(elements))},
        "text": "".join(ET.fromstring(formula.svg).itertext()),
        "sha256": hashlib.sha256(formula.svg.encode()).hexdigest(),
    }
    return json.dumps(summary, ensure_ascii=False, indent=2) + "\n"
