"""What happens inside an answer that is otherwise the truth: another leader, records with a broken checksum, an error
in the place of one partition.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from kbroker.control.faults import topics
from wire.batch import batches
from wire.errors import ErrorCode
from wire.messages.fetch import FetchableTopicResponse, PartitionData
from wire.schema import keep

if TYPE_CHECKING:
    from kbroker.control.faults.plan import Plan
    from kbroker.server.dispatch import Call

_CRC_AT = 17  # of a batch
_TELL_LEADERS = (3, 75)  # Metadata, DescribeTopicPartitions
_TELL_BROKERS = (3, 60)  # Metadata, DescribeCluster


def lie(plan: Plan, response: Any, name_of: topics.Names, call: Call) -> Any:
    """The response as the fault wants it."""
    effect = plan.effect
    if plan.picture is not None and response.__api_key__ in _TELL_LEADERS:
        from kbroker.control.faults.stale import age

        age(plan.picture, response, call, lambda name: plan.is_for(name, None))
    if effect.hide_brokers and response.__api_key__ in _TELL_BROKERS:
        response.brokers = [each for each in response.brokers if _id_of(each) not in effect.hide_brokers]
    lies_of_leaders = (effect.leader, effect.leader_epoch) != (None, None)
    if lies_of_leaders and response.__api_key__ in _TELL_LEADERS:
        _move_leaders(plan, response)
    if effect.bad_crc:
        for topic, partition in topics.each_partition(response, name_of):
            if plan.is_for(topic, topics.index_of(partition)) and getattr(partition, "records", None):
                partition.records = _broken(partition.records)  # type: ignore[attr-defined]
    return response


def _id_of(broker: Any) -> int:
    """Metadata and DescribeCluster call it differently."""
    found: int = broker.node_id if hasattr(broker, "node_id") else broker.broker_id
    return found


def _move_leaders(plan: Plan, response: Any) -> None:
    """What Metadata and DescribeTopicPartitions say. Their topics may be kept for many answers: copies are changed."""
    effect, found = plan.effect, []
    for topic in response.topics:
        if not plan.is_for(topic.name or "", None):
            found.append(topic)
            continue
        changed = _loose(topic)
        changed.partitions = [_loose(partition) for partition in topic.partitions]
        for partition in changed.partitions:
            if plan.is_for(topic.name or "", partition.partition_index):
                if effect.leader is not None:
                    partition.leader_id = effect.leader
                if effect.leader_epoch is not None:
                    partition.leader_epoch = effect.leader_epoch
                if partition.leader_id < 0:
                    partition.error_code = int(ErrorCode.LEADER_NOT_AVAILABLE)
        found.append(keep(changed))
    response.topics = found


def _loose(struct: Any) -> Any:
    """A copy that can be changed, of a struct that may be kept."""
    cls = type(struct)
    plain = cls if "memo" not in getattr(cls, "__slots__", ()) else cls.__mro__[1]
    return plain(**{field.name: getattr(struct, field.name) for field in struct.__fields__})


def _broken(records: Any) -> bytes:
    whole = records if isinstance(records, bytes | bytearray | memoryview) else b"".join(records)
    blob, at = bytearray(whole), 0
    for batch in batches(bytes(whole)):
        blob[at + _CRC_AT] ^= 0xFF
        at += batch.length
    return bytes(blob)


def fail_fetch(
    plan: Plan,
    response: Any,
    spoken: list[tuple[str, int | None]],
    code: ErrorCode,
    name_of: topics.Names,
    id_of: Callable[[str], bytes],
) -> None:
    """Put the error in the place of what a Fetch has found in the partitions that the fault is for, also where an
    incremental answer would have passed them over."""
    told = set()
    for topic, partition in topics.each_partition(response, name_of):
        index = topics.index_of(partition)
        if plan.is_for(topic, index):
            _put(partition, code)
            told.add((topic, index))
    for name, at in spoken:
        if at is None or not plan.is_for(name, at) or (name, at) in told:
            continue
        told.add((name, at))
        missing = PartitionData(
            partition_index=at, error_code=0, high_watermark=-1, aborted_transactions=None, records=b""
        )
        _put(missing, code)
        response.responses.append(FetchableTopicResponse(topic=name, topic_id=id_of(name), partitions=[missing]))


def _put(partition: Any, code: ErrorCode) -> None:
    partition.error_code = int(code)
    partition.high_watermark = partition.last_stable_offset = partition.log_start_offset = -1
    partition.aborted_transactions = None
    partition.records = b""
