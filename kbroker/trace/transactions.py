"""A transactional id's life as a timeline: what its producer asked, what the coordinator decided, what stands where.

    lanes    "producer", "coordinator", then the partitions that were written to
    items    {"lane", "at_ms", "until_ms", "what", "says", "errors", "number"}      in the order of their time

From InitProducerId to the markers: a request is in the producer's lane, a state of the coordinator's log in its lane, a
batch or a marker in the lane of its partition.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from kbroker.trace.groups import Names, Said

PRODUCER, COORDINATOR = "producer", "coordinator"
APIS = (
    "InitProducerId", "AddPartitionsToTxn", "AddOffsetsToTxn", "Produce", "TxnOffsetCommit", "EndTxn",
)  # fmt: skip


class State(NamedTuple):
    """A record of the coordinator's log."""

    at_ms: int
    state: str
    producer_id: int
    epoch: int
    partitions: list[str]


class Written(NamedTuple):
    """A batch, or a marker, in a partition's log."""

    partition: str
    offset: int
    at_ms: int
    what: str
    records: int
    producer_id: int
    epoch: int


def timeline(
    asked: Sequence[Said], states: Iterable[State], written: Iterable[Written], name_of: Names
) -> dict[str, Any]:
    """All three in one order. A batch stands where its Produce does: its own time is that of the producer's clock."""
    items = [_request(one) for one in asked]
    items += [_state(one) for one in states]
    landed = {place: one.row["at_ms"] for one in asked for place in _landed(one, name_of)}
    items += [_written(one._replace(at_ms=landed.get((one.partition, one.offset), one.at_ms))) for one in written]
    items.sort(key=lambda item: (item["at_ms"], _rank(item)))
    partitions = sorted({item["lane"] for item in items} - {PRODUCER, COORDINATOR})
    return {"lanes": [PRODUCER, COORDINATOR, *partitions], "items": items}


def _rank(item: dict[str, Any]) -> int:
    """Of what is told of the same millisecond: Complete* says that the markers stand."""
    if item["lane"] == PRODUCER:
        return 0
    if item["lane"] == COORDINATOR:
        return 3 if item["what"].startswith("Complete") else 1
    return 2


def _landed(one: Said, name_of: Names) -> Iterator[tuple[str, int]]:
    """Where a Produce has written: partition and base offset."""
    if one.row["api"] == "Produce":
        for topic in (one.response or {}).get("responses", ()):
            name = topic.get("name") or name_of(topic.get("topicId", ""))
            for partition in topic.get("partitionResponses", ()):
                yield f"{name}/{partition['index']}", partition["baseOffset"]


def _request(one: Said) -> dict[str, Any]:
    row = one.row
    says = says_of(row["api"], one.request, one.response)
    return {
        "lane": PRODUCER,
        "at_ms": row["at_ms"],
        "until_ms": row["at_ms"] + row["took_ms"],
        "what": row["api"],
        "says": says,
        "errors": row["errors"],
        "number": row["number"],
    }


def _state(state: State) -> dict[str, Any]:
    has = f"; {', '.join(state.partitions)}" if state.partitions else ""
    says = f"producer {state.producer_id}, epoch {state.epoch}{has}"
    return _item(COORDINATOR, state.at_ms, state.state, says)


def _written(one: Written) -> dict[str, Any]:
    says = f"offset {one.offset}" + (f", {_records(one.records)}" if one.records else "") + f", epoch {one.epoch}"
    return _item(one.partition, one.at_ms, one.what, says)


def _records(count: int) -> str:
    return f"{count} record{'s' * (count != 1)}"


def _item(lane: str, at_ms: int, what: str, says: str) -> dict[str, Any]:
    return {
        "lane": lane, "at_ms": at_ms, "until_ms": at_ms, "what": what, "says": says, "errors": [], "number": None,
    }  # fmt: skip


def says_of(api: str, request: dict[str, Any], response: dict[str, Any] | None) -> str:
    """What a request was about, in some words."""
    response = response or {}
    if api == "InitProducerId":
        return f"producer {response.get('producerId')}, epoch {response.get('producerEpoch')}"
    if api == "EndTxn":
        return "commits" if request.get("committed") else "aborts"
    if api == "AddOffsetsToTxn":
        return f"group {request.get('groupId')}"
    if api == "TxnOffsetCommit":
        return f"group {request.get('groupId')}; {_topics(request.get('topics'), 'partitions', 'partitionIndex')}"
    if api == "AddPartitionsToTxn":
        topics = request.get("v3AndBelowTopics") or [
            topic for each in request.get("transactions", ()) for topic in each["topics"]
        ]
        return _topics(topics, "partitions", None)
    return ""


def _topics(topics: Any, partitions: str, index: str | None) -> str:
    found = []
    for topic in topics or ():
        numbers = [str(each[index]) if index else str(each) for each in topic.get(partitions, ())]
        found.append(f"{topic.get('name') or topic.get('topicId')}/{','.join(numbers)}")
    return ", ".join(found)
