"""A headless Chromium, driven through its DevTools protocol over a pair of pipes."""

from __future__ import annotations

import base64
import json
import os
import select
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), ""
)

_FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--hide-scrollbars", "--remote-debugging-pipe"),
)
_PIPES = 'exec "$@" 3<&0 4>&1 </dev/null >/dev/null 2>&1'
"""Chromium reads commands from 3 and answers on 4."""

_PATIENCE = 60.0
"""Seconds for an answer."""


def read_scripts(*names: str) -> str:
    """Scripts of this folder, one after the other."""
    return "\n".join(Path(__file__).with_name(name).read_text("utf-8") for name in names)


class Browser:
    """A browser with one page; ``events`` are what the page reported since they were last taken."""

    def __init__(self, profile: Path) -> None:
        self.events: list[dict[str, Any]] = []
        self._session: dict[str, str] = {}
        self._last = 0
        self._received = b""
        command = ("sh", "-c", _PIPES, "sh", CHROMIUM, *_FLAGS, f"--user-data-dir={profile}")
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        attached = self.call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = {"sessionId": attached["sessionId"]}
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def close(self) -> None:
        self._session = {}
        self.call("Browser.close")
        self._process.communicate(timeout=_PATIENCE)

    def call(self, method: str, **parameters: object) -> dict[str, Any]:
        """Give a command and wait for its answer."""
        self._last += 1
        message = {"id": self._last, "method": method, "params": parameters, **self._session}
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(message).encode() + b"\0")
        self._process.stdin.flush()
        while (answer := self._receive()).get("id") != self._last:
            self.events.append(answer)
        assert "error" not in answer, f"{method}: {answer['error']}"
        result: dict[str, Any] = answer["result"]
        return result

    def _receive(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        pipe = self._process.stdout.fileno()
        deadline = time.monotonic() + _PATIENCE
        while b"\0" not in self._received:
            assert select.select([pipe], [], [], max(deadline - time.monotonic(), 0))[0], (
                "no answer"
            )
            part = os.read(pipe, 1 << 20)
            assert part, "Chromium has ended"
            self._received += part
        message, _, self._received = self._received.partition(b"\0")
        received: dict[str, Any] = json.loads(message)
        return received

    def open(self, address: str, width: int, height: int) -> None:
        """Open a page in a window of this many CSS pixels, and wait until it is loaded."""
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.call("Emulation.setDeviceMetricsOverride", **metrics)
        self.call("Page.navigate", url=address)
        loaded = "new Promise(done => document.readyState == 'complete' ? done() : onload = done)"
        self.evaluate(f"{loaded}.then(() => undefined)")

    def evaluate(self, script: str) -> Any:
        """The value of an expression in the page; of a promise, what it resolves to."""
        answer = self.call(
            "Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True
        )
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def take_picture(self, path: Path) -> None:
        """A picture of the whole page, as far as it scrolls."""
        size = self.call("Page.getLayoutMetrics")["cssContentSize"]
        answer = self.call(
            "Page.captureScreenshot",
            captureBeyondViewport=True,
            clip={"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1},
        )
        path.write_bytes(base64.b64decode(answer["data"]))

    def complaints(self, origin: str) -> list[str]:
        """What the page logged as wrong, and requests that failed or left for another origin."""
        events, self.events = self.events, []
        return [
            f"{event['method']}: {words}"
            for event in events
            if (words := _complaint(event["method"], event["params"], origin))
        ]


def _complaint(method: str, event: dict[str, Any], origin: str) -> str:  # noqa: PLR0911
    match method:
        case "Runtime.exceptionThrown":
            return str(event["exceptionDetails"])
        case "Runtime.consoleAPICalled" if event["type"] in {"error", "assert"}:
            return str(event["args"])
        case "Log.entryAdded" if event["entry"]["level"] == "error":
            return str(event["entry"])
        case "Network.loadingFailed":
            return str(event)
        case "Network.responseReceived" if event["response"]["status"] >= 400:
            return str(event["response"]["url"])
        case "Network.requestWillBeSent":
            address = str(event["request"]["url"])
            return "" if address.startswith((origin, f"blob:{origin}", "data:")) else address
        case _:
            return ""
