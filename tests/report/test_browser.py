"""The page in a real browser: no error, no request, and sliders that move what they should.

Chromium is driven over its DevTools protocol through a pipe (``--remote-debugging-pipe``): JSON messages that end in a
zero byte on two file descriptors, so that no driver, port or client library is needed.
"""

from __future__ import annotations

import base64
import io
import json
import os
import select
import shutil
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from helpers.synthetic import tiny_study, write_run
from weakfield.dataset import build
from weakfield.explain import run as explain
from weakfield.learning import training
from weakfield.report import run as report

NAMES = ("chromium", "chromium-browser", "google-chrome")
BROWSER = next((path for name in NAMES if (path := shutil.which(name))), None)
FLAGS = (
    "--headless", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--hide-scrollbars", "--window-size=1100,1400",
    "--remote-debugging-pipe",
)  # fmt: skip
PATIENCE = 60.0  # seconds for any answer: a browser that starts on a busy machine is slow

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(BROWSER is None, reason=f"no Chromium on the PATH (looked for {', '.join(NAMES)})"),
]


class Tab:
    """One tab of a Chromium without a window."""

    def __init__(self, profile: Path) -> None:
        to_browser, from_browser = os.pipe(), os.pipe()
        flags = [*FLAGS, f"--user-data-dir={profile}"]
        if hasattr(os, "geteuid") and os.geteuid() == 0:
            flags.append("--no-sandbox")  # Chromium refuses its sandbox to root, as in a container
        # the protocol is spoken on descriptors 3 and 4: a small program puts them there, whatever their numbers are
        place = (
            "import os, sys\n"
            "ends = [os.dup(int(n)) for n in sys.argv[1:3]]\n"  # copies, so that neither is overwritten
            "safe = [os.dup2(end, 100 + i) for i, end in enumerate(ends)]\n"
            "for i, end in enumerate(safe): os.dup2(end, 3 + i, inheritable=True)\n"
            "os.execv(sys.argv[3], sys.argv[3:])\n"
        )
        python = shutil.which("python3") or "python3"
        ends = (to_browser[0], from_browser[1])
        self._process = subprocess.Popen(
            [python, "-c", place, *map(str, ends), str(BROWSER), *flags],
            pass_fds=ends, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        for end in ends:
            os.close(end)
        self._write, self._read = to_browser[1], from_browser[0]
        self._buffer, self._number, self._session = b"", 0, None
        self.events: list[dict] = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **parameters: object) -> dict:
        """The result of a command of the protocol; events that come meanwhile are kept."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        while (answer := self._next()).get("id") != self._number:
            self.events.append(answer)
        assert "error" not in answer, answer
        return answer["result"]

    def open(self, page: Path) -> None:
        """Load a page and wait until it and its scripts have run."""
        self.call("Page.navigate", url=page.resolve().as_uri())
        while not any(event["method"] == "Page.loadEventFired" for event in self.events):
            self.events.append(self._next())

    def run(self, script: str) -> object:
        """The value of an expression on the page."""
        answer = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def picture(self, selector: str) -> np.ndarray:
        """What the first element that fits ``selector`` looks like, (height, width, 3)."""
        box = self.run(
            f"(r => ({{x: r.x + scrollX, y: r.y + scrollY, width: r.width, height: r.height, scale: 1}}))"
            f"(document.querySelector({selector!r}).getBoundingClientRect())"
        )
        data = self.call("Page.captureScreenshot", format="png", clip=box, captureBeyondViewport=True)["data"]
        return np.array(Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB"))

    def close(self) -> None:
        self._session = None
        try:
            self.call("Browser.close")
            self._process.wait(timeout=10)
        except (OSError, EOFError, TimeoutError, subprocess.TimeoutExpired):
            self._process.kill()
            self._process.wait()
        for end in (self._write, self._read):
            os.close(end)

    def _next(self) -> dict:
        """The next message of the browser."""
        end = time.monotonic() + PATIENCE
        while b"\0" not in self._buffer:
            if not select.select([self._read], [], [], max(0.0, end - time.monotonic()))[0]:
                raise TimeoutError(f"the browser did not answer within {PATIENCE:g} seconds")
            if not (part := os.read(self._read, 1 << 20)):
                raise EOFError("the browser is gone")
            self._buffer += part
        message, self._buffer = self._buffer.split(b"\0", 1)
        return json.loads(message)


@pytest.fixture(scope="module")
def tab(tmp_path_factory):
    study = tiny_study(
        pairs=24,
        dataset={"fractions": (0.5, 0.17, 0.33)},
        training={"mean_kept_too": False, "epochs": 10, "learning_rate": 5e-3},  # above chance: attributions are drawn
        explain={"pairs": 2, "methods": ("pair_integrated", "grad_cam"), "draws": 2, "perturbations": 2, "fractions": 4,
                 "trust_epochs": 1},
    )  # fmt: skip
    folder = write_run(study, tmp_path_factory.mktemp("browser") / "run", scale=1.5)
    for stage in (build, training, explain, report):
        stage.run(study, folder)
    opened = Tab(tmp_path_factory.mktemp("profile"))
    try:
        opened.open(folder.report / "index.html")
        yield opened
    finally:
        opened.close()


def test_the_page_loads_without_an_error_and_asks_for_nothing(tab):
    assert "Einstein or Newton" in tab.run("document.title")
    assert tab.run("[...document.images].every(i => i.complete && i.naturalWidth > 0)")
    wrong = [event for event in tab.events if event["method"] in ("Runtime.exceptionThrown", "Log.entryAdded")]
    wrong += [e for e in tab.events if e["method"] == "Runtime.consoleAPICalled" and e["params"]["type"] == "error"]
    assert wrong == []
    asked = [e["params"]["request"]["url"] for e in tab.events if e["method"] == "Network.requestWillBeSent"]
    assert asked.pop(0).startswith("file:")  # the page itself
    assert [url for url in asked if not url.startswith("data:")] == []
    assert tab.run("performance.getEntriesByType('resource').filter(e => !e.name.startsWith('data:')).length") == 0


def test_the_page_could_not_ask_for_anything_if_it_tried(tab):
    """Its content security policy holds in the browser."""
    script = "fetch('https://example.invalid/').then(() => 'sent', () => 'refused')"
    assert tab.run(script) == "refused"
    violations = [e for e in tab.events if e["method"] == "Log.entryAdded" and "Content Security" in str(e["params"])]
    assert tab.run("1") == 1  # events of the refusal have arrived
    assert violations or any("Content Security" in str(e["params"]) for e in tab.events if "params" in e)


@pytest.mark.parametrize("name", ["plane", "attribution-plane"])
def test_a_slider_changes_its_own_pictures(tab, name):
    place = f".slider:has(#{name}) .field"
    others = f".slider:not(:has(#{name})) .field"
    box = f"document.querySelector('#{name}')"
    pictures, labels = {}, {}
    still = tab.picture(others)
    for value in (0, 5):
        tab.run(f"{box}.value = {value}; {box}.dispatchEvent(new Event('input', {{bubbles: true}}))")
        pictures[value], labels[value] = tab.picture(place), tab.run(f"{box}.nextElementSibling.value")
    assert labels == {0: "z = 10 Mpc/h", 5: "z = 110 Mpc/h"}  # planes of 20 Mpc/h, their middles
    assert pictures[0].shape == pictures[5].shape
    assert pictures[0].std() > 5  # a picture, not a blank
    changed = (pictures[0].astype(int) != pictures[5].astype(int)).any(axis=2).mean()
    assert changed > 0.5
    np.testing.assert_array_equal(tab.picture(others), still)
    tab.run(f"{box}.value = 0; {box}.dispatchEvent(new Event('input', {{bubbles: true}}))")
    np.testing.assert_array_equal(tab.picture(place), pictures[0])


def test_the_keyboard_moves_a_slider(tab):
    tab.run("document.querySelector('#plane').value = 2; document.querySelector('#plane').focus()")
    for kind in ("keyDown", "keyUp"):
        tab.call("Input.dispatchKeyEvent", type=kind, key="ArrowRight", code="ArrowRight", windowsVirtualKeyCode=39)
    assert tab.run("document.querySelector('#plane').value") == "3"
    assert tab.run("document.querySelector('output[for=plane]').value") == "z = 70 Mpc/h"
