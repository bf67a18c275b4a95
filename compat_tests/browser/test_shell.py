"""The shell of the console: it shows itself at once, by keys as by mouse, and talks to nobody else."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from compat_tests.browser.conftest import Shown
from compat_tests.tools import need_module

if TYPE_CHECKING:
    from playwright.sync_api import Page

expect = need_module("playwright.sync_api", "browser").expect


def test_the_overview_shows_the_cluster(page: Page, shown: Shown, snapshot: Callable[[str], None]) -> None:
    shown.create_topics("overview", partitions=3)
    page.goto(shown.url)
    expect(page).to_have_title("Overview · kbroker")
    expect(page.get_by_role("table", name="Brokers").locator("tbody tr")).to_have_count(1)
    expect(page.get_by_text(shown.bootstrap).first).to_be_visible()
    snapshot("overview")
