"""What this package replaces in WeasyPrint: whether it is there, and as one version has it."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Mapping
from importlib.metadata import version

PINNED_WEASYPRINT = "70.0"
"""The version whose internals this package knows."""


def is_pinned_weasyprint() -> bool:
    """Whether WeasyPrint is the version that this package was written against."""
    return version("weasyprint") == PINNED_WEASYPRINT  # without importing it, which takes long


def fit(expected: Mapping[str, str]) -> bool:
    """Whether it is that version, and all that is to be replaced is there and looks as expected.

    ``expected`` maps ``module:name``, or ``module:class.name``, to the names of the parameters.
    """
    return is_pinned_weasyprint() and all(
        _parameters(hook) == parameters for hook, parameters in expected.items()
    )


def _parameters(hook: str) -> str | None:
    """The names of a function's parameters; None if there is no such function."""
    module, _, path = hook.partition(":")
    found: object = importlib.import_module(module)
    for name in path.split("."):
        found = getattr(found, name, None)
    return " ".join(inspect.signature(found).parameters) if callable(found) else None
