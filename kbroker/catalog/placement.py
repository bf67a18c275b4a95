"""Where replicas go: spread round robin, or as somebody wrote by hand (Kafka's `ReplicationControlManager` checks it
so).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from wire.errors import ErrorCode, KafkaError

MOST_PARTITIONS_AT_ONCE = 10_000


def check_total(partitions: int) -> None:
    """How many partitions one request may make, over all of its topics (Kafka's MAX_PARTITIONS_PER_BATCH)."""
    if partitions > MOST_PARTITIONS_AT_ONCE:
        raise KafkaError(ErrorCode.POLICY_VIOLATION, "Excessively large number of partitions per request.")


def spread(count: int, replication_factor: int, nodes: Sequence[int], start: int) -> list[list[int]]:
    """Replicas of `count` partitions; leaders follow each other from place `start` on."""
    places = len(nodes)
    return [
        [nodes[(start + index + step) % places] for step in range(replication_factor)] for index in range(count)
    ]


def check_replication_factor(replication_factor: int, nodes: Collection[int]) -> None:
    if replication_factor <= 0:
        raise KafkaError(
            ErrorCode.INVALID_REPLICATION_FACTOR,
            "Replication factor must be larger than 0, or -1 to use the default value.",
        )
    if replication_factor > len(nodes):
        raise KafkaError(
            ErrorCode.INVALID_REPLICATION_FACTOR,
            f"Unable to replicate the partition {replication_factor} time(s): The target replication factor of "
            f"{replication_factor} cannot be reached because only {len(nodes)} broker(s) are registered or some "
            "brokers have all their log directories cordoned.",
        )


def check_replicas(replicas: Sequence[int], nodes: Collection[int], expected: int | None) -> None:
    """One hand-written assignment; `expected` is how many replicas the other partitions of the topic have."""
    refusal = _fault(replicas, nodes, expected)
    if refusal is not None:
        raise KafkaError(ErrorCode.INVALID_REPLICA_ASSIGNMENT, refusal)


def _fault(replicas: Sequence[int], nodes: Collection[int], expected: int | None) -> str | None:
    if not replicas:
        return "The manual partition assignment includes an empty replica list."
    seen: set[int] = set()
    for replica in sorted(replicas):
        if replica in seen:
            return f"The manual partition assignment includes the broker {replica} more than once."
        if replica not in nodes:
            return f"The manual partition assignment includes broker {replica}, but no such broker is registered."
        seen.add(replica)
    if expected is not None and len(replicas) != expected:
        return (
            f"The manual partition assignment includes a partition with {len(replicas)} replica(s), but this is not "
            f"consistent with previous partitions, which have {expected} replica(s)."
        )
    return None


def assigned(assignments: Sequence[tuple[int, Sequence[int]]], nodes: Collection[int]) -> list[list[int]]:
    """The replicas of a new topic's partitions as written by hand."""
    by_index: dict[int, list[int]] = {}
    expected: int | None = None
    for index, replicas in assignments:
        if index in by_index:
            raise KafkaError(
                ErrorCode.INVALID_REPLICA_ASSIGNMENT,
                f"Found multiple manual partition assignments for partition {index}",
            )
        check_replicas(replicas, nodes, expected)
        expected = len(replicas)
        by_index[index] = list(replicas)
    if any(index not in by_index for index in range(len(by_index))):
        raise KafkaError(
            ErrorCode.INVALID_REPLICA_ASSIGNMENT, "partitions should be a consecutive 0-based integer sequence"
        )
    return [by_index[index] for index in range(len(by_index))]
