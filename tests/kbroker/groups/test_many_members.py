"""A thousand members: few generations, and no request that looks at all of them."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest

from kbroker.groups.settings import Settings

from .bench import Bench, subscription


def gathered(count: int, delay_ms: int = 100) -> tuple[Bench, list[str]]:
    """So many members that come one after the other, within a tenth of a second."""
    bench = Bench(Settings(initial_rebalance_delay_ms=delay_ms))
    tickets = []
    for number in range(count):
        tickets.append(bench.join(f"c{number}"))
        bench.advance(delay_ms * (number + 1) // count - delay_ms * number // count)
    bench.advance(60 * delay_ms)
    return bench, [bench.member(ticket) for ticket in tickets]


def test_a_thousand_members_end_in_at_most_three_generations() -> None:
    bench, members = gathered(1000)
    group = bench.machine.groups["g"]
    assert len(group.members) == len(set(members)) == 1000
    assert group.generation <= 3
    for member in members:
        bench.sync(member, group.generation, dict.fromkeys(members, b"x") if member == group.leader else None)
    assert group.state.value == "Stable"


def lines(do: Callable[[], Any]) -> int:
    """How many lines of Python that takes."""
    counted = 0

    def trace(frame: FrameType, event: str, arg: Any) -> Any:
        nonlocal counted
        counted += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        do()
    finally:
        sys.settrace(before)
    return counted


def cost(what: str, count: int) -> int:
    bench, members = gathered(count)
    group = bench.machine.groups["g"]
    generation, one = group.generation, members[count // 2]
    if what != "sync":
        for member in members:
            bench.sync(member, generation, {} if member == group.leader else None)
    if what.startswith("join"):
        bench.join("new")  # the join phase has begun
    do: dict[str, Callable[[], Any]] = {
        "join": lambda: bench.join("another"),
        "join again": lambda: bench.join("", one, protocols=[("range", subscription("u"))]),
        "heartbeat": lambda: bench.heartbeat(one, generation),
        "sync": lambda: bench.sync(one, generation),
    }
    return lines(do[what])


@pytest.mark.parametrize("what", ["join", "join again", "heartbeat", "sync"])
def test_one_request_costs_as_much_among_a_thousand_as_among_ten(what: str) -> None:
    cost(what, 10)  # what is made at its first use is made now
    assert cost(what, 1000) <= 2 * cost(what, 10)


def test_what_the_group_counts_along_is_what_its_members_say() -> None:
    bench, members = gathered(5)
    group = bench.machine.groups["g"]

    def check() -> None:
        assert group.parked == {each.id for each in group.members.values() if each.join_ticket is not None}
        offered = [name for each in group.members.values() for name in {name for name, _ in each.protocols}]
        assert {name: count for name, count in group.offered.items() if count} == {
            name: offered.count(name) for name in offered
        }

    check()
    bench.join("c1", members[1], protocols=[("range", b"1"), ("sticky", b"2")])
    check()
    bench.leave(members[2])
    check()
    bench.join("i", instance="i", protocols=[("range", b"1"), ("range", b"2")])
    bench.join("i", instance="i", protocols=[("range", b"3")])
    check()
    bench.advance(400_000)
    check()
