"""The README's exporter, installed as its reader would install it."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "docs" / "example-exporter"
MODULE = PACKAGE / "studyguide_csv.py"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """An environment in which the package is installed."""
    folder = tmp_path_factory.mktemp("site")
    offline = ("--no-build-isolation", "--no-deps", "--no-index", "--disable-pip-version-check")
    command = [sys.executable, "-m", "pip", "install", "--quiet", *offline]
    subprocess.run([*command, "--target", folder, PACKAGE], check=True, capture_output=True)
    return {**os.environ, "PYTHONPATH": str(folder)}


def _studyguide(environment: dict[str, str], *arguments: str) -> str:
    return subprocess.run(
        [sys.executable, "-m", "generator", *arguments],
        cwd=ROOT,
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    ).stdout


def test_it_is_listed_last(installed: dict[str, str]) -> None:
    lines = _studyguide(installed, "list", "formats").splitlines()
    formats = [line.split()[0] for line in lines if not line.startswith(" ")]
    assert formats[-1] == "csv"


def test_it_writes_every_question_with_its_brief_answer(
    installed: dict[str, str], tmp_path: Path
) -> None:
    _studyguide(
        installed, "build", "csv", "--root", "tests/fixtures/minimal", "--out", str(tmp_path)
    )
    with (tmp_path / "minimal.csv").open(encoding="utf-8-sig", newline="") as file:
        ((question, answer),) = csv.reader(file)
    assert question == "一加一等于几？"
    assert answer.replace(" ", "") == "等于二。"  # the citation is gone


def test_it_fits_a_screen() -> None:
    assert len(MODULE.read_text(encoding="utf-8").splitlines()) < 60
