"""The property test is believed because it finds these: each is a bug planted into the coordinator."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from kbroker.groups.consumer import heartbeat, part, reconcile, update
from kbroker.groups.consumer.assignors import ASSIGNORS
from kbroker.groups.consumer.change import Change
from kbroker.groups.consumer.group import ConsumerGroup
from kbroker.groups.consumer.metadata import Metadata
from kbroker.groups.consumer.reconcile import Current
from tests.kbroker.groups.consumer.test_members_property import Members

PATIENCE = settings(
    max_examples=200,
    stateful_step_count=40,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)

Patch = Callable[[pytest.MonkeyPatch], None]


def gives_what_others_have(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(ConsumerGroup, "is_free", lambda self, topic_id, index: True)


def frees_what_is_only_asked_for(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(reconcile, "_owns", lambda owned, some: False)


def takes_silence_for_a_yes(patch: pytest.MonkeyPatch) -> None:
    right = reconcile._owns
    patch.setattr(reconcile, "_owns", lambda owned, some: owned is not None and right(owned, some))


def believes_old_epochs(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(heartbeat, "check_epoch", lambda current, epoch, owned: None)


def keeps_what_a_member_had_when_it_is_gone(patch: pytest.MonkeyPatch) -> None:
    right = ConsumerGroup._apply_current

    def forgetful(self: ConsumerGroup, member_id: str, value: Any) -> None:
        holders = {topic_id: dict(indexes) for topic_id, indexes in self.holders.items()}
        right(self, member_id, value)
        if value is None:
            self.holders = holders

    patch.setattr(ConsumerGroup, "_apply_current", forgetful)


def never_ends_a_session(patch: pytest.MonkeyPatch) -> None:
    for module in (heartbeat, part):
        patch.setattr(module, "watch_session", lambda *_: None)


def waits_forever_for_a_revocation(patch: pytest.MonkeyPatch) -> None:
    for module in (update, part):
        patch.setattr(module, "watch_revocation", lambda *_: None)


def sets_no_timer_after_a_restart(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(part.Consumers, "loaded", lambda self, turn: None)


def does_not_see_topics_change(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Metadata, "fingerprint", lambda self, names: 1)


def leaves_the_target_when_somebody_leaves(patch: pytest.MonkeyPatch) -> None:
    def quiet(change: Change, member_ids: Any) -> None:
        for member_id in member_ids:
            update.unwatch(change, member_id)
            change.remove_member(member_id)

    patch.setattr(part, "remove", quiet)


def does_not_repeat_a_lost_assignment(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(heartbeat, "_says_everything", lambda request: False)


def moves_on_before_partitions_are_given_up(patch: pytest.MonkeyPatch) -> None:
    right = update.reconcile

    def hasty(current: Current, epoch: int, *rest: Any) -> Current:
        after = right(current, epoch, *rest)
        return after._replace(epoch=epoch, revoking={})

    patch.setattr(update, "reconcile", hasty)


def leaves_a_partition_out(patch: pytest.MonkeyPatch) -> None:
    right = ASSIGNORS["uniform"]
    patch.setitem(
        ASSIGNORS,
        "uniform",
        lambda members, counts: right(members, {t: count - (count == 5) for t, count in counts.items()}),
    )


def gives_a_partition_twice(patch: pytest.MonkeyPatch) -> None:
    right = ASSIGNORS["range"]

    def generous(members: Any, counts: Any) -> Any:
        given = right(members, counts)
        return {member: {**given[min(given)], **mine} for member, mine in given.items()}

    patch.setitem(ASSIGNORS, "range", generous)


def does_not_write_what_is_to_be_given_up(patch: pytest.MonkeyPatch) -> None:
    right = Change.put_current
    patch.setattr(
        Change, "put_current", lambda self, member_id, current: right(self, member_id, current._replace(revoking={}))
    )


BUGS: list[Patch] = [
    gives_what_others_have,
    frees_what_is_only_asked_for,
    takes_silence_for_a_yes,
    believes_old_epochs,
    keeps_what_a_member_had_when_it_is_gone,
    never_ends_a_session,
    waits_forever_for_a_revocation,
    sets_no_timer_after_a_restart,
    does_not_see_topics_change,
    leaves_the_target_when_somebody_leaves,
    does_not_repeat_a_lost_assignment,
    moves_on_before_partitions_are_given_up,
    leaves_a_partition_out,
    gives_a_partition_twice,
    does_not_write_what_is_to_be_given_up,
]


@pytest.mark.parametrize("plant", BUGS, ids=lambda plant: plant.__name__)
def test_the_property_test_finds(plant: Patch, monkeypatch: pytest.MonkeyPatch) -> None:
    plant(monkeypatch)
    with pytest.raises((AssertionError, KeyError)):
        run_state_machine_as_test(Members, settings=PATIENCE)
