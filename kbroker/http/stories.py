"""What several exchanges tell together, gathered: a group's rebalance, a transaction. What they mean stands in
`kbroker/trace/groups.py` and `transactions.py`; here is where the parts come from.

    group          its requests in the ring, and the group's own history (`groups/history.py`)
    transaction    its requests in the ring, the records of its coordinator's log, and the logs of its partitions
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from kbroker.control.reading import exchange_of
from kbroker.http.frames import WORK_S, row_of
from kbroker.http.wanted import Wanted, wanted
from kbroker.trace import groups, transactions
from kbroker.trace.exchange import read
from kbroker.trace.groups import Said
from kbroker.transactions.states import State
from wire.batch import batches
from wire.durable.codec import TRANSACTIONS, decode_key, decode_value
from wire.durable.transactions import TransactionLogValue
from wire.primitives import uuid_text
from wire.records import COMMIT, control_type, iterate

if TYPE_CHECKING:
    from kbroker.broker import Broker
    from kbroker.http.looking import Looking
    from kbroker.partitions.partition import Partition
    from storage.engine import Chunk
    from wire.batch import Batch

MOST_REQUESTS = 1000
READ_BYTES = 1 << 20
MOST_UNFOLDED = 16 << 20


async def group_story(broker: Broker, looking: Looking, name: str) -> dict[str, Any]:
    """The newest requests of a group, with what happened to it meanwhile."""
    choice = wanted(broker, groups.APIS, None, None, name, None, False, None)
    said = await _chosen(looking, choice)
    since = said[0].row["at_ms"] if said else 0
    events = [
        groups.Event(each.at_ms, each.what.value, each.member, each.cause)
        for each in broker.cluster.groups.history(name)
        if each.at_ms >= since
    ]
    names = _names(broker)
    return {"group": name, **groups.sequence(said, events, lambda id: names.get(id, id))}


async def transaction_story(broker: Broker, looking: Looking, name: str) -> dict[str, Any]:
    """The newest requests of a transactional id, its states, and what stands in the logs since the first of them."""
    choice = wanted(broker, transactions.APIS, None, None, None, None, False, None)
    asked = await _chosen(looking, choice, name)
    since = asked[0].row["at_ms"] if asked else 0
    names = _names(broker)
    states = [each for each in await _states(broker, name) if each.at_ms >= since]
    producers = {each.producer_id for each in states}
    partitions = sorted({each for state in states for each in state.partitions})
    written: list[transactions.Written] = []
    for partition in partitions:
        written += await _written(broker, partition, producers, since)
    return {"transactional_id": name, **transactions.timeline(asked, states, written, lambda id: names.get(id, id))}


async def _chosen(looking: Looking, choice: Wanted, transactional_id: str | None = None) -> list[Said]:
    """Rows with both messages, in the order in which they came."""
    world = looking.world
    found: list[Said] = []
    end = world.work_time() + WORK_S
    for seen in reversed(looking.history.requests):
        if len(found) == MOST_REQUESTS:
            break
        if world.work_time() > end:
            await asyncio.sleep(0)
            end = world.work_time() + WORK_S
        if not choice.may_be(seen):
            continue
        exchange = exchange_of(seen)
        reading = read(exchange.request, exchange.reply)
        if transactional_id is not None and not _names_it(reading.request, transactional_id):
            continue
        if choice.choice.takes(reading):
            found.append(Said(row_of(seen, exchange, reading), seen.began_s, reading.request or {}, reading.response))
    return found[::-1]


def _names_it(request: dict[str, Any] | None, name: str) -> bool:
    """Whether it is a request of that transactional id: AddPartitionsToTxn has it elsewhere, and in some versions may
    speak of several."""
    if request is None:
        return False
    inner = [each.get("transactionalId") for each in request.get("transactions", ()) if isinstance(each, dict)]
    return name in (request.get("transactionalId"), request.get("v3AndBelowTransactionalId"), *inner)


def _names(broker: Broker) -> dict[str, str]:
    return {uuid_text(topic.id): topic.name for topic in broker.cluster.catalog.topics()}


# --- logs -----------------------------------------------------------------------------------------------------------


async def _states(broker: Broker, name: str) -> list[transactions.State]:
    """What the coordinator's log still has of a transactional id, oldest first."""
    cluster = broker.cluster
    if cluster.catalog.topic("__transaction_state") is None:
        return []
    found = []
    index = cluster.transactions.coordinator(name)
    for batch in await _batches(broker, f"__transaction_state/{index}"):
        if batch.is_control:
            continue
        for record in iterate(batch, MOST_UNFOLDED):
            key = None if record.key is None else decode_key(record.key, TRANSACTIONS)
            if key is None or record.value is None or getattr(key, "transactional_id", None) != name:
                continue
            value = decode_value(key, record.value)
            if isinstance(value, TransactionLogValue):
                found.append(_state(value))
    return found


def _state(value: TransactionLogValue) -> transactions.State:
    parts = [f"{each.topic}/{index}" for each in value.transaction_partitions or () for index in each.partition_ids]
    return transactions.State(
        value.transaction_last_update_timestamp_ms,
        State(value.transaction_status).title,
        value.producer_id,
        value.producer_epoch,
        parts,
    )


async def _written(broker: Broker, place: str, producers: set[int], since: int) -> list[transactions.Written]:
    """Batches of these producers, and the markers that end their transactions."""
    return [
        transactions.Written(
            place,
            batch.base_offset,
            batch.max_timestamp,
            _kind(batch),
            0 if batch.is_control else batch.count,
            batch.producer_id,
            batch.producer_epoch,
        )
        for batch in await _batches(broker, place)
        if batch.is_transactional and batch.producer_id in producers and batch.max_timestamp >= since
    ]


def _kind(batch: Batch) -> str:
    if not batch.is_control:
        return "batch"
    record = next(iter(iterate(batch)))
    return "COMMIT" if control_type(record) == COMMIT else "ABORT"


async def _batches(broker: Broker, place: str) -> list[Batch]:
    """The last of a partition, a megabyte at most."""
    name, _, index = place.rpartition("/")
    topic = broker.cluster.catalog.topic(name)
    if topic is None or int(index) >= len(topic.partitions):
        return []
    partition = broker.cluster.partitions.open(topic, int(index))
    await partition.ready()
    found: list[Batch] = []
    async for chunk in _chunks(partition):
        found += _of(chunk)
    return found


async def _chunks(partition: Partition) -> Any:
    size = sum(extent.size for extent in partition.engine.extents(partition.log))
    per_offset = max(1, size // max(1, partition.end - partition.log_start))
    offset = max(partition.log_start, partition.end - READ_BYTES // per_offset)
    while offset < partition.end:
        chunk = await partition.read(offset, READ_BYTES, partition.end)
        yield chunk
        if chunk.next_offset <= offset:
            return
        offset = chunk.next_offset


def _of(chunk: Chunk) -> Iterator[Batch]:
    for buffer in chunk.buffers:
        yield from batches(buffer)
