"""Transactions and producers in the console: what is open is seen, and can be ended."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from compat_tests.browser.conftest import Shown
from compat_tests.browser.test_topics import rows_of
from compat_tests.tools import need_module, unique

if TYPE_CHECKING:
    from playwright.sync_api import Page

expect = need_module("playwright.sync_api", "browser").expect


def opened(shown: Shown, transactional_id: str, topic: str) -> Any:
    """A producer in the middle of its transaction."""
    kafka = need_module("kafka")
    producer = kafka.KafkaProducer(bootstrap_servers=shown.bootstrap, transactional_id=transactional_id)
    producer.init_transactions()
    producer.begin_transaction()
    producer.send(topic, b"undecided").get(30)
    return producer


def test_an_open_transaction_is_seen_and_fenced(page: Page, shown: Shown, snapshot: Callable[[str], None]) -> None:
    topic, name = unique("payments"), unique("checkout")
    shown.create_topics(topic, partitions=1)
    producer = opened(shown, name, topic)
    page.goto(f"{shown.url}#/transactions")
    page.get_by_label("open only").check()
    page.get_by_label("Filter transactions").fill(name)
    row = rows_of(page, "Transactions")
    expect(row).to_have_count(1)
    expect(row).to_contain_text("Ongoing")
    snapshot("transactions")
    row.click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text(f"{topic}/0")
    dialog.get_by_role("button", name="Abort and fence").click()
    dialog.get_by_role("button", name="Abort", exact=True).click()
    expect(page.get_by_text(f"{name} is fenced")).to_be_visible()
    (state,) = shown.kafka("DescribeTransactions", {"transactionalIds": [name]})["transactionStates"]
    assert state["transactionState"] in ("CompleteAbort", "Empty")
    errors = need_module("kafka.errors")
    with pytest.raises(errors.KafkaError):
        producer.commit_transaction()
    producer.close(0)


def test_a_producer_that_hangs_is_aborted_in_its_partition(page: Page, shown: Shown) -> None:
    topic, name = unique("hung"), unique("hanging")
    shown.create_topics(topic)
    producer = opened(shown, name, topic)
    page.goto(f"{shown.url}#/topics/{topic}?tab=producers")
    row = rows_of(page, "Producers")
    expect(row).to_contain_text("open since offset 0")
    row.get_by_role("button", name="Abort").click()
    page.get_by_role("dialog").get_by_role("button", name="Abort").click()
    expect(row).not_to_contain_text("open since")
    wanted = {"topics": [{"name": topic, "partitionIndexes": [0]}]}
    (partition,) = shown.kafka("DescribeProducers", wanted)["topics"][0]["partitions"]
    assert [one["currentTxnStartOffset"] for one in partition["activeProducers"]] == [-1]
    producer.close(0)
