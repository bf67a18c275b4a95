"""Topics in the console: a thousand of them, one from its making to its end, and its configs."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from compat_tests.browser.conftest import Shown
from compat_tests.tools import need_module, unique
from wire.records import Record, build_batch

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

expect = need_module("playwright.sync_api", "browser").expect


def produce(shown: Shown, topic: str, partition: int, count: int) -> None:
    batch = b64encode(build_batch([Record(b"key", b"value")] * count, timestamp=1)).decode()
    data = {"index": partition, "records": batch}
    request = {"acks": -1, "timeoutMs": 30_000, "topicData": [{"name": topic, "partitionData": [data]}]}
    shown.post("/kafka/Produce?version=9", request)


def rows_of(page: Page, table: str) -> Locator:
    return page.get_by_role("table", name=table, exact=True).locator("tbody tr[data-at]")


def values(shown: Shown, topic: str) -> dict[str, Any]:
    resource = {"resourceType": 2, "resourceName": topic, "configurationKeys": None}
    (result,) = shown.kafka("DescribeConfigs", {"resources": [resource]})["results"]
    return {config["name"]: config["value"] for config in result["configs"]}


def test_a_thousand_topics_stay_readable(
    page: Page, new_shown: Callable[..., Shown], snapshot: Callable[[str], None]
) -> None:
    shown = new_shown()
    shown.create_topics(*(f"tenant-{i:04}.events" for i in range(994)))
    shown.create_topics("orders", "payments", "shipments", "returns", "refunds", "invoices", partitions=6)
    for partition in range(6):
        produce(shown, "orders", partition, 500 + partition)
    page.goto(f"{shown.url}#/topics")
    table = page.get_by_role("table", name="Topics")
    expect(table).to_have_attribute("aria-rowcount", "1001")
    expect(page.get_by_text("1\u202f000 of 1\u202f000")).to_be_visible()
    snapshot("topics")
    assert rows_of(page, "Topics").count() < 80, "only what is in sight is in the page"
    rows_of(page, "Topics").first.focus()
    page.keyboard.press("End")
    last = page.get_by_role("row", name="tenant-0993.events")
    expect(last).to_be_visible()
    expect(last).to_be_focused()
    assert rows_of(page, "Topics").count() < 80
    page.keyboard.press("Home")
    page.get_by_role("button", name="Size").click()
    expect(rows_of(page, "Topics").first).to_contain_text("orders")
    page.get_by_label("Filter topics").fill("tenant 77")
    expect(rows_of(page, "Topics")).to_have_count(19)
    page.get_by_label("Filter topics").fill("nothing like it")
    expect(page.get_by_text('No topic like "nothing like it"')).to_be_visible()


def test_a_topic_from_its_making_to_its_end(page: Page, shown: Shown, snapshot: Callable[[str], None]) -> None:
    name = unique("life")
    page.goto(f"{shown.url}#/topics")
    page.get_by_role("button", name="Create topic").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill(name)
    dialog.get_by_label("Partitions").fill("3")
    dialog.get_by_label("Configs").fill("retention.ms=no number")
    dialog.get_by_role("button", name="Create").click()
    expect(dialog.get_by_role("alert")).to_contain_text("INVALID_CONFIG")
    dialog.get_by_label("Configs").fill("retention.ms=60000\ncleanup.policy=compact")
    dialog.get_by_role("button", name="Create").click()
    expect(page.get_by_role("heading", name=name)).to_be_visible()
    expect(rows_of(page, "Partitions")).to_have_count(3)
    assert (values(shown, name)["retention.ms"], values(shown, name)["cleanup.policy"]) == ("60000", "compact")

    produce(shown, name, 1, 7)
    page.keyboard.press("r")
    expect(rows_of(page, "Partitions").nth(1).locator("td").nth(6)).to_have_text("7")
    snapshot("topic")

    page.get_by_role("button", name="Add partitions").click()
    dialog.get_by_label("Partitions altogether").fill("5")
    dialog.get_by_role("button", name="Add").click()
    expect(rows_of(page, "Partitions")).to_have_count(5)

    page.get_by_role("button", name="Empty").click()
    dialog.get_by_label("Type").fill("another")
    dialog.get_by_role("button", name="Empty").click()
    expect(dialog.get_by_role("alert")).to_contain_text(f"Type {name}")
    dialog.get_by_role("button", name="Cancel").click()
    page.get_by_role("link", name="Configs").click()
    change(page, "cleanup.policy", "delete")
    expect(page.get_by_text("cleanup.policy is now delete")).to_be_visible()
    page.get_by_role("link", name="Partitions").click()
    page.get_by_role("button", name="Empty").click()
    dialog.get_by_label("Type").fill(name)
    dialog.get_by_role("button", name="Empty").click()
    expect(rows_of(page, "Partitions").nth(1).locator("td").nth(5)).to_have_text("7")

    page.get_by_role("button", name="Delete").click()
    dialog.get_by_label("Type").fill(name)
    dialog.get_by_role("button", name="Delete").click()
    expect(page.get_by_role("heading", name="Topics", exact=True)).to_be_visible()
    (topic,) = shown.kafka("Metadata", {"topics": [{"name": name}], "allowAutoTopicCreation": False})["topics"]
    assert topic["errorCode"] == 3


def change(page: Page, config: str, value: str) -> None:
    rows_of(page, "Configs").filter(has=page.get_by_text(config, exact=True)).click()
    page.get_by_role("dialog").get_by_label("Value").fill(value)
    page.get_by_role("dialog").get_by_role("button", name="Save").click()


def test_configs_say_who_set_them_and_can_be_given_back(
    page: Page, shown: Shown, snapshot: Callable[[str], None]
) -> None:
    name = unique("configs")
    shown.create_topics(name, configs={"max.message.bytes": "1000"})
    page.goto(f"{shown.url}#/topics/{name}?tab=configs")
    page.get_by_label("only what somebody set").check()
    expect(rows_of(page, "Configs")).to_have_count(1)
    expect(rows_of(page, "Configs").first).to_contain_text("topic")
    page.get_by_label("only what somebody set").uncheck()
    snapshot("configs")
    page.get_by_label("Filter configs").fill("retention.ms")
    change(page, "retention.ms", "-7")
    expect(page.get_by_role("dialog").get_by_role("alert")).to_contain_text("INVALID_CONFIG")
    page.get_by_role("dialog").get_by_label("Value").fill("123")
    page.get_by_role("dialog").get_by_role("button", name="Save").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert values(shown, name)["retention.ms"] == "123"
    page.get_by_label("Filter configs").fill("max.message")
    rows_of(page, "Configs").first.click()
    page.get_by_role("button", name="Back to the default").click()
    expect(rows_of(page, "Configs").first).to_contain_text("default")
    assert values(shown, name)["max.message.bytes"] == "1048588"
