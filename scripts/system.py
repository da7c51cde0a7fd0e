"""Find what the system lacks: libraries, fonts and, with ``--test``, the programs of the tests.

As root (Debian, Ubuntu) or with Homebrew (macOS) install it; otherwise print the exact command and
exit 1. Looks for the things themselves, not for packages, so that any source of them will do, and
asks no package manager when nothing is missing. Standard library only: it runs before .venv is.
"""

from __future__ import annotations

import ctypes
import importlib.util
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

HOMEBREW = (Path("/opt/homebrew"), Path("/usr/local"))
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome")
NODE_VERSION = 18
"""The oldest that Ace runs with, and what Debian 12 and Ubuntu 24.04 have."""
FONT_FOLDERS = (
    Path("/usr/share/fonts"),
    Path("/usr/local/share/fonts"),
    Path.home() / ".local/share/fonts",
    Path.home() / ".fonts",
    Path.home() / "Library/Fonts",
    Path("/Library/Fonts"),
)


def has_library(soname: str, dylib: str) -> bool:
    """Whether the library can be loaded, by its Linux name or from Homebrew."""
    for name in (soname, *(str(prefix / "lib" / dylib) for prefix in HOMEBREW)):
        try:
            ctypes.CDLL(name)
        except OSError:
            continue
        return True
    return False


def has_font(*file_names: str) -> bool:
    """Whether one of the files lies in a folder of fonts."""
    return any(
        name in file_names
        for folder in FONT_FOLDERS
        for _, _, names in os.walk(folder, followlinks=True)
        for name in names
    )


def has_noto_cjk(style: str) -> bool:
    """Whether both weights are there: a file for each (Debian), or all in one (Homebrew)."""
    family = f"Noto{style}CJK"
    return has_font(f"{family}.ttc") or all(
        has_font(f"{family}-{weight}.ttc") for weight in ("Regular", "Bold")
    )


def has_java() -> bool:
    """Whether a Java runs: macOS has a ``java`` that only says there is none."""
    commands = ["java", *(str(prefix / "opt/openjdk/bin/java") for prefix in HOMEBREW)]
    return any(
        subprocess.run([command, "-version"], capture_output=True, check=False).returncode == 0
        for command in commands
        if shutil.which(command)
    )


def has_chromium() -> bool:
    """Whether a Chromium is on the PATH, under any of its names."""
    return any(map(shutil.which, CHROMIUM_NAMES))


def has_node() -> bool:
    """Whether Node.js is on the PATH and young enough."""
    if not shutil.which("node"):
        return False
    answer = subprocess.run(["node", "--version"], capture_output=True, text=True, check=False)
    major, _, _ = answer.stdout.removeprefix("v").partition(".")
    return major.isdecimal() and int(major) >= NODE_VERSION


def can_make_venv() -> bool:
    """Whether .venv is there or can be made: Debian takes ensurepip out of its Python."""
    return Path(".venv").exists() or importlib.util.find_spec("ensurepip") is not None


@dataclass(frozen=True)
class Need:
    """Something that the system must have, and the packages that bring it."""

    name: str
    is_met: Callable[[], bool]
    apt: tuple[str, ...]
    brew: tuple[str, ...]


BUILD_NEEDS = (
    Need(
        "Python's venv module",
        can_make_venv,
        (f"python{sys.version_info.major}.{sys.version_info.minor}-venv",),
        ("python",),
    ),
    Need(
        "Pango",
        lambda: has_library("libpango-1.0.so.0", "libpango-1.0.dylib"),
        ("libpango-1.0-0",),
        ("pango",),
    ),
    Need(
        "Pango's FreeType back end",
        lambda: has_library("libpangoft2-1.0.so.0", "libpangoft2-1.0.dylib"),
        ("libpangoft2-1.0-0",),
        ("pango",),
    ),
    Need(
        "HarfBuzz-subset",
        lambda: has_library("libharfbuzz-subset.so.0", "libharfbuzz-subset.0.dylib"),
        ("libharfbuzz-subset0",),
        ("harfbuzz",),
    ),
    # Noto Sans Mono CJK is in the files of Noto Sans CJK.
    Need(
        "Noto Sans CJK",
        lambda: has_noto_cjk("Sans"),
        ("fonts-noto-cjk",),
        ("font-noto-sans-cjk",),
    ),
    Need(
        "Noto Serif CJK",
        lambda: has_noto_cjk("Serif"),
        ("fonts-noto-cjk",),
        ("font-noto-serif-cjk",),
    ),
    Need(
        "LXGW WenKai",
        lambda: has_font("LXGWWenKai-Regular.ttf"),
        ("fonts-lxgw-wenkai",),
        ("font-lxgw-wenkai",),
    ),
)
TEST_NEEDS = (
    Need("Java, for EPUBCheck", has_java, ("default-jre-headless",), ("openjdk",)),
    Need("Chromium, for Anki's cards and Ace", has_chromium, ("chromium",), ("chromium",)),
    Need("Node.js, for Ace", has_node, ("nodejs",), ("node",)),
    Need("npm, for Ace", lambda: shutil.which("npm") is not None, ("npm",), ("node",)),
    Need(
        "calibre's ebook-convert",
        lambda: shutil.which("ebook-convert") is not None,
        ("calibre",),
        ("calibre",),
    ),
)


def unmet(needs: tuple[Need, ...]) -> list[Need]:
    """Return the needs that are not met."""
    return [need for need in needs if not need.is_met()]


def install_command(missing: list[Need]) -> str | None:
    """Return the shell command that installs what is missing, or None on a foreign system."""
    if sys.platform == "darwin":
        return shlex.join(["brew", "install", *unique(need.brew for need in missing)])
    if not shutil.which("apt-get"):
        return None
    packages = shlex.join(unique(need.apt for need in missing))
    command = f"apt-get update && apt-get install -y --no-install-recommends {packages}"
    if os.geteuid() == 0:
        return command
    if shutil.which("sudo"):
        return command.replace("apt-get", "sudo apt-get")
    return f"su -c {shlex.quote(command)}"


def unique(groups: Iterable[tuple[str, ...]]) -> list[str]:
    """Flatten, each name once, in order."""
    return list(dict.fromkeys(name for group in groups for name in group))


def may_install() -> bool:
    """Whether the package manager can be run as we are: apt-get by root only, brew by others."""
    is_root = os.geteuid() == 0
    if sys.platform == "darwin":
        return not is_root and shutil.which("brew") is not None
    return is_root


def main() -> int:
    """Install what is missing, or say how."""
    needs = BUILD_NEEDS + (TEST_NEEDS if "--test" in sys.argv[1:] else ())
    missing = unmet(needs)
    if not missing:
        return 0
    print("Missing on this system:", ", ".join(need.name for need in missing), flush=True)
    command = install_command(missing)
    if command and may_install():
        print(f"Installing: {command}", flush=True)
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        subprocess.run(
            ["/bin/sh", "-c", command], env=environment, stdin=subprocess.DEVNULL, check=False
        )
        importlib.invalidate_caches()
        missing = unmet(needs)
        if not missing:
            return 0
        print("Still missing:", ", ".join(need.name for need in missing), file=sys.stderr)
        command = install_command(missing)
    if sys.platform == "darwin" and not shutil.which("brew"):
        print("Install Homebrew first: https://brew.sh", file=sys.stderr)
    if command:
        print(f"Install it with this command, then run make again:\n\n    {command}\n")
    else:
        print("Install it with your system's package manager, then run make again.")
    return 1


if __name__ == "__main__":
    sys.exit(main())
