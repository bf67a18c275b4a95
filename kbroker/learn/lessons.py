"""The exercises, one for each chapter of docs/learn/."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from kbroker.learn.exercises import Exercise, Look, Sent, Wanted
from wire.batch import Batch, batches
from wire.compression import NONE
from wire.errors import ProtocolError
from wire.records import Record, iterate, plain_body

RECORDS_AT_ONCE, WORTH_COMPRESSING = 3, 10


def yes(one: Sent, before: Sequence[Sent]) -> bool | str:
    """A good one is enough."""
    return True


def having(field: str, *values: object) -> Look:
    """The request's field is one of these."""
    return lambda one, before: one.asked.get(field) in values


# --- records


def stored(one: Sent) -> Iterator[tuple[str, int, Batch, int]]:
    """Topic (or its id), partition, batch and base offset of what a Produce has stored."""
    answered = {
        (topic.get("name") or topic.get("topicId"), part["index"]): part["baseOffset"]
        for topic in one.told["responses"]
        for part in topic["partitionResponses"]
    }
    for topic, plain in zip(one.message.topic_data, one.asked["topicData"], strict=True):
        name = plain.get("name") or plain.get("topicId")
        for part in topic.partition_data:
            for batch in batches(part.records or b""):
                yield str(name), part.index, batch, answered[name, part.index]


def records(batch: Batch) -> list[Record]:
    try:
        return list(iterate(batch))
    except ProtocolError:
        return []


def several_with_keys(one: Sent, before: Sequence[Sent]) -> bool | str:
    found = [records(batch) for _, _, batch, _ in stored(one)]
    if not any(len(each) >= RECORDS_AT_ONCE for each in found):
        return f"the largest batch has {max(map(len, found), default=0)} records, {RECORDS_AT_ONCE} are wanted"
    if any(len(each) >= RECORDS_AT_ONCE and all(record.key is not None for record in each) for each in found):
        return True
    return "not every record of it has a key"


def folded(one: Sent, before: Sequence[Sent]) -> bool | str:
    for _, _, batch, _ in stored(one):
        if batch.compression == NONE:
            continue
        if len(records(batch)) < WORTH_COMPRESSING:
            return f"the batch has {len(records(batch))} records, {WORTH_COMPRESSING} are wanted"
        plain, packed = len(plain_body(batch)), len(batch.body)
        return packed < plain or f"its records have {plain} bytes, and {packed} when compressed"
    return "the batch is not compressed: the lowest three bits of its attributes are 0"


def sequenced(one: Sent) -> Iterator[tuple[tuple[str, int, int, int], int, int, int]]:
    """Producer and partition, first sequence number, count and offset of each batch."""
    for topic, index, batch, offset in stored(one):
        if batch.producer_id >= 0:
            who = (topic, index, batch.producer_id, batch.producer_epoch)
            yield who, batch.base_sequence, batch.count, offset


def of_a_producer(one: Sent, before: Sequence[Sent]) -> bool | str:
    return bool(list(sequenced(one))) or "the batch has no producer id"


def next_in_sequence(one: Sent, before: Sequence[Sent]) -> bool | str:
    earlier = [each for sent in before if sent.api == "Produce" and sent.is_good for each in sequenced(sent)]
    for who, sequence, _, _ in sequenced(one):
        if any(who == them and sequence == first + count for them, first, count, _ in earlier):
            return True
    return "there is no batch before it, of the same producer, that it goes on from"


def the_same_again(one: Sent, before: Sequence[Sent]) -> bool | str:
    earlier = [each for sent in before if sent.api == "Produce" and sent.is_good for each in sequenced(sent)]
    return any(each in earlier for each in sequenced(one)) or "no batch was sent twice yet"


def in_a_transaction(one: Sent, before: Sequence[Sent]) -> bool | str:
    if any(batch.is_transactional for _, _, batch, _ in stored(one)):
        return True
    return "the batch is not transactional: bit 4 of its attributes"


# --- reading


