"""`kbroker txn`: transactions, the producers that write to a partition, and an end to those that hang (KIP-664)."""

from __future__ import annotations

import time

import click

from kbroker.cli._asking import Work, asking, sure
from kbroker.cli._places import places_of
from kbroker.client import transactions

OPEN = ("Ongoing", "PrepareCommit", "PrepareAbort")


@click.group("txn")
def txn() -> None:
    """List, describe and end transactions."""


@txn.command("list")
@click.option("--open", "only_open", is_flag=True, help="Only those that are under way.")
@asking
def list_(work: Work, only_open: bool) -> None:
    """All transactional ids with their state."""
    work.out.rows(
        (
            {
                "transactional_id": one.transactional_id,
                "state": one.transaction_state,
                "producer_id": one.producer_id,
            }
            for one in transactions.listed(work.client, OPEN if only_open else ())
        ),
        empty="there are no transactions",
    )


@txn.command("describe")
@click.argument("names", nargs=-1, required=True, metavar="TRANSACTIONAL-ID...")
@asking
def describe(work: Work, names: tuple[str, ...]) -> None:
    """State, producer, age and partitions."""
    now_ms = int(time.time() * 1000)
    work.out.rows(
        {
            "transactional_id": one.transactional_id,
            "state": one.transaction_state,
            "producer_id": one.producer_id,
            "epoch": one.producer_epoch,
            "timeout_ms": one.transaction_timeout_ms,
            "open_for_ms": now_ms - one.transaction_start_time_ms if one.transaction_start_time_ms >= 0 else None,
            "partitions": [f"{topic.topic}-{at}" for topic in one.topics for at in topic.partitions],
        }
        for one in (transactions.described(work.client, name) for name in names)
    )


@txn.command("producers")
@click.argument("topics", nargs=-1, required=True, metavar="TOPIC[:0,2,4-6]...")
@asking
def producers(work: Work, topics: tuple[str, ...]) -> None:
    """Who writes to these partitions, and where an open transaction of theirs began."""
    found = transactions.producers(work.client, places_of(work.client, topics))
    work.out.rows(
        (
            {
                "topic": place[0],
                "partition": place[1],
                "producer_id": one.producer_id,
                "epoch": one.producer_epoch,
                "last_sequence": one.last_sequence,
                "open_since_offset": one.current_txn_start_offset if one.current_txn_start_offset >= 0 else None,
            }
            for place, listed in sorted(found.items())
            for one in listed
        ),
        empty="nobody has written there lately",
    )


@txn.command("abort")
@click.argument("name", metavar="TRANSACTIONAL-ID")
@click.option("--yes", is_flag=True, help="Do not ask.")
@asking
def abort(work: Work, name: str, yes: bool) -> None:
    """Abort what is open under this id, and fence whoever holds it."""
    transactions.described(work.client, name)
    sure(f"Abort the open transaction of {name} and fence its producer?", yes)
    producer_id, epoch = transactions.fence(work.client, name)
    work.out.say(f"{name}: producer {producer_id} is at epoch {epoch} now; the one before is fenced")
