"""Bugs planted into kbroker, to see that the comparison sees them.

    python -m compat_tests.differential.planted NAME serve ...      a kbroker with one of them

Each is a slip that one could make: a wrong code, an offset or an epoch that is off by one, a default that is missing, a
throttle time where there is none. `FOUND_BY` says which scenarios must notice (a pattern of their names).
"""

from __future__ import annotations

import importlib
import inspect
import sys
from collections.abc import Callable
from typing import Any


def _spoil(api: str, change: Callable[[Any], None]) -> None:
    """Changes each response of a handler before it is sent."""
    module = importlib.import_module(f"kbroker.handlers.{api}")
    right = getattr(module, api)

    def wrong(request: Any, ctx: Any) -> Any:
        response = right(request, ctx)
        if inspect.isawaitable(response):
            return _later(response)
        change(response)
        return response

    async def _later(response: Any) -> Any:
        told = await response
        change(told)
        return told

    setattr(module, api, wrong)


def a_gap_in_the_sequence_is_called_a_duplicate() -> None:
    from kbroker.partitions import producers
    from wire.errors import ErrorCode

    producers._out_of_order = lambda batch, expected: producers.Refused(ErrorCode.DUPLICATE_SEQUENCE_NUMBER, "")  # type: ignore[assignment]


def the_first_offset_is_one_too_high() -> None:
    from kbroker.handlers.produce import _Part

    right = _Part._finish

    def wrong(part: _Part) -> None:
        part.base_offset += part.base_offset >= 0
        right(part)

    _Part._finish = wrong  # type: ignore[method-assign]


def the_last_stable_offset_is_one_too_high() -> None:
    from kbroker.partitions.partition import Partition

    right = Partition.last_stable_offset.fget  # type: ignore[attr-defined]
    Partition.last_stable_offset = property(lambda it: min(right(it) + 1, it.replicas.high_watermark))  # type: ignore


def aborted_transactions_are_a_list_for_everybody() -> None:
    def change(response: Any) -> None:
        for topic in response.responses:
            for partition in topic.partitions:
                partition.aborted_transactions = partition.aborted_transactions or []

    _spoil("fetch", change)


def heartbeats_are_throttled() -> None:
    _spoil("heartbeat", lambda response: setattr(response, "throttle_time_ms", 100))


def errors_of_join_group_bear_generation_0() -> None:
    _spoil("join_group", lambda response: setattr(response, "generation_id", max(0, response.generation_id)))


def an_epoch_rises_by_two() -> None:
    _spoil("end_txn", lambda it: setattr(it, "producer_epoch", it.producer_epoch + (it.producer_epoch > 0)))


def an_empty_search_has_an_epoch() -> None:
    def change(response: Any) -> None:
        for topic in response.topics:
            for partition in topic.partitions:
                partition.leader_epoch = max(0, partition.leader_epoch)

    _spoil("list_offsets", change)


def a_commit_is_one_too_low() -> None:
    def change(request: Any) -> None:
        for topic in request.topics:
            for partition in topic.partitions:
                partition.committed_offset -= 1

    module = importlib.import_module("kbroker.handlers.offset_commit")
    right = module.offset_commit

    def wrong(request: Any, ctx: Any) -> Any:
        change(request)
        return right(request, ctx)

    module.offset_commit = wrong


def rights_are_told_to_who_did_not_ask() -> None:
    def change(response: Any) -> None:
        for topic in response.topics:
            topic.topic_authorized_operations = 3576

    _spoil("metadata", change)


def leaving_is_answered_with_the_old_epoch() -> None:
    _spoil("consumer_group_heartbeat", lambda it: setattr(it, "member_epoch", abs(it.member_epoch)))


def a_missing_group_is_an_unknown_member() -> None:
    def change(response: Any) -> None:
        for result in response.results:
            result.error_code = 25 if result.error_code == 69 else result.error_code

    _spoil("delete_groups", change)


FOUND_BY = {
    a_gap_in_the_sequence_is_called_a_duplicate: "produce_gap",
    the_first_offset_is_one_too_high: "produce_new_epoch",
    the_last_stable_offset_is_one_too_high: "list_offsets_latest",
    aborted_transactions_are_a_list_for_everybody: "fetch_aborted_list",
    heartbeats_are_throttled: "join_group_alone",
    errors_of_join_group_bear_generation_0: "join_group_errors",
    an_epoch_rises_by_two: "transaction_version_2_end_again",
    an_empty_search_has_an_epoch: "list_offsets_by_time",
    a_commit_is_one_too_low: "offset_commit_simple",
    rights_are_told_to_who_did_not_ask: "metadata_of_old_clients",
    leaving_is_answered_with_the_old_epoch: "consumer_heartbeat_leave",
    a_missing_group_is_an_unknown_member: "delete_groups",
}
BUGS = {bug.__name__: bug for bug in FOUND_BY}


def main() -> None:
    name = sys.argv.pop(1)
    BUGS[name]()
    from kbroker.__main__ import main as serve

    serve()


if __name__ == "__main__":
    main()
