"""The message browser: reading, each kind of search with hits streaming in, writing, copying, taking away as a file."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from compat_tests.browser.conftest import Shown
from compat_tests.tools import need_module

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

expect = need_module("playwright.sync_api", "browser").expect

STATES = ("paid", "open", "refused")


def order(number: int) -> dict[str, Any]:
    value = {"order": {"id": number, "state": STATES[number % 3], "items": [{"sku": "tea", "price": 4.5}]}}
    headers = [["source", "web" if number % 2 else "app"]]
    return {"key": f"customer-{number % 5}", "value": json.dumps(value), "headers": headers, "partition": number % 3}


@pytest.fixture(scope="session")
def orders(shown: Shown) -> str:
    """A topic with 300 orders, a letter in bytes and a tombstone."""
    shown.create_topics("orders", partitions=3)
    records = [order(number) for number in range(300)]
    records += [{"key": "raw", "value": {"base64": "AAH/Sw=="}}, {"key": "gone", "value": None}]
    shown.post("/records/produce", {"topic": "orders", "records": records, "compression": "gzip"})
    return "orders"


def rows(page: Page) -> Locator:
    return page.get_by_role("table", name="Records").locator("tbody tr[data-at]")


def status(page: Page) -> Locator:
    return page.locator(".status")


def search(page: Page, kind: str, text: str, where: str = "") -> None:
    page.get_by_label("Kind of filter").select_option(kind)
    page.get_by_label("Where to look").select_option(where)
    page.get_by_label("Filter", exact=True).fill(text)
    page.get_by_label("Filter", exact=True).press("Enter")


def test_a_topic_is_read_from_either_end_and_from_anywhere(page: Page, shown: Shown, orders: str) -> None:
    page.goto(f"{shown.url}#/messages")
    page.get_by_label("Filter topics").fill("order")
    page.get_by_role("link", name="orders", exact=True).click()
    expect(status(page)).to_contain_text("100 records")
    page.get_by_role("button", name="More").click()
    expect(status(page)).to_contain_text("200 records")
    page.get_by_label("Order").select_option("oldest")
    page.get_by_label("From", exact=True).fill("-2")
    page.get_by_label("Partitions").fill("1")
    page.get_by_role("button", name="Search").click()
    expect(rows(page)).to_have_count(2)
    page.get_by_label("From", exact=True).fill("1999-01-01")
    page.get_by_label("To", exact=True).fill("3")
    page.get_by_role("button", name="Search").click()
    expect(rows(page)).to_have_count(3)
    expect(rows(page).first).to_contain_text("customer-1")


@pytest.mark.parametrize(
    ("kind", "where", "text", "found"),
    [
        ("text", "", "refused", 100),
        ("text", "key:", "customer-4", 60),
        ("regex", "value:", '"id": 29[0-9],', 10),
        ("path", "", ".order.items[0].price=4.5", 100),
        ("path", "", ".order.id=7", 1),
        ("text", "", "nobody has this", 0),
    ],
)
def test_a_search_finds(page: Page, shown: Shown, orders: str, kind: str, where: str, text: str, found: int) -> None:
    page.goto(f"{shown.url}#/messages/orders")
    expect(status(page)).to_contain_text("100 records")
    search(page, kind, text, where)
    expect(status(page)).to_contain_text(f"{found} record")
    if found == 1:
        expect(rows(page).first).to_contain_text('"id": 7')


def test_a_topics_page_has_its_messages(page: Page, shown: Shown, orders: str) -> None:
    page.goto(f"{shown.url}#/topics/orders?tab=messages")
    expect(status(page)).to_contain_text("100 records")
    search(page, "path", ".order.id=8")
    expect(rows(page)).to_have_count(1)
    expect(page).to_have_url(re.compile(r"#/topics/orders\?(?=.*tab=messages).*filter="))
    page.go_back()
    expect(status(page)).to_contain_text("100 records")


def test_hits_stream_in_while_a_long_topic_is_searched(page: Page, shown: Shown) -> None:
    shown.create_topics("long")
    filler = [{"value": "x" * 100} for _ in range(2000)]
    for part in range(30):
        shown.post("/records/produce", {"topic": "long", "records": [{"value": f"needle {part}"}, *filler]})
    page.goto(f"{shown.url}#/messages/long?order=oldest&kind=regex&filter=needle")
    expect(rows(page).first).to_contain_text("needle 0")
    expect(status(page)).to_contain_text("30 records, 60\u202f030 looked at")


def test_the_tail_follows_pauses_and_goes_on(page: Page, shown: Shown) -> None:
    shown.create_topics("tail")

    def produce(value: str) -> None:
        shown.post("/records/produce", {"topic": "tail", "records": [{"value": value}]})

    produce("before")
    page.goto(f"{shown.url}#/messages/tail?order=follow")
    expect(rows(page)).to_have_count(1)
    produce("first")
    expect(rows(page).first).to_contain_text("first")
    page.get_by_role("button", name="Pause").click()
    produce("second")
    page.get_by_role("button", name="Go on (1 wait)").wait_for()
    expect(rows(page)).to_have_count(2)
    page.get_by_role("button", name="Go on").click()
    expect(rows(page).first).to_contain_text("second")
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_text("following", exact=True)).to_have_count(0)


def test_a_record_is_seen_in_every_way(page: Page, shown: Shown, orders: str, snapshot: Callable[[str], None]) -> None:
    page.goto(f"{shown.url}#/messages/orders?order=oldest&kind=path&filter=.order.id%3D7")
    rows(page).first.focus()
    page.keyboard.press("Enter")
    detail = page.get_by_role("complementary")
    expect(detail.get_by_role("tab", name="JSON")).to_have_attribute("aria-selected", "true")
    expect(detail.get_by_role("tabpanel")).to_contain_text('"state": "open"')
    detail.get_by_role("tab", name="Headers").click()
    expect(detail.get_by_role("tabpanel")).to_contain_text("source")
    expect(detail.get_by_role("tabpanel")).to_contain_text("web")
    detail.get_by_role("tab", name="Hex").click()
    expect(detail.get_by_role("tabpanel")).to_contain_text("7b 22 6f 72 64 65 72")
    detail.get_by_role("tab", name="Batch").click()
    expect(detail.get_by_role("tabpanel")).to_contain_text("gzip")
    page.keyboard.press("Escape")
    expect(detail).to_have_count(0)
    search(page, "text", "raw", "key:")
    rows(page).first.click()
    expect(detail.get_by_role("tabpanel")).to_contain_text("00 01 ff 4b")
    search(page, "path", ".order.state=paid")
    expect(status(page)).to_contain_text("100 records")
    rows(page).nth(2).click()
    detail.get_by_role("tab", name="JSON").click()
    expect(detail.get_by_role("tabpanel")).to_contain_text('"state": "paid"')
    snapshot("messages")


def test_transactions_show_their_ends_and_what_became_of_them(page: Page, shown: Shown) -> None:
    shown.create_topics("ledger")
    from kafka import KafkaProducer

    producer = KafkaProducer(bootstrap_servers=shown.bootstrap, transactional_id="ledger-1")
    producer.init_transactions()
    for value, commit in ((b"kept", True), (b"dropped", False)):
        producer.begin_transaction()
        producer.send("ledger", value).get(10)
        (producer.commit_transaction if commit else producer.abort_transaction)()
    producer.close()
    page.goto(f"{shown.url}#/messages/ledger?order=oldest&control=true")
    expect(rows(page)).to_have_count(4)
    expect(rows(page).nth(1)).to_contain_text("commit")
    expect(rows(page).nth(3)).to_contain_text("abort")
    rows(page).nth(2).click()
    page.get_by_role("tab", name="Batch").click()
    expect(page.get_by_role("tabpanel")).to_contain_text("aborted")
    page.get_by_label("committed only").check()
    page.get_by_label("markers").uncheck()
    page.get_by_role("button", name="Search").click()
    expect(rows(page)).to_have_count(1)
    expect(rows(page).first).to_contain_text("kept")


def test_the_brokers_own_records_are_told_as_what_they_mean(page: Page, shown: Shown, orders: str) -> None:
    topics = [{"name": orders, "partitions": [
        {"partitionIndex": 0, "committedOffset": 5, "committedMetadata": ""}]}]  # fmt: skip
    shown.kafka("FindCoordinator", {"keyType": 0, "coordinatorKeys": ["readers"]})
    shown.post("/kafka/OffsetCommit?version=9", {"groupId": "readers", "memberId": "", "topics": topics})
    page.goto(f"{shown.url}#/messages/__consumer_offsets?kind=text&filter=readers")
    expect(rows(page).first).to_contain_text("OffsetCommit")
    expect(rows(page).first).to_contain_text('"offset":5')


def test_a_record_is_produced_and_sent_again_with_edits(
    page: Page, shown: Shown, snapshot: Callable[[str], None]
) -> None:
    shown.create_topics("written", partitions=2)
    page.goto(f"{shown.url}#/messages/written?order=oldest")
    page.get_by_text("Nothing here that fits").wait_for()
    page.get_by_role("button", name="Produce…").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Key", exact=True).fill("k")
    dialog.get_by_label("Value", exact=True).fill('{"total": -1}')
    dialog.get_by_label("Headers").fill("trace: 1\nsource: console")
    dialog.get_by_label("Compression").select_option("zstd")
    snapshot("produce")
    dialog.get_by_role("button", name="Produce").click()
    page.get_by_text("at offset 0").wait_for()
    expect(rows(page)).to_have_count(1)
    rows(page).first.click()
    page.get_by_role("button", name="Resend…").click()
    expect(dialog.get_by_label("Value", exact=True)).to_have_value('{"total": -1}')
    expect(dialog.get_by_label("Headers")).to_have_value("trace: 1\nsource: console")
    dialog.get_by_label("Value", exact=True).fill('{"total": 1}')
    dialog.get_by_role("button", name="Resend").click()
    expect(rows(page)).to_have_count(2)
    expect(rows(page).nth(1)).to_contain_text('{"total": 1}')
    page.get_by_role("button", name="Produce…").click()
    dialog.get_by_label("Headers").fill("no colon")
    dialog.get_by_role("button", name="Produce").click()
    dialog.get_by_text("A header is NAME: VALUE").wait_for()


def letters(shown: Shown, topic: str) -> None:
    shown.create_topics(f"{topic}.dlq")
    shown.create_topics(topic, partitions=3)
    records = [
        {"key": f"k{at}", "value": f"v{at}", "headers": [["dlq.topic", topic], ["dlq.reason", "no JSON"]]}
        for at in range(4)
    ]
    shown.post("/records/produce", {"topic": f"{topic}.dlq", "records": records})


def test_dead_letters_go_back_after_a_dry_run(page: Page, shown: Shown, snapshot: Callable[[str], None]) -> None:
    letters(shown, "work")
    page.goto(f"{shown.url}#/messages/work.dlq?order=oldest")
    expect(rows(page)).to_have_count(4)
    page.get_by_label("Select all").check()
    page.get_by_label("Select 0 @ 1").uncheck()
    page.get_by_role("toolbar").get_by_text("3 selected").wait_for()
    page.get_by_role("button", name="Copy to a topic…").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_label("To the topic")).to_have_value("work")
    expect(dialog.get_by_label("Leave out headers")).to_have_value("dlq.*")
    dialog.get_by_role("button", name="Dry run").click()
    expect(dialog.get_by_role("table", name="Dry run").locator("tbody tr")).to_have_count(3)
    dialog.get_by_text("Nothing has been written yet").wait_for()
    snapshot("redrive")
    dialog.get_by_role("button", name="Copy 3 now").click()
    page.get_by_text("3 records copied to work").wait_for()
    page.goto(f"{shown.url}#/messages/work")
    expect(rows(page)).to_have_count(3)
    rows(page).first.click()
    page.get_by_role("tab", name="Headers").click()
    page.get_by_text("No headers.").wait_for()


def test_what_fits_and_what_is_selected_can_be_taken_away(page: Page, shown: Shown, orders: str) -> None:
    page.goto(f"{shown.url}#/messages/orders?kind=path&filter=.order.state%3Dpaid")
    expect(status(page)).to_contain_text("100 records")
    with page.expect_download() as saved:
        page.get_by_role("button", name="Export", exact=True).click()
    lines = [json.loads(line) for line in Path(saved.value.path()).read_text().splitlines()]
    assert saved.value.suggested_filename == "orders.jsonl"
    assert len(lines) == 100 and {json.loads(line["value"])["order"]["state"] for line in lines} == {"paid"}
    rows(page).nth(0).get_by_role("checkbox").check()
    rows(page).nth(1).get_by_role("checkbox").check()
    with page.expect_download() as saved:
        page.get_by_role("button", name="Export the selection").click()
    picked = [json.loads(line) for line in Path(saved.value.path()).read_text().splitlines()]
    assert len(picked) == 2 and all(one in lines for one in picked)