def fetched(one: Sent) -> Iterator[tuple[tuple[str, int], int, list[int], int]]:
    """Partition, offset asked for, offsets of the records that came, and the high watermark."""
    asked = {
        (topic.get("topic") or topic.get("topicId"), part["partition"]): part["fetchOffset"]
        for topic in one.asked["topics"]
        for part in topic["partitions"]
    }
    for topic, plain in zip(one.answer.responses, one.told["responses"], strict=True):
        for part in topic.partitions:
            where = (plain.get("topic") or plain.get("topicId"), part.partition_index)
            found = [record.offset for batch in _whole(part.records) for record in records(batch)]
            if where in asked:
                yield where, asked[where], found, part.high_watermark


def _whole(blob: Any) -> Iterator[Batch]:
    """The batches; the last may have been cut off."""
    try:
        yield from batches(blob or b"")
    except ProtocolError:
        return


def from_the_first(one: Sent, before: Sequence[Sent]) -> bool | str:
    return any(found and at == 0 for _, at, found, _ in fetched(one)) or "nothing came from offset 0 on"


def at_the_end(one: Sent, before: Sequence[Sent]) -> bool | str:
    for where, at, found, end in fetched(one):
        earlier = [each for sent in before if sent.api == "Fetch" and sent.is_good for each in fetched(sent)]
        if (
            at == end
            and not found
            and any(where == there and got and got[-1] == at - 1 for there, _, got, _ in earlier)
        ):
            return True
    return "the next Fetch asks from the offset behind the last record that came, until nothing comes"


# --- topics


def leads(one: Sent, before: Sequence[Sent]) -> bool | str:
    named = one.asked.get("topics")
    found = [part for topic in one.told["topics"] for part in topic["partitions"]]
    return bool(named and found and all(part["leaderId"] >= 0 for part in found)) or "no topic with a leader was named"


# --- groups


def assigned(one: Sent, before: Sequence[Sent]) -> bool | str:
    return bool(one.told.get("assignment")) or "the assignment is empty: the leader has to send one for every member"


def is_new(one: Sent, before: Sequence[Sent]) -> bool | str:
    return bool(one.asked["memberEpoch"] == 0)


def given(life: Sequence[Sent]) -> list[Any]:
    """Assignments of KIP-848 that were told so far: by member, the topics with their partitions."""
    return [
        (one.asked["memberId"] or one.told["memberId"], one.told["assignment"]["topicPartitions"])
        for one in life
        if one.api == "ConsumerGroupHeartbeat" and one.told.get("assignment")
    ]


def has_what_was_given(one: Sent, before: Sequence[Sent]) -> bool | str:
    own = one.asked.get("topicPartitions")
    if own and (one.asked["memberId"], own) in given(before):
        return True
    return "topic_partitions does not say what the member was given" if given(before) else "nothing was given yet"


def is_given(one: Sent, before: Sequence[Sent]) -> bool | str:
    return bool(given([one]) and given([one])[0][1]) or "no assignment has come yet: go on beating"


def only_changes(one: Sent, before: Sequence[Sent]) -> bool | str:
    if one.asked["memberEpoch"] <= 0:
        return False
    said = [name for name in ("subscribedTopicNames", "topicPartitions") if one.asked.get(name) is not None]
    return not said or f"{' and '.join(said)} may be null here: nothing has changed"


# --- logins


def proves_itself(one: Sent, before: Sequence[Sent]) -> bool | str:
    return bytes(one.answer.auth_bytes).startswith(b"v=") or "the broker has more to say: this was the first message"


def logged_in(one: Sent, before: Sequence[Sent]) -> bool | str:
    here = one.exchange.connection
    done = any(
        each.api == "SaslAuthenticate" and each.exchange.connection == here and each.is_good and
        proves_itself(each, ()) is True
        for each in before
    )  # fmt: skip
    return done or "ask on the connection that has logged in"


def is_scram(one: Sent, before: Sequence[Sent]) -> bool | str:
    return str(one.asked["mechanism"]).startswith("SCRAM-") or "it is another mechanism"


