"""Faults, the clock and the data as a whole: what tests do to a broker, done by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from compat_tests.browser.conftest import Shown
from compat_tests.tools import need_module

if TYPE_CHECKING:
    from playwright.sync_api import Page

expect = need_module("playwright.sync_api", "browser").expect


@pytest.fixture
def controlled(new_shown: Callable[..., Shown]) -> Shown:
    return new_shown("kbroker.control=true")


def test_without_control_there_is_no_such_page(page: Page, shown: Shown) -> None:
    page.goto(shown.url)
    expect(page.get_by_role("link", name="Overview")).to_be_visible()
    expect(page.get_by_role("link", name="Faults and clock")).to_have_count(0)


def test_a_fault_is_installed_counts_its_hits_and_goes(
    page: Page, controlled: Shown, snapshot: Callable[[str], None]
) -> None:
    controlled.create_topics("orders")
    page.goto(f"{controlled.url}#/control")
    page.get_by_text("Nothing is installed").wait_for()
    page.get_by_role("button", name="Install a fault…").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill("moved")
    dialog.get_by_label("Topic", exact=True).fill("orders")
    dialog.get_by_label("How often").fill("1")
    dialog.get_by_role("button", name="Install").click()
    table = page.get_by_role("table", name="Installed faults")
    expect(table).to_contain_text("errors NOT_LEADER_OR_FOLLOWER")
    expect(table).to_contain_text("active")
    from kafka import KafkaProducer

    producer = KafkaProducer(bootstrap_servers=controlled.bootstrap, client_id="shopper")
    producer.send("orders", b"v").get(30)
    producer.close()
    expect(table).to_contain_text("used up")
    snapshot("control")
    table.get_by_text("moved").click()
    expect(page.get_by_role("table", name="Hits").locator("tbody tr")).to_have_count(1)
    expect(page.get_by_role("table", name="Hits")).to_contain_text("shopper")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Remove moved").click()
    page.get_by_text("Nothing is installed").wait_for()
    page.get_by_role("button", name="Chaos…").click()
    dialog.get_by_role("button", name="Begin").click()
    expect(table.locator("tbody tr")).to_have_count(7)
    page.get_by_role("button", name="Clear all").click()
    page.get_by_text("Nothing is installed").wait_for()


def test_the_clock_stands_moves_and_says_what_fired(page: Page, controlled: Shown) -> None:
    member = {"groupId": "g", "memberId": "m-1", "memberEpoch": 0, "rebalanceTimeoutMs": 1000,
              "subscribedTopicNames": ["t"], "topicPartitions": []}  # fmt: skip
    controlled.create_topics("t")
    controlled.kafka("FindCoordinator", {"keyType": 0, "coordinatorKeys": ["g"]})
    assert controlled.kafka("ConsumerGroupHeartbeat", member)["errorCode"] == 0
    page.goto(f"{controlled.url}#/control")
    clock = page.get_by_role("region", name="Clock")
    expect(clock).to_contain_text("runs")
    clock.get_by_role("button", name="Freeze").click()
    expect(clock).to_contain_text("stands")
    stood = clock.locator(".clock .mono").inner_text()
    clock.get_by_label("Advance by").fill("10m")
    clock.get_by_label("Advance by").press("Enter")
    expect(page.get_by_role("status", name="What fired")).to_contain_text("SessionExpired")
    expect(clock.locator(".clock .mono")).not_to_have_text(stood)
    clock.get_by_role("button", name="+1h").click()
    expect(page.get_by_role("status", name="What fired")).to_contain_text("+1h")
    clock.get_by_role("button", name="Let it run").click()
    expect(clock).to_contain_text("runs")
    clock.get_by_role("button", name="60 ×").click()
    expect(clock).to_contain_text("runs 60 ×")


def test_everything_is_kept_forgotten_and_brought_back(page: Page, controlled: Shown) -> None:
    controlled.create_topics("kept")
    controlled.post("/records/produce", {"topic": "kept", "records": [{"value": "v"}]})
    page.goto(f"{controlled.url}#/control")
    page.get_by_role("button", name="Take a snapshot").click()
    page.get_by_role("button", name="Restore…").wait_for()
    page.get_by_role("button", name="Reset…").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Type reset to confirm").fill("rest")
    dialog.get_by_role("button", name="Reset").click()
    expect(dialog.get_by_role("alert")).to_contain_text("Type reset")
    assert controlled.kafka("Metadata", {"topics": None})["topics"], "nothing was lost by a slip"
    dialog.get_by_label("Type reset to confirm").fill("reset")
    dialog.get_by_role("button", name="Reset").click()
    page.get_by_text("Everything is forgotten").wait_for()
    assert controlled.kafka("Metadata", {"topics": None})["topics"] == []
    page.get_by_role("button", name="Restore…").click()
    dialog.get_by_role("button", name="Restore").click()
    page.get_by_text("is back").wait_for()
    page.goto(f"{controlled.url}#/messages/kept")
    expect(page.get_by_role("table", name="Records").locator("tbody tr[data-at]")).to_have_count(1)
