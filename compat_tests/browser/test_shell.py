"""The shell of the console: by keys as by mouse, dark and light, a token where needed, and closed to other pages."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING

from compat_tests.browser.conftest import Shown, Watched
from compat_tests.tools import need_module, unique

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Response

expect = need_module("playwright.sync_api", "browser").expect


def test_the_overview_shows_the_cluster(page: Page, shown: Shown, snapshot: Callable[[str], None]) -> None:
    shown.create_topics(unique("overview"), partitions=3)
    page.goto(shown.url)
    expect(page).to_have_title("Overview · kbroker")
    expect(page.get_by_role("table", name="Brokers").locator("tbody tr")).to_have_count(1)
    expect(page.get_by_text(shown.bootstrap).first).to_be_visible()
    snapshot("overview")
    page.get_by_role("table", name="Brokers").locator("tbody tr").click()
    expect(page.get_by_role("heading", name="Broker 1")).to_be_visible()
    page.get_by_label("Filter configs").fill("num.partitions")
    configs = page.get_by_role("table", name="Configs").locator("tbody tr")
    expect(configs.filter(has=page.get_by_text("num.partitions", exact=True))).to_contain_text("default")
    page.get_by_role("link", name="Replicas").click()
    expect(page.get_by_role("table", name="Replicas")).to_be_visible()


def test_everything_is_reached_by_keys(page: Page, shown: Shown) -> None:
    name = unique("keys")
    shown.create_topics(name, partitions=2)
    page.goto(shown.url)
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    for keys, title in (("gg", "Groups"), ("gx", "Transactions"), ("ga", "Access rules"), ("gu", "Users"),
                        ("gq", "Quotas"), ("gc", "Client metrics"), ("gt", "Topics")):  # fmt: skip
        for key in keys:
            page.keyboard.press(key)
        expect(page.get_by_role("heading", name=title, exact=True)).to_be_visible()
    page.keyboard.press("/")
    page.keyboard.type(name)
    rows = page.get_by_role("table", name="Topics").locator("tbody tr")
    expect(rows).to_have_count(1)
    rows.first.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name=name)).to_be_visible()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_dark_and_light_follow_the_system_and_the_switch(page: Page, shown: Shown) -> None:
    def ground() -> str:
        return str(page.evaluate("getComputedStyle(document.body).backgroundColor"))

    page.goto(shown.url)
    light = ground()
    page.emulate_media(color_scheme="dark")
    dark = ground()
    assert light != dark
    switch = page.get_by_role("button", name="Colours")
    switch.click()
    assert ground() == light, "chosen against the system"
    page.reload()
    assert ground() == light, "and remembered"
    switch.click()
    page.emulate_media(color_scheme="light")
    assert ground() == dark


def test_what_is_not_there_is_said(page: Page, shown: Shown) -> None:
    page.goto(f"{shown.url}#/nowhere")
    expect(page.get_by_text("There is no such page")).to_be_visible()
    page.goto(f"{shown.url}#/topics/no-such-topic")
    expect(page.get_by_role("alert")).to_contain_text("UNKNOWN_TOPIC_OR_PARTITION")
    page.goto(f"{shown.url}#/groups/no-such-group")
    expect(page.get_by_role("alert")).to_contain_text("no group no-such-group")


def test_a_token_is_asked_for_and_stays_in_the_tab(
    watched: tuple[Page, Watched], new_shown: Callable[..., Shown]
) -> None:
    page, seen = watched
    seen.expected.append("401 (Unauthorized)")
    shown = new_shown("kbroker.http.token=secret")
    page.goto(f"{shown.url}#/topics")
    page.get_by_label("Token").fill("wrong")
    page.keyboard.press("Enter")
    expect(page.get_by_text("This token is not the one")).to_be_visible()
    page.get_by_label("Token").fill("secret")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Topics")).to_be_visible()
    page.reload()
    expect(page.get_by_role("heading", name="Topics")).to_be_visible()
    assert page.evaluate("[localStorage.length, sessionStorage.length]") == [0, 1]


def test_a_page_from_elsewhere_can_do_and_see_nothing(chromium: Browser, shown: Shown) -> None:
    name = unique("foreign")
    shown.create_topics(name)
    with elsewhere() as url:
        page = chromium.new_page()
        page.goto(url)
        for path, options in (
            ("/about", {}),
            ("/kafka", {}),
            ("/kafka/Metadata", {"method": "POST", "body": "{}", "headers": {"Content-Type": "application/json"}}),
        ):
            asked = "([url, options]) => fetch(url, options).then(() => 'answered', () => 'refused')"
            assert page.evaluate(asked, [f"http://{shown.door}{path}", options]) == "refused", path
        delete = {"method": "POST", "mode": "no-cors", "body": f'{{"topics": [{{"name": "{name}"}}]}}'}
        blind = "([url, options]) => fetch(url, options).then(() => 'sent', () => 'refused')"
        page.evaluate(blind, [f"http://{shown.door}/kafka/DeleteTopics", delete])
        framed = "url => new Promise(done => { const frame = document.createElement('iframe'); frame.src = url;"
        framed += " frame.onload = () => { try { done(Boolean(frame.contentDocument)) } catch { done(false) } };"
        framed += " document.body.append(frame) })"
        assert page.evaluate(framed, shown.url) is False
        page.close()
    (topic,) = shown.kafka("Metadata", {"topics": [{"name": name}]})["topics"]
    assert topic["errorCode"] == 0, "what was sent blindly has done nothing"


@contextmanager
def elsewhere() -> Iterator[str]:
    """A page of another origin on this machine, as any development server is."""

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(b"<!doctype html><title>elsewhere</title><body>")

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Page)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://localhost:{server.server_port}/"
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_first_page_is_small(page: Page, shown: Shown, record_property: Callable[[str, object], None]) -> None:
    answers: list[Response] = []
    page.on("response", lambda answer: answers.append(answer))
    page.goto(shown.url)
    expect(page.get_by_role("table", name="Brokers")).to_be_visible()
    files = [answer for answer in answers if answer.url.startswith(shown.url)]
    size = sum(len(answer.body()) for answer in files)
    assert 0 < size < 120_000, sorted(answer.url for answer in files)
    assert not [answer.url for answer in files if "uplot" in answer.url], "charts come with the first chart"
    paints = page.evaluate("performance.getEntriesByName('first-contentful-paint').map(entry => entry.startTime)")
    record_property("first_paint_ms", paints[0])
    print(f"first paint after {paints[0]:.0f} ms; {len(files)} files, {size} bytes")
