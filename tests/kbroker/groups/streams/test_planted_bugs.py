"""The property tests are believed because they find these: each is a bug planted into the coordinator."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from kbroker.groups.consumer.metadata import Metadata
from kbroker.groups.streams import heartbeat, part, reconcile, update
from kbroker.groups.streams.assignor import assign
from kbroker.groups.streams.change import Change
from kbroker.groups.streams.group import TaskHolders
from kbroker.groups.streams.reconcile import Current
from kbroker.groups.streams.tasks import NOTHING
from tests.kbroker.groups.streams.test_members_property import Members

PATIENCE = settings(
    max_examples=200,
    stateful_step_count=40,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)

Patch = Callable[[pytest.MonkeyPatch], None]


def gives_what_others_run(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(TaskHolders, "active", lambda self, task: None)


def forgets_standbys_of_the_same_process(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(TaskHolders, "standby", lambda self, task: set())


def frees_what_is_only_asked_for(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(reconcile, "_has_released", lambda owned, some: True)


def takes_silence_for_a_yes(patch: pytest.MonkeyPatch) -> None:
    right = reconcile._has_released
    patch.setattr(reconcile, "_has_released", lambda owned, some: owned is None or right(owned, some))


def believes_old_epochs(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(heartbeat, "check_epoch", lambda current, epoch, owned: None)


def keeps_what_a_member_had_when_it_is_gone(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(TaskHolders, "let_go", lambda self, member_id, current: None)


def never_ends_a_session(patch: pytest.MonkeyPatch) -> None:
    for module in (heartbeat, part):
        patch.setattr(module, "watch_session", lambda *_: None)


def waits_forever_for_a_revocation(patch: pytest.MonkeyPatch) -> None:
    for module in (update, part):
        patch.setattr(module, "watch_revocation", lambda *_: None)


def sets_no_timer_after_a_restart(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(part.Streams, "loaded", lambda self, turn: None)


def does_not_see_topics_change(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Metadata, "fingerprint", lambda self, names: 1)


def forgets_a_task(patch: pytest.MonkeyPatch) -> None:
    def forgetful(*given: Any) -> Any:
        targets = assign(*given)
        return {**targets, min(targets): NOTHING}

    patch.setattr(update, "assign", forgetful)


def assigns_a_task_twice(patch: pytest.MonkeyPatch) -> None:
    def generous(*given: Any) -> Any:
        targets = assign(*given)
        return dict.fromkeys(targets, targets[min(targets)])

    patch.setattr(update, "assign", generous)


def tells_nobody_again(patch: pytest.MonkeyPatch) -> None:
    right = heartbeat._tell_tasks
    told: set[Any] = set()

    def once(response: Any, assigned: Any) -> None:
        what = (response.member_id, response.member_epoch, frozenset(assigned.active))
        if what not in told:
            right(response, assigned)
        told.add(what)

    patch.setattr(heartbeat, "_tell_tasks", once)


def moves_on_without_waiting(patch: pytest.MonkeyPatch) -> None:
    right = Change.put_current

    def hasty(self: Change, member_id: str, current: Current) -> None:
        right(self, member_id, current._replace(epoch=self.target_epoch))

    patch.setattr(Change, "put_current", hasty)


@pytest.mark.parametrize(
    "plant",
    [
        gives_what_others_run,
        forgets_standbys_of_the_same_process,
        frees_what_is_only_asked_for,
        takes_silence_for_a_yes,
        believes_old_epochs,
        keeps_what_a_member_had_when_it_is_gone,
        never_ends_a_session,
        waits_forever_for_a_revocation,
        sets_no_timer_after_a_restart,
        does_not_see_topics_change,
        forgets_a_task,
        assigns_a_task_twice,
        tells_nobody_again,
        moves_on_without_waiting,
    ],
)
def test_the_property_finds_a_coordinator_that(plant: Patch, monkeypatch: pytest.MonkeyPatch) -> None:
    plant(monkeypatch)
    with pytest.raises((AssertionError, KeyError)):
        run_state_machine_as_test(Members, settings=PATIENCE)
