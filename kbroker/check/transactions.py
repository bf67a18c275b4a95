"""Stage 9: a transaction that commits, one that aborts, and a producer that is fenced (KIP-98)."""

from __future__ import annotations

from kbroker.check.first import create, waited
from kbroker.check.groups import FIND_COORDINATOR, TRANSACTION, find_coordinator
from kbroker.check.peer import expect, same
from kbroker.check.records import THREE, fetch, produce, producer, values
from kbroker.check.stages import Bench
from wire.messages.add_partitions_to_txn import (
    AddPartitionsToTxnRequest,
    AddPartitionsToTxnResponse,
    AddPartitionsToTxnTopic,
)
from wire.messages.end_txn import EndTxnRequest, EndTxnResponse
from wire.records import build_batch

ADD_PARTITIONS, END = 24, 26
CLIENTS_OWN = 3
"""AddPartitionsToTxn up to here, Produce and EndTxn as before KIP-890: a client adds partitions itself."""
PRODUCE_BEFORE_890, END_BEFORE_890 = 11, 4
CONCURRENT = 51
FENCED = (47, 90)
"""INVALID_PRODUCER_EPOCH, or PRODUCER_FENCED in newer versions."""


def begins(bench: Bench) -> None:
    """InitProducerId with a transactional id gives a producer, and AddPartitionsToTxn begins its transaction."""
    topic = bench.name("transactions")
    create(bench, topic, 1)
    waited(bench, topic)
    bench.kept["txn topic"], bench.kept["txn"] = topic, bench.name("txn")
    find_coordinator(bench, bench.kept["txn"], TRANSACTION, bench.newest(FIND_COORDINATOR))
    bench.kept["txn producer"] = producer(bench, bench.kept["txn"])
    add(bench)


def add(bench: Bench) -> None:
    id, epoch = bench.kept["txn producer"]
    request = AddPartitionsToTxnRequest(
        transactions=[],
        v3_and_below_transactional_id=bench.kept["txn"],
        v3_and_below_producer_id=id,
        v3_and_below_producer_epoch=epoch,
        v3_and_below_topics=[AddPartitionsToTxnTopic(name=bench.kept["txn topic"], partitions=[0])],
    )
    for _ in bench.patiently():  # the markers of the one before may still be on their way
        with bench.peer() as peer:
            told = peer.ask(request, bench.newest(ADD_PARTITIONS, CLIENTS_OWN), AddPartitionsToTxnResponse)
        code = told.results_by_topic_v3_and_below[0].results_by_partition[0].partition_error_code
        if code != CONCURRENT:
            break
    expect(code, 0, "AddPartitionsToTxn")


def write(bench: Bench, sequence: int) -> int:
    id, epoch = bench.kept["txn producer"]
    batch = build_batch(THREE, producer_id=id, producer_epoch=epoch, base_sequence=sequence, transactional=True)
    version = bench.newest(0, PRODUCE_BEFORE_890)
    return produce(bench, bench.kept["txn topic"], bytes(batch), version, transactional_id=bench.kept["txn"]).error_code


def end(bench: Bench, committed: bool) -> int:
    id, epoch = bench.kept["txn producer"]
    request = EndTxnRequest(
        transactional_id=bench.kept["txn"], producer_id=id, producer_epoch=epoch, committed=committed
    )
    with bench.peer() as peer:
        return peer.ask(request, bench.newest(END, END_BEFORE_890), EndTxnResponse).error_code


def seen(bench: Bench) -> list[bytes | None]:
    """What a reader of committed records is given, aborted ones left out as every reader does."""
    data = fetch(bench, bench.kept["txn topic"], 0, committed=True)
    return [] if data.aborted_transactions else values(data)


def hides_what_is_open(bench: Bench) -> None:
    """What an open transaction has written is not given to readers of committed records."""
    expect(write(bench, 0), 0, "Produce in the transaction")
    same(seen(bench), [], "what readers see before the commit")
    data = fetch(bench, bench.kept["txn topic"], 0)
    same((data.last_stable_offset, data.high_watermark), (0, 3), "the pair of last stable offset and high watermark")


def shows_what_is_committed(bench: Bench) -> None:
    """After EndTxn with commit readers see it, and a marker follows the records."""
    expect(end(bench, committed=True), 0, "EndTxn")
    for _ in bench.patiently():
        data = fetch(bench, bench.kept["txn topic"], 0, committed=True)
        if data.last_stable_offset == 4:
            break
    same(data.last_stable_offset, 4, "the last stable offset after the marker")
    same(values(data), [record.value for record in THREE], "what readers see after the commit")


def names_what_is_aborted(bench: Bench) -> None:
    """After EndTxn with abort Fetch names the producer and where its aborted records begin."""
    add(bench)
    expect(write(bench, 3), 0, "Produce in the second transaction")
    expect(end(bench, committed=False), 0, "EndTxn")
    for _ in bench.patiently():
        data = fetch(bench, bench.kept["txn topic"], 4, committed=True)
        if data.last_stable_offset == 8:
            break
    found = [(one.producer_id, one.first_offset) for one in data.aborted_transactions or ()]
    same(found, [(bench.kept["txn producer"][0], 4)], "the list of aborted transactions")


def fences(bench: Bench) -> None:
    """A producer whose transactional id somebody else has taken over can write no more, and end nothing."""
    first = bench.kept["txn producer"]
    second = producer(bench, bench.kept["txn"])
    same((second[0], second[1] > first[1]), (first[0], True), "the same id in a later epoch")
    codes = write(bench, 6), end(bench, committed=True)
    for code, what in zip(codes, ("Produce", "EndTxn"), strict=True):
        if code not in FENCED:
            expect(code, FENCED[0], f"{what} of the one that was fenced")


STAGES = (
    (
        "Transactions",
        (begins, hides_what_is_open, shows_what_is_committed, names_what_is_aborted, fences),
    ),
)
