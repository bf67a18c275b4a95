"""The wire inspector, as somebody uses it who wants to know what a client does."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from compat_tests.broker import Process
from compat_tests.browser.conftest import Shown
from compat_tests.tools import need_module

if TYPE_CHECKING:
    from playwright.sync_api import Page

expect = need_module("playwright.sync_api", "browser").expect


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shown]:
    """A broker whose wire is looked at, with control."""
    settings = ("kbroker.http=127.0.0.1:0", "kbroker.control=true", "group.initial.rebalance.delay.ms=0")
    process = Process(tmp_path_factory.mktemp("seen"), settings=settings, memory=True).start()
    yield Shown(process)
    process.close()


@contextmanager
def producing(shown: Shown, topic: str, client_id: str = "till", **settings: Any) -> Iterator[Any]:
    kafka = need_module("kafka", "kafka_python")
    producer = kafka.KafkaProducer(bootstrap_servers=shown.bootstrap, client_id=client_id, **settings)
    try:
        producer.partitions_for(topic)
        yield producer
    finally:
        producer.close()


def test_requests_appear_as_they_are_answered_and_are_chosen_by_filters(
    page: Page, seen: Shown, snapshot: Callable[[str], None]
) -> None:
    seen.create_topics("receipts", partitions=2)
    page.goto(f"{seen.url}#/wire")
    table = page.get_by_role("table", name="Requests")
    with producing(seen, "receipts") as producer:
        for number in range(5):
            producer.send("receipts", b"receipt %d" % number).get(10)
        expect(table.get_by_role("link", name="Produce").first).to_be_visible()
        snapshot("wire")
        page.get_by_label("API").fill("Metadata")
        page.get_by_label("API").press("Tab")
        expect(page.get_by_text("Nothing has come yet")).to_be_visible()
        page.get_by_label("API").fill("Produce")
        page.get_by_label("Topic").fill("receipts")
        expect(page.get_by_text("Nothing has come yet")).to_be_visible()
        producer.send("receipts", b"one more").get(10)
        expect(table.locator("tbody tr")).to_have_count(1)
    row = table.locator("tbody tr").first
    expect(row).to_contain_text("till")
    expect(row).to_contain_text("receipts")
    row.get_by_role("link", name="#").click()
    expect(page.get_by_role("heading", name="Connection #")).to_be_visible()
    expect(table.get_by_role("link", name="ApiVersions")).to_be_visible()


def test_a_byte_lights_its_field_and_a_field_its_bytes(
    page: Page, seen: Shown, snapshot: Callable[[str], None]
) -> None:
    seen.create_topics("slips")
    with producing(seen, "slips", compression_type="gzip") as producer:
        producer.send("slips", key=b"order-7", value=b"three apples, " * 3, headers=[("shop", b"north")]).get(10)
    page.goto(f"{seen.url}#/wire")
    rows = seen.get("/frames/list?api=Produce&topic=slips")["rows"]
    page.goto(f"{seen.url}#/wire/frame/{rows[-1]['number']}")
    tree, dump = page.get_by_role("tree", name="Fields"), page.get_by_role("group", name="Bytes")
    field = tree.get_by_role("treeitem").filter(has_text="transactional_id")
    number = field.get_attribute("data-n")
    field.hover()
    byte = dump.locator(f'[data-side="byte"][data-n="{number}"]')
    expect(byte).to_have_class(re.compile(r"\blit\b"))
    about = page.locator(".about")
    expect(about).to_contain_text("transactional_id")
    expect(about).to_contain_text("versions 3-13")
    acks = tree.get_by_role("treeitem").filter(has_text="acks")
    dump.locator(f'[data-side="byte"][data-n="{acks.get_attribute("data-n")}"]').first.hover()
    expect(about).to_contain_text("when all in-sync replicas have it")
    assert "lit" in (acks.get_attribute("class") or "")
    key = tree.get_by_role("treeitem").filter(has_text="'order-7'")
    expect(key).to_be_visible()
    key.focus()
    expect(about).to_contain_text("records[0].key")
    expect(about).to_contain_text("unfolded")
    expect(tree.get_by_role("treeitem").filter(has_text="'north'")).to_be_visible()
    snapshot("wire-frame")
    page.keyboard.press("a")
    expect(page.get_by_role("tab", name="Answer")).to_have_attribute("aria-selected", "true")
    expect(tree.get_by_role("treeitem").filter(has_text="base_offset")).to_be_visible()
    page.keyboard.press("[")
    expect(page.get_by_role("heading", level=1)).not_to_contain_text("Produce")


def test_the_tree_is_moved_through_by_keys(page: Page, seen: Shown) -> None:
    seen.create_topics("keyed")
    with producing(seen, "keyed") as producer:
        producer.send("keyed", b"v").get(10)
    number = seen.get("/frames/list?api=Produce&topic=keyed")["rows"][-1]["number"]
    page.goto(f"{seen.url}#/wire/frame/{number}")
    tree = page.get_by_role("tree", name="Fields")
    topics = tree.get_by_role("treeitem").filter(has_text="topic_data").first
    topics.focus()
    before = tree.get_by_role("treeitem").count()
    page.keyboard.press("ArrowLeft")
    expect(topics).to_have_attribute("aria-expanded", "false")
    assert tree.get_by_role("treeitem").count() < before
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    expect(page.locator(".about")).to_contain_text("topic_data[0]")


def test_under_load_the_list_pauses_and_counts(page: Page, seen: Shown, snapshot: Callable[[str], None]) -> None:
    seen.create_topics("load")
    page.goto(f"{seen.url}#/wire")
    expect(page.get_by_text("Nothing has come yet")).to_be_visible()
    ended = threading.Event()

    def load() -> None:
        with producing(seen, "load", "loader", linger_ms=0, batch_size=0) as producer:
            while not ended.is_set():
                producer.send("load", b"x").get(10)

    clients = [threading.Thread(target=load) for _ in range(3)]
    for client in clients:
        client.start()
    try:
        status = page.get_by_role("status").filter(has_text="More comes than anybody can read")
        expect(status).to_be_visible(timeout=20_000)
        others = status.locator("[data-others]")
        expect(others).to_be_visible()
        first = others.get_attribute("data-others") or ""
        expect(others).not_to_have_attribute("data-others", first)
        assert int(others.get_attribute("data-others") or 0) > int(first)
        snapshot("wire-load")
        newest = page.get_by_role("table", name="Requests").locator("tbody tr").first
        shown = newest.inner_text()
        status.get_by_role("button", name="go on").click()
        expect(status).to_have_count(0)
        expect(newest).not_to_have_text(shown)
        page.get_by_role("button", name="Pause").click()
        expect(page.get_by_role("button", name="Go on")).to_be_visible()
    finally:
        ended.set()
        for client in clients:
            client.join(20)


def test_a_rebalance_is_a_sequence_of_who_said_what(page: Page, seen: Shown, snapshot: Callable[[str], None]) -> None:
    kafka = need_module("kafka", "kafka_python")
    seen.create_topics("parcels", partitions=4)

    def member(name: str) -> Any:
        return kafka.KafkaConsumer(
            "parcels",
            bootstrap_servers=seen.bootstrap,
            group_id="packers",
            client_id=name,
            heartbeat_interval_ms=200,
            session_timeout_ms=6000,
        )

    with member("packer-1") as first, member("packer-2") as second:
        for _ in range(50):
            first.poll(100)
            second.poll(100)
            if first.assignment() and second.assignment():
                break
        assert len(first.assignment() | second.assignment()) == 4
        page.goto(f"{seen.url}#/wire/group/packers")
        picture = page.get_by_role("img", name="What members and coordinator said")
        for text in ("packer-1", "packer-2", "coordinator", "JoinGroup", "SyncGroup"):
            expect(picture.get_by_text(text, exact=True).first).to_be_visible()
        expect(picture.locator(".event").filter(has_text="rebalance").first).to_be_visible()
        expect(picture.locator(".answer").filter(has_text="parcels/").first).to_be_visible()
        page.get_by_role("button", name="Hold still").click()
        snapshot("wire-group")
        page.get_by_role("link", name="JoinGroup").first.click()
        expect(page.get_by_role("heading", name="JoinGroup")).to_be_visible()


def test_a_transaction_is_a_timeline_down_to_its_markers(
    page: Page, seen: Shown, snapshot: Callable[[str], None]
) -> None:
    seen.create_topics("ledger", partitions=2)
    with producing(seen, "ledger", "bank", transactional_id="transfers") as producer:
        producer.init_transactions()
        producer.begin_transaction()
        producer.send("ledger", b"-10", partition=0)
        producer.send("ledger", b"+10", partition=1)
        producer.commit_transaction()
        producer.begin_transaction()
        producer.send("ledger", b"-99", partition=0).get(10)
        producer.abort_transaction()
    page.goto(f"{seen.url}#/wire/transaction/transfers")
    picture = page.get_by_role("img", name="What the transaction did")
    for text in ("producer", "coordinator", "ledger/0", "ledger/1", "InitProducerId", "Ongoing", "EndTxn"):
        expect(picture.get_by_text(text, exact=True).first).to_be_visible()
    expect(picture.get_by_text("COMMIT", exact=True)).to_have_count(2)
    expect(picture.get_by_text("ABORT", exact=True)).to_have_count(1)
    snapshot("wire-transaction")


def test_step_mode_lets_one_request_go_at_each_key(page: Page, seen: Shown, snapshot: Callable[[str], None]) -> None:
    seen.create_topics("steps")
    with producing(seen, "steps", "stepper", request_timeout_ms=60_000) as producer:
        page.goto(f"{seen.url}#/step")
        page.get_by_role("button", name="Begin").click()
        expect(page.get_by_text("No request waits")).to_be_visible()
        sent = producer.send("steps", b"v")
        waiting = page.get_by_role("table", name="Waiting requests")
        expect(waiting.locator("tbody tr").filter(has_text="stepper").first).to_be_visible()
        changed = page.get_by_role("table", name="What it changed")
        for _ in range(20):
            page.keyboard.press("n")
            page.wait_for_timeout(100)
            if changed.filter(has_text="log steps/0").count():
                break
        expect(changed).to_contain_text("0 to 1, high watermark 1")
        assert sent.get(10).offset == 0
        snapshot("step")
        page.keyboard.press("x")
        expect(page.get_by_role("button", name="Begin")).to_be_visible()
        producer.send("steps", b"w").get(10)
        page.get_by_role("button", name="Begin").click()
        expect(page.get_by_text("No request waits")).to_be_visible()
        page.goto(f"{seen.url}#/wire")
        expect(page.get_by_role("heading", name="Wire")).to_be_visible()
        producer.send("steps", b"x").get(10)
