"""The choices of a classic group, as a table of values."""

import pytest

from kbroker.groups.classic.decisions import check_commit, check_sync, elect_protocol, fits, has_room, identify
from kbroker.groups.classic.states import STATES, Rejoin, State, Syncing
from wire.errors import ErrorCode

NONE, UNKNOWN, FENCED = ErrorCode.NONE, ErrorCode.UNKNOWN_MEMBER_ID, ErrorCode.FENCED_INSTANCE_ID


@pytest.mark.parametrize(
    ("member", "instance", "code"),
    [("a", None, NONE), ("x", None, UNKNOWN), ("s", "i", NONE), ("a", "i", FENCED), ("x", "i", FENCED),
     ("a", "j", UNKNOWN), ("", None, UNKNOWN), ("s", None, NONE)],
)  # fmt: skip
def test_an_instance_id_belongs_to_one_member(member: str, instance: str | None, code: ErrorCode) -> None:
    assert identify({"a": 1, "s": 2}, {"i": "s"}, member, instance) is code


@pytest.mark.parametrize(
    ("offers", "choice"),
    [
        ([["a"]], "a"),
        ([["a", "b"], ["b", "a"]], "a"),  # of equals the one first voted for
        ([["a", "b"], ["b", "a"], ["b", "a"]], "b"),
        ([["x", "b"], ["b", "y"]], "b"),  # only what all have counts
        ([["x", "a", "b"], ["b", "a"], ["a", "b"], ["b", "a"]], "a"),
    ],
)
def test_the_protocol_with_most_votes_is_chosen(offers: list[list[str]], choice: str) -> None:
    assert elect_protocol(offers) == choice


@pytest.mark.parametrize(
    ("state", "size", "joined", "member", "has_joined", "room"),
    [
        (State.EMPTY, 0, 0, False, False, True),
        (State.PREPARING_REBALANCE, 2, 1, True, False, True),
        (State.PREPARING_REBALANCE, 2, 2, True, False, False),
        (State.PREPARING_REBALANCE, 2, 2, True, True, True),
        (State.PREPARING_REBALANCE, 2, 2, False, False, False),
        (State.STABLE, 2, 0, True, False, True),
        (State.STABLE, 2, 0, False, False, False),
        (State.STABLE, 1, 0, False, False, True),
        (State.COMPLETING_REBALANCE, 2, 0, False, False, False),
    ],
)
def test_a_full_group_has_room_for_its_own(
    state: State, size: int, joined: int, member: bool, has_joined: bool, room: bool
) -> None:
    assert has_room(state, size, joined, member, has_joined, 2) is room


def test_protocols_fit_when_one_is_common_to_all() -> None:
    assert fits(False, "consumer", ["b"], "consumer", ["x", "b"])
    assert not fits(False, "consumer", [], "consumer", ["a"])
    assert not fits(False, "consumer", ["b"], "connect", ["b"])
    assert fits(True, None, [], "anything", ["a"])
    assert not fits(True, None, [], "", ["a"])
    assert not fits(True, None, [], "consumer", [])


def test_the_generation_counts_before_the_protocol_and_the_member_before_both() -> None:
    good, wrong = ("range", "range"), ("range", "sticky")
    assert check_sync(UNKNOWN, (1, 2), wrong, wrong) is UNKNOWN
    assert check_sync(NONE, (1, 2), wrong, wrong) is ErrorCode.ILLEGAL_GENERATION
    assert check_sync(NONE, (2, 2), good, wrong) is ErrorCode.INCONSISTENT_GROUP_PROTOCOL
    assert check_sync(NONE, (2, 2), wrong, good) is ErrorCode.INCONSISTENT_GROUP_PROTOCOL
    assert check_sync(NONE, (2, 2), (None, "consumer"), (None, "range")) is NONE


@pytest.mark.parametrize(
    ("state", "asked", "anonymous", "member", "code"),
    [
        (State.EMPTY, -1, True, UNKNOWN, NONE),
        (State.EMPTY, -1, False, UNKNOWN, NONE),
        (State.EMPTY, 3, False, UNKNOWN, UNKNOWN),
        (State.STABLE, -1, True, UNKNOWN, UNKNOWN),
        (State.STABLE, -1, False, NONE, ErrorCode.ILLEGAL_GENERATION),
        (State.STABLE, 3, False, NONE, NONE),
        (State.STABLE, 2, False, NONE, ErrorCode.ILLEGAL_GENERATION),
        (State.STABLE, 3, False, FENCED, FENCED),
        (State.PREPARING_REBALANCE, 3, False, NONE, NONE),
        (State.COMPLETING_REBALANCE, 3, False, NONE, ErrorCode.REBALANCE_IN_PROGRESS),
        (State.COMPLETING_REBALANCE, 2, False, NONE, ErrorCode.ILLEGAL_GENERATION),
    ],
)
def test_who_may_commit(state: State, asked: int, anonymous: bool, member: ErrorCode, code: ErrorCode) -> None:
    assert check_commit(state, STATES[state].commit, 3, asked, anonymous, member) is code


def test_the_table_of_states_is_whole() -> None:
    assert set(STATES) == set(State)
    for state, row in STATES.items():
        assert row.meaning
        assert state not in row.next
        assert (State.DEAD in row.next) == (state is not State.DEAD)
    nobody = [state for state, row in STATES.items() if row.rejoin is Rejoin.REFUSED]
    assert nobody == [State.EMPTY, State.DEAD]
    assert [state for state, row in STATES.items() if row.sync is Syncing.REFUSED] == nobody
    assert {state.value for state in State} == {
        "Empty", "PreparingRebalance", "CompletingRebalance", "Stable", "Dead",
    }  # fmt: skip
