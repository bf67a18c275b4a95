"""A broker with an HTTP door, and a real browser on its console.

The browser is Debian's Chromium, driven by Playwright; where either is missing the tests skip and say so. A page fails
its test when the console writes an error, throws one, or asks any other host for anything.

KBROKER_SCREENSHOTS=1 writes docs/console/NAME-light.png and -dark.png where a test calls `snapshot`.
"""

from __future__ import annotations

import json
import os
import re
import urllib.request
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from compat_tests.broker import REPOSITORY, Process
from compat_tests.tools import need_command, need_module

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

CHROMIUM = "chromium"
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
SIZE = {"width": 1200, "height": 760}
PICTURES = REPOSITORY / "docs" / "console"
THEMES = ("light", "dark")
PATIENCE_MS = 30_000  # for one wait; reaching it is a failure, never a measurement


class Shown:
    """A broker that a browser looks at: `url` of its console, and `kafka` and `post` for what a test arranges."""

    def __init__(self, process: Process) -> None:
        self.process = process
        found = re.search(r"http=(\S+)", process.ready_line)
        assert found is not None, process.ready_line
        self.door = found[1]
        self.url = f"http://{self.door}/console/"

    @property
    def bootstrap(self) -> str:
        return self.process.bootstrap

    def post(self, path: str, body: dict[str, Any]) -> Any:
        """What the door answers."""
        data, headers = json.dumps(body).encode(), {"Content-Type": "application/json"}
        with urllib.request.urlopen(urllib.request.Request(f"http://{self.door}{path}", data, headers)) as answer:
            return json.load(answer)

    def get(self, path: str) -> Any:
        """What the door tells."""
        with urllib.request.urlopen(f"http://{self.door}{path}") as answer:
            return json.load(answer)

    def kafka(self, api: str, body: dict[str, Any] | None = None) -> Any:
        """A Kafka request and its response, as JSON."""
        return self.post(f"/kafka/{api}", body or {})

    def create_topics(self, *names: str, partitions: int = 1, configs: dict[str, str] | None = None) -> None:
        pairs = [{"name": name, "value": value} for name, value in (configs or {}).items()]
        topics = [{"name": n, "numPartitions": partitions, "replicationFactor": 1, "configs": pairs} for n in names]
        answer = self.kafka("CreateTopics", {"topics": topics, "timeoutMs": 30_000})
        assert not [topic for topic in answer["topics"] if topic["errorCode"]], answer


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """One browser for all tests of a run."""
    need_module("playwright", "browser")
    path = need_command(CHROMIUM, "browser")
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture
def new_shown(new_broker: Callable[..., Process]) -> Callable[..., Shown]:
    """Makes brokers that belong to one test, with a door."""

    def make(*settings: str, listen: str = "127.0.0.1:0") -> Shown:
        return Shown(new_broker("kbroker.http=127.0.0.1:0", *settings, listen=listen, memory=True))

    return make


@pytest.fixture(scope="session")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shown]:
    """The broker that most tests share; each uses topics and groups of its own."""
    settings = ("kbroker.http=127.0.0.1:0", "group.initial.rebalance.delay.ms=0")
    process = Process(tmp_path_factory.mktemp("shown"), settings=settings, memory=True).start()
    yield Shown(process)
    process.close()


class Watched:
    """What a page has done that it should not. `expected`: parts of what it may say on its console."""

    def __init__(self, page: Page) -> None:
        self.faults: list[str] = []
        self.expected: list[str] = []
        page.on("console", self._said)
        page.on("pageerror", lambda error: self.faults.append(f"page error: {error}"))
        page.on("request", self._asked)

    def _said(self, message: Any) -> None:
        is_expected = any(part in message.text for part in self.expected)
        if message.type in ("error", "warning") and not is_expected:
            self.faults.append(f"console {message.type}: {message.text} {message.location}")

    def _asked(self, request: Any) -> None:
        if not re.match(r"https?://127\.0\.0\.1[:/]|data:|blob:", request.url):
            self.faults.append(f"asked elsewhere: {request.url}")


@pytest.fixture
def watched(chromium: Browser) -> Iterator[tuple[Page, Watched]]:
    """A page in a browser of its own (nothing stored), and what it has done that it should not: that fails the test."""
    context = chromium.new_context(
        viewport=SIZE, color_scheme="light", reduced_motion="reduce", timezone_id="UTC", locale="en-GB"
    )
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    seen = Watched(page)
    yield page, seen
    context.close()
    assert seen.faults == []


@pytest.fixture
def page(watched: tuple[Page, Watched]) -> Page:
    """A page that may not complain."""
    return watched[0]


@pytest.fixture
def snapshot(page: Page) -> Callable[[str], None]:
    """Keeps a picture of the page in both themes, where pictures are asked for."""

    def take(name: str) -> None:
        if not os.environ.get("KBROKER_SCREENSHOTS"):
            return
        PICTURES.mkdir(parents=True, exist_ok=True)
        for theme in THEMES:
            page.emulate_media(color_scheme=theme)
            page.screenshot(path=PICTURES / f"{name}-{theme}.png", animations="disabled")
        page.emulate_media(color_scheme="light")

    return take
