"""Planted bugs are found: here those that are found soon, by `make lives` all of them."""

import pytest

from tests.conftest import Planted

from .life import live_through
from .mutants import MUTANTS, find, finder

SOON = 60
"""Seeds: most are found in the first six, and any change of the code shuffles them."""

FOUND_SOON = (
    "produce_is_answered_before_its_append",
    "a_failed_write_is_taken_for_done",
    "a_partition_goes_on_after_a_lost_write",
    "a_sequence_gap_is_accepted",
    "a_duplicate_is_answered_with_its_last_offset",
    "a_buffer_is_given_back_before_its_write",
    "the_high_watermark_is_one_too_high",
    "readers_see_what_is_not_synced",
    "a_parked_fetch_is_not_woken",
    "a_parked_fetch_waits_for_ever",
    "a_fetch_session_does_not_hear_of_new_positions",
    "a_fetch_session_forgets_a_partition",
    "producers_are_forgotten_at_a_restart",
    "epochs_are_forgotten_at_a_restart",
    "a_crash_does_not_raise_the_leader_epoch",
    "producer_ids_are_given_again_after_a_restart",
    "a_deletion_is_forgotten_at_a_restart",
)


@pytest.mark.parametrize("name", FOUND_SOON)
def test_a_planted_bug_is_found(name: str, planted: Planted) -> None:
    found = find(name, range(1, SOON + 1))
    assert found is not None
    seed, violation = found
    planted(name, finder(violation)[:50], seed)


def test_a_bug_lasts_for_its_life_only() -> None:
    find("the_high_watermark_is_one_too_high", [1])
    assert live_through(1).violations == []


def test_there_are_many_kinds_of_them() -> None:
    assert len(MUTANTS) >= 12 and set(FOUND_SOON) <= set(MUTANTS)
