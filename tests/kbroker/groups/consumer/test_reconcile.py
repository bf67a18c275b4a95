"""One member's step towards its target: keeps, gives up, waits, gets."""

from __future__ import annotations

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from kbroker.groups.consumer.reconcile import NEW, Current, reconcile
from kbroker.groups.consumer.states import MEMBER_STATES, MemberState

T = b"t" * 16
U = b"u" * 16
STABLE, UNREVOKED, UNRELEASED = MemberState


def nobody(topic_id: bytes, index: int) -> bool:
    return True


def somebody(topic_id: bytes, index: int) -> bool:
    return False


def held(*indexes: int, epoch: int = 2) -> dict[bytes, dict[int, int]]:
    return {T: dict.fromkeys(indexes, epoch)} if indexes else {}


def wanted(*indexes: int) -> dict[bytes, frozenset[int]]:
    return {T: frozenset(indexes)} if indexes else {}


def test_a_new_member_gets_what_is_free() -> None:
    assert reconcile(NEW, 2, wanted(0, 1), {}, nobody) == Current(2, 0, STABLE, held(0, 1), {})


def test_a_new_member_waits_in_the_new_epoch_for_what_others_have() -> None:
    assert reconcile(NEW, 3, wanted(0, 1), {}, somebody) == Current(3, 0, UNRELEASED, {}, {})


def test_it_gets_what_is_free_and_waits_for_the_rest() -> None:
    after = reconcile(NEW, 3, wanted(0, 1), {}, lambda _, index: index == 1)
    assert after == Current(3, 0, UNRELEASED, held(1, epoch=3), {})
    assert reconcile(after, 3, wanted(0, 1), None, nobody) == Current(3, 3, STABLE, {T: {1: 3, 0: 3}}, {})


def test_before_it_gets_anything_it_gives_up_what_it_must_and_stays_in_its_epoch() -> None:
    before = Current(2, 0, STABLE, held(0, 1), {})
    after = reconcile(before, 3, wanted(1, 2), None, nobody)
    assert after == Current(2, 2, UNREVOKED, held(1), held(0))


def test_it_is_believed_only_when_it_says_what_it_owns() -> None:
    before = Current(2, 2, UNREVOKED, held(1), held(0))
    assert reconcile(before, 3, wanted(1), None, nobody) is before
    assert reconcile(before, 3, wanted(1), wanted(0, 1), nobody) is before
    assert reconcile(before, 3, wanted(1), wanted(1), nobody) == Current(3, 2, STABLE, held(1), {})
    assert reconcile(before, 3, wanted(1), {}, nobody) == Current(3, 2, STABLE, held(1), {})


def test_a_newer_target_can_ask_for_more_before_the_first_is_done() -> None:
    before = Current(2, 2, UNREVOKED, held(0, 1), held(2))
    after = reconcile(before, 5, wanted(0), wanted(0, 1), nobody)
    assert after == Current(2, 2, UNREVOKED, held(0), held(1))


def test_a_member_at_its_target_is_left_alone() -> None:
    before = Current(3, 2, STABLE, held(0), {})
    assert reconcile(before, 3, wanted(0), wanted(0), nobody) is before


def test_partitions_keep_the_epoch_in_which_they_were_given() -> None:
    before = Current(2, 0, STABLE, held(0), {})
    after = reconcile(before, 7, {T: frozenset({0, 1}), U: frozenset({0})}, None, nobody)
    assert after.assigned == {T: {0: 2, 1: 7}, U: {0: 7}}


def test_a_topic_that_is_not_read_any_more_is_given_up() -> None:
    before = Current(2, 0, STABLE, {T: {0: 2}, U: {0: 2}}, {})
    after = reconcile(before, 3, wanted(0), None, nobody)
    assert (after.assigned, after.revoking) == ({T: {0: 2}}, {U: {0: 2}})


INDEXES = st.frozensets(st.integers(0, 5))


@settings(max_examples=300)
@given(
    st.sampled_from(list(MemberState)),
    INDEXES,
    INDEXES,
    INDEXES,
    st.none() | INDEXES,
    INDEXES,
    st.integers(3, 4),
)
def test_a_step_gives_nothing_that_others_have_and_frees_nothing_that_is_owned(
    state: MemberState,
    has: frozenset[int],
    gives_up: frozenset[int],
    target: frozenset[int],
    owned: frozenset[int] | None,
    taken: frozenset[int],
    epoch: int,
) -> None:
    revoking = gives_up - has if state is UNREVOKED else frozenset()
    assume(revoking or state is not UNREVOKED)
    before = Current(3, 2, state, held(*has), held(*revoking))
    told = None if owned is None else wanted(*owned)

    def is_free(topic_id: bytes, index: int) -> bool:
        return index not in taken | has | revoking

    after = reconcile(before, epoch, wanted(*target), told, is_free)
    has_now, gives_up_now = after.assigned.get(T, {}).keys(), after.revoking.get(T, {}).keys()
    assert not has_now & gives_up_now
    assert not (has_now - has) & taken
    freed = (has | revoking) - has_now - gives_up_now
    if owned is None:
        assert not freed
    else:
        assert not freed & owned
    assert after.epoch in (before.epoch, epoch)
    assert after.state in MEMBER_STATES[before.state].next
    assert (after.state is UNREVOKED) == bool(gives_up_now)
    if after.state is STABLE and after is not before:
        assert has_now == target
