"""Groups of all four kinds in the console: who is in them, what they hold, how far behind; and moving them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from compat_tests.browser.conftest import Shown
from compat_tests.browser.test_topics import produce, rows_of
from compat_tests.tools import need_module, unique, until

if TYPE_CHECKING:
    from playwright.sync_api import Page

expect = need_module("playwright.sync_api", "browser").expect


def committed(shown: Shown, group: str) -> dict[int, int]:
    answer = shown.post("/kafka/OffsetFetch?version=9", {"groups": [{"groupId": group, "topics": None}]})
    return {p["partitionIndex"]: p["committedOffset"] for t in answer["groups"][0]["topics"] for p in t["partitions"]}


def commit(shown: Shown, group: str, topic: str, offsets: dict[int, int]) -> None:
    def done() -> bool:
        shown.kafka("FindCoordinator", {"keyType": 0, "coordinatorKeys": [group]})
        partitions = [
            {"partitionIndex": at, "committedOffset": o, "committedMetadata": ""} for at, o in offsets.items()
        ]
        request = {"groupId": group, "memberId": "", "topics": [{"name": topic, "partitions": partitions}]}
        answer = shown.post("/kafka/OffsetCommit?version=9", request)
        return not any(p["errorCode"] for t in answer["topics"] for p in t["partitions"])

    until("the offsets are committed", done)


def beats(shown: Shown, kind: str, group: str, topic: str) -> Any:
    """A member of a group of one of the newer kinds, by a heartbeat that says what it wants to read."""
    wishes: dict[str, dict[str, Any]] = {
        "Consumer": {"subscribedTopicNames": [topic], "topicPartitions": []},
        "Share": {"subscribedTopicNames": [topic]},
        "Streams": {
            "topology": {"epoch": 0, "subtopologies": [{"subtopologyId": "0", "sourceTopics": [topic]}]},
            "processId": "p", "activeTasks": [], "standbyTasks": [], "warmupTasks": [],
        },
    }  # fmt: skip
    request = {"groupId": group, "memberId": "m" * 22, "memberEpoch": 0, "rebalanceTimeoutMs": 60_000} | wishes[kind]
    if kind == "Share":
        del request["rebalanceTimeoutMs"]

    def joined() -> Any:
        shown.kafka("FindCoordinator", {"keyType": 0, "coordinatorKeys": [group]})
        answer = shown.kafka(f"{kind}GroupHeartbeat", request)
        assert answer["errorCode"] in (0, 14, 15, 16), answer
        return None if answer["errorCode"] else answer

    return until(f"a member of a {kind} group", joined)


@pytest.mark.parametrize("kind", ["Consumer", "Share", "Streams"])
def test_members_of_the_newer_kinds_are_shown(page: Page, shown: Shown, kind: str) -> None:
    topic, group = unique("read"), unique(f"{kind.lower()}-group")
    shown.create_topics(topic, partitions=3)
    beats(shown, kind, group, topic)
    page.goto(f"{shown.url}#/groups")
    page.get_by_label("Kind").select_option(kind.lower())
    row = rows_of(page, "Groups").filter(has_text=group)
    expect(row).to_contain_text(kind.lower())
    row.click()
    expect(page.get_by_role("heading", name=group)).to_be_visible()
    member = rows_of(page, "Members")
    expect(member).to_have_count(1)
    expect(member).to_contain_text("kbroker-console")
    if kind != "Streams":
        expect(member).to_contain_text(topic)
    page.get_by_role("button", name="Configs").click()
    page.get_by_label("Filter configs").fill(f"{kind.lower()}.session.timeout.ms")
    expect(rows_of(page, "Configs")).to_have_count(1)


def test_a_classic_group_at_work(page: Page, shown: Shown, snapshot: Callable[[str], None]) -> None:
    kafka = need_module("kafka")
    topic, group = unique("orders"), unique("billing")
    shown.create_topics(topic, partitions=3)
    for partition in range(3):
        produce(shown, topic, partition, 40)
    consumer = kafka.KafkaConsumer(
        topic, bootstrap_servers=shown.bootstrap, group_id=group, client_id="billing-1", auto_offset_reset="earliest",
        enable_auto_commit=False, max_poll_records=50,
    )  # fmt: skip
    until("it has records", lambda: consumer.poll(200))
    consumer.commit()
    page.goto(f"{shown.url}#/groups/{group}")
    expect(page.get_by_text("Stable")).to_be_visible()
    member = rows_of(page, "Members")
    expect(member).to_contain_text("billing-1")
    expect(member).to_contain_text(f"{topic}/0, {topic}/1, {topic}/2")
    at = committed(shown, group)
    behind = rows_of(page, "Offsets")
    expect(behind).to_have_count(3)
    for partition in range(3):
        expect(behind.nth(partition)).to_contain_text("billing-1")
        if partition in at:
            expect(behind.nth(partition).locator("td").nth(4)).to_have_text(str(40 - at[partition]))
    produce(shown, topic, 0, 60)
    chart = page.get_by_role("img", name="Lag")
    expect(chart).to_have_attribute("aria-label", f"Lag: {topic} {180 - sum(at.values())}")
    expect(chart.locator("canvas")).to_be_visible()
    snapshot("group")
    page.get_by_role("button", name="Reset offsets").click()
    expect(page.get_by_text("It has 1 members")).to_be_visible()
    page.get_by_role("dialog").get_by_role("button", name="Show the plan").click()
    page.get_by_role("dialog").get_by_role("button", name="Reset 3 partitions").click()
    expect(page.get_by_role("alert")).to_contain_text("stop its consumers first")
    assert committed(shown, group) == at
    consumer.close()


def test_offsets_are_reset_as_the_plan_has_shown(page: Page, shown: Shown, snapshot: Callable[[str], None]) -> None:
    topic, group = unique("again"), unique("redo")
    shown.create_topics(topic, partitions=2)
    for partition in range(2):
        produce(shown, topic, partition, 30)
    before = {0: 20, 1: 25}
    commit(shown, group, topic, before)
    page.goto(f"{shown.url}#/groups/{group}")
    dialog = page.get_by_role("dialog")

    def plan(wish: str, value: str = "") -> list[list[str]]:
        page.get_by_role("button", name="Reset offsets").click()
        dialog.get_by_label("Go on at").select_option(wish)
        if value:
            dialog.get_by_label("Time" if wish == "time" else "Number").fill(value)
        dialog.get_by_role("button", name="Show the plan").click()
        expect(rows_of(page, "Plan")).to_have_count(2)
        return [row.locator("td").all_inner_texts()[1:5] for row in rows_of(page, "Plan").all()]

    assert plan("shift", "-10") == [["0", "20", "10", "-10"], ["1", "25", "15", "-10"]]
    snapshot("reset")
    assert committed(shown, group) == before, "a plan changes nothing"
    page.keyboard.press("Escape")
    assert plan("offset", "1000") == [["0", "20", "30", "+10"], ["1", "25", "30", "+5"]], "no further than the end"
    page.keyboard.press("Escape")
    assert plan("time", "2020-01-01T00:00:00") == [["0", "20", "30", "+10"], ["1", "25", "30", "+5"]], "nothing later"
    page.keyboard.press("Escape")
    assert plan("time", "1970-01-01T00:00:00") == [["0", "20", "0", "-20"], ["1", "25", "0", "-25"]]
    page.keyboard.press("Escape")
    assert plan("earliest") == [["0", "20", "0", "-20"], ["1", "25", "0", "-25"]]
    dialog.get_by_role("button", name="Reset 2 partitions").click()
    expect(dialog).to_have_count(0)
    assert committed(shown, group) == {0: 0, 1: 0}
    expect(rows_of(page, "Offsets").first.locator("td").nth(4)).to_have_text("30")

    page.get_by_role("button", name="Forget a topic").click()
    dialog.get_by_role("button", name="Forget").click()
    expect(dialog).to_have_count(0)
    assert committed(shown, group) == {}


def test_a_share_group_goes_on_where_it_is_told(page: Page, shown: Shown) -> None:
    topic, group = unique("shared"), unique("share")
    shown.create_topics(topic)
    produce(shown, topic, 0, 12)
    beats(shown, "Share", group, topic)
    request = {"groupId": group, "memberId": "m" * 22, "memberEpoch": -1}
    shown.kafka("ShareGroupHeartbeat", request)
    page.goto(f"{shown.url}#/groups/{group}")
    page.get_by_role("button", name="Reset offsets").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Of which topic").select_option(topic)
    dialog.get_by_label("Go on at").select_option("offset")
    dialog.get_by_label("Number").fill("5")
    dialog.get_by_role("button", name="Show the plan").click()
    dialog.get_by_role("button", name="Reset 1 partition").click()
    expect(dialog).to_have_count(0)
    answer = shown.kafka("DescribeShareGroupOffsets", {"groups": [{"groupId": group, "topics": None}]})
    (found,) = answer["groups"][0]["topics"]
    assert [one["startOffset"] for one in found["partitions"]] == [5]


def test_a_group_is_deleted_when_its_name_is_typed(page: Page, shown: Shown) -> None:
    topic, group = unique("left"), unique("gone")
    shown.create_topics(topic)
    commit(shown, group, topic, {0: 0})
    page.goto(f"{shown.url}#/groups/{group}")
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_label("Type").fill(group)
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.get_by_role("heading", name="Groups", exact=True)).to_be_visible()
    assert group not in [one["groupId"] for one in shown.kafka("ListGroups")["groups"]]