def software(one: Sent, before: Sequence[Sent]) -> bool | str:
    """The flexible versions have it."""
    return bool(one.asked.get("clientSoftwareName")) or "only newer versions say which software asks"


EXERCISES = (
    Exercise(1, "One frame there, one frame back", "Get the list of APIs, in the oldest version and in a new one.", (
        Wanted("ApiVersions in a version without a body, with a client id of your own", "ApiVersions",
               lambda one, before: "clientSoftwareName" not in one.asked and bool(one.reading.client_id)),
        Wanted("ApiVersions in a flexible version, with name and version of your software", "ApiVersions", software),
    )),
    Exercise(2, "Who leads what", "Have a topic made by asking for it, and find its leader.", (
        Wanted("Metadata for a topic by its name", "Metadata", lambda one, before: bool(one.asked.get("topics"))),
        Wanted("The leader of its partitions is known", "Metadata", leads),
    )),
    Exercise(3, "A record batch by hand", "Store three records with keys in one batch.", (
        Wanted("A batch was stored", "Produce", yes),
        Wanted("It has three records or more, each with a key", "Produce", several_with_keys),
    )),
    Exercise(4, "Reading it back", "Read a topic from the first record to the last, until nothing comes.", (
        Wanted("Records from offset 0 on", "Fetch", from_the_first),
        Wanted("On from where the last one ended, until the end, where nothing comes", "Fetch", at_the_end),
    )),
    Exercise(5, "Many records, squeezed together", "Store ten records or more in a batch that is compressed.", (
        Wanted("A compressed batch of ten records, smaller than they are", "Produce", folded),
    )),
    Exercise(6, "Once, even when it is sent twice", "Send two batches, and one of them twice.", (
        Wanted("A producer id", "InitProducerId", yes),
        Wanted("A batch with the producer id and its epoch", "Produce", of_a_producer),
        Wanted("A second one, whose sequence number goes on from the first", "Produce", next_in_sequence),
        Wanted("One of them once more; it gets the offset that it has", "Produce", the_same_again),
    )),
    Exercise(7, "A member of a group", "Join a group, get an assignment, beat, commit, and leave.", (
        Wanted("The coordinator of the group", "FindCoordinator", having("keyType", 0, None)),
        Wanted("Joined", "JoinGroup", yes),
        Wanted("Got an assignment", "SyncGroup", assigned),
        Wanted("A heartbeat", "Heartbeat", yes),
        Wanted("A commit, as a member of the generation", "OffsetCommit",
               lambda one, before: bool(one.asked.get("memberId")) or "it names no member"),
        Wanted("Left", "LeaveGroup", yes),
    )),
    Exercise(8, "All or nothing", "Commit one transaction and abort another.", (
        Wanted("A producer id for a transactional id", "InitProducerId",
               lambda one, before: one.asked.get("transactionalId") is not None or "it has no transactional id"),
        Wanted("A batch in the transaction", "Produce", in_a_transaction),
        Wanted("Committed", "EndTxn", having("committed", True)),
        Wanted("Another one aborted", "EndTxn", having("committed", False)),
    )),
    Exercise(9, "A group whose broker thinks", "Join, say that you have what you were given, go on beating, leave.", (
        Wanted("Joined, with epoch 0", "ConsumerGroupHeartbeat", is_new),
        Wanted("Got an assignment", "ConsumerGroupHeartbeat", is_given),
        Wanted("Said that it has it", "ConsumerGroupHeartbeat", has_what_was_given),
        Wanted("A heartbeat that says only what has changed: nothing", "ConsumerGroupHeartbeat", only_changes),
        Wanted("Left, with epoch -1", "ConsumerGroupHeartbeat", having("memberEpoch", -1)),
    )),
    Exercise(10, "A password that is never sent", "Log in with SCRAM, and ask something afterwards.", (
        Wanted("A handshake for SCRAM", "SaslHandshake", is_scram),
        Wanted("The proof was accepted, and the broker has given its own", "SaslAuthenticate", proves_itself),
        Wanted("Metadata on the same connection", "Metadata", logged_in),
    )),
)  # fmt: skip
