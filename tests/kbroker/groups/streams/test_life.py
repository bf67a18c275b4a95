"""Streams groups from the first member to the last: who gets which tasks when, and what they are warned of."""

from __future__ import annotations

import pytest

from kbroker.groups.events import CommitOffsets, Delete, Describe, FetchOffsets, ListAll, Wanted
from kbroker.groups.settings import Settings
from kbroker.groups.streams.settings import StreamsSettings
from kbroker.groups.streams.states import Status
from tests.kbroker.groups.bench import Bench
from wire.errors import ErrorCode, KafkaError
from wire.messages.offset_commit import (
    OffsetCommitRequest,
    OffsetCommitRequestPartition,
    OffsetCommitRequestTopic,
)
from wire.messages.streams_group_heartbeat import RequestEndpoint, TaskOffset

from .applications import (
    STATEFUL,
    STATELESS,
    WORD_COUNT,
    Member,
    all_beat,
    describe,
    internal,
    subtopology,
    topology,
)


@pytest.fixture
def bench() -> Bench:
    made = Bench(settings=Settings())
    made.topic("in", 4)
    return made


def tasks(*indexes: int, subtopology: str = "0") -> frozenset[tuple[str, int]]:
    return frozenset([(subtopology, index) for index in indexes])


def state(bench: Bench) -> str:
    return describe(bench).group_state


def test_who_is_alone_has_all_tasks_with_the_first_answer(bench: Bench) -> None:
    one = Member(bench, "one")
    one.beat()
    assert one.told.active == tasks(0, 1, 2, 3)
    assert (one.epoch, state(bench), one.warnings) == (2, "Stable", {})


def test_a_task_passes_from_one_to_the_other_only_when_it_has_been_given_up(bench: Bench) -> None:
    one, two = Member(bench, "one"), Member(bench, "two")
    one.beat()
    two.beat()
    assert two.told.active == frozenset()
    assert state(bench) == "Reconciling"
    one.hear(one.send())
    assert (len(one.told.active), one.epoch) == (2, 2), "it is told to give tasks up, and stays in its epoch"
    two.beat()
    assert two.told.active == frozenset(), "who is told has not done it yet"
    one.owned = one.told
    one.beat()
    assert one.epoch == 3
    two.beat()
    assert one.told.active | two.told.active == tasks(0, 1, 2, 3)
    assert (len(two.told.active), state(bench)) == (2, "Stable")


def test_without_its_source_topics_nobody_has_tasks(bench: Bench) -> None:
    one = Member(bench, "one", topology(subtopology("0", "in", "not-there")))
    one.beat()
    assert one.warnings == {Status.MISSING_SOURCE_TOPICS: "Source topics not-there are missing."}
    assert (one.told.active, one.epoch, state(bench)) == (frozenset(), 2, "NotReady")
    bench.topic("not-there", 5)
    one.beat()
    assert one.warnings == {}
    assert (one.told.active, one.epoch, state(bench)) == (tasks(0, 1, 2, 3, 4), 3, "Stable")


def test_internal_topics_are_to_be_made_and_tasks_follow(bench: Bench) -> None:
    bench.topic("lines", 3)
    one = Member(bench, "one", WORD_COUNT)
    answer = one.send()
    one.hear(answer)
    assert one.missing == ("app-counts", "app-words")
    assert one.warnings == {Status.MISSING_INTERNAL_TOPICS: "Internal topics are missing: app-counts, app-words"}
    assert state(bench) == "NotReady"
    bench.topic("app-words", 3)
    one.beat()
    assert one.missing == ("app-counts",)
    bench.topic("app-counts", 3)
    one.beat()
    assert one.missing == ()
    assert one.told.active == tasks(0, 1, 2) | tasks(0, 1, 2, subtopology="1")


def test_a_topic_that_goes_takes_the_tasks_with_it(bench: Bench) -> None:
    one = Member(bench, "one")
    one.beat()
    bench.topic("in", None)
    one.beat()
    assert one.told.active == frozenset()
    assert Status.MISSING_SOURCE_TOPICS in one.warnings
    one.beat()
    assert state(bench) == "NotReady"


def test_a_topic_that_grows_brings_tasks(bench: Bench) -> None:
    one = Member(bench, "one")
    one.beat()
    bench.topic("in", 6)
    one.beat()
    assert one.told.active == tasks(*range(6))


def test_standbys_go_to_other_processes(bench: Bench) -> None:
    bench.topic("app-store-changelog", 4)
    settings = StreamsSettings(standby_replicas=1)
    one, two = (Member(bench, name, STATEFUL, settings=settings) for name in ("one", "two"))
    all_beat(one, two, times=4)
    assert one.told.active == two.told.standby
    assert two.told.active == one.told.standby
    assert one.told.active | two.told.active == tasks(0, 1, 2, 3)


def test_threads_of_one_process_have_no_standbys_for_each_other(bench: Bench) -> None:
    bench.topic("app-store-changelog", 4)
    settings = StreamsSettings(standby_replicas=1)
    one, two = (Member(bench, name, STATEFUL, process="p", settings=settings) for name in ("one", "two"))
    all_beat(one, two, times=4)
    assert one.told.active | two.told.active == tasks(0, 1, 2, 3)
    assert one.told.standby | two.told.standby == frozenset()


def test_another_number_of_standbys_is_a_rebalance(bench: Bench) -> None:
    bench.topic("app-store-changelog", 4)
    one, two = (Member(bench, name, STATEFUL) for name in ("one", "two"))
    all_beat(one, two, times=4)
    epoch = describe(bench).group_epoch
    one.settings = two.settings = StreamsSettings(standby_replicas=1)
    all_beat(one, two, times=3)
    assert describe(bench).group_epoch == epoch + 1
    assert one.told.standby == two.told.active


def test_the_first_assignment_can_wait_for_company(bench: Bench) -> None:
    settings = StreamsSettings(initial_rebalance_delay_ms=3_000)
    one, two = (Member(bench, name, settings=settings) for name in ("one", "two"))
    one.beat()
    assert one.warnings == {
        Status.ASSIGNMENT_DELAYED: "Assignment delayed due to the configured initial rebalance delay."
    }
    bench.advance(2_999)
    two.beat()
    one.beat()
    assert (one.told.active, two.told.active, state(bench)) == (frozenset(), frozenset(), "Assigning")
    bench.advance(1)
    all_beat(one, two)
    assert (len(one.told.active), len(two.told.active), state(bench)) == (2, 2, "Stable")
    assert one.warnings == {}


def test_assignments_keep_their_distance(bench: Bench) -> None:
    settings = StreamsSettings(assignment_interval_ms=1_000)
    one, two = (Member(bench, name, settings=settings) for name in ("one", "two"))
    one.beat()
    two.beat()
    assert two.warnings == {Status.ASSIGNMENT_DELAYED: "Assignment delayed due to the configured assignment interval."}
    assert state(bench) == "Assigning"
    bench.advance(1_000)
    two.beat()
    assert (two.warnings, state(bench)) == ({}, "Reconciling")


def test_who_says_nothing_for_the_session_timeout_is_out(bench: Bench) -> None:
    one, two = Member(bench, "one"), Member(bench, "two")
    all_beat(one, two, times=3)
    bench.advance(44_000)
    one.beat()
    bench.advance(1_000)
    one.beat()
    assert one.told.active == tasks(0, 1, 2, 3)
    assert two.refused()[0] is ErrorCode.UNKNOWN_MEMBER_ID


def test_who_does_not_give_up_what_it_must_is_out_after_the_rebalance_timeout(bench: Bench) -> None:
    one, two = Member(bench, "one"), Member(bench, "two")
    one.beat()
    two.beat()
    one.hear(one.send())
    bench.advance(5_000)
    assert one.refused()[0] is ErrorCode.UNKNOWN_MEMBER_ID
    two.beat()
    assert two.told.active == tasks(0, 1, 2, 3)


def test_who_leaves_sets_its_tasks_free_at_once(bench: Bench) -> None:
    one, two = Member(bench, "one"), Member(bench, "two")
    all_beat(one, two, times=3)
    answer = two.send(-1)
    assert not isinstance(answer, KafkaError)
    assert (answer.response.member_epoch, answer.response.heartbeat_interval_ms) == (-1, 0)
    one.beat()
    assert one.told.active == tasks(0, 1, 2, 3)


def test_a_static_member_comes_back_to_its_tasks_under_another_id(bench: Bench) -> None:
    one, two = Member(bench, "one", instance="i1"), Member(bench, "two", instance="i2")
    all_beat(one, two, times=3)
    mine = one.told
    one.hear(one.send(-2))
    again = Member(bench, "one-again", process="one", instance="i1")
    again.beat()
    assert (again.told, state(bench)) == (mine, "Stable")
    assert one.refused(3)[0] is ErrorCode.FENCED_INSTANCE_ID


def test_an_instance_id_that_is_in_use_is_not_given_away(bench: Bench) -> None:
    Member(bench, "one", instance="i").beat()
    assert Member(bench, "two", instance="i").refused()[0] is ErrorCode.UNRELEASED_INSTANCE_ID


def test_epochs_fence(bench: Bench) -> None:
    one = Member(bench, "one")
    one.beat()
    code, text = one.refused(7)
    assert (code, text) == (
        ErrorCode.FENCED_MEMBER_EPOCH,
        "The streams group member has a greater member epoch (7) than the one known by the group coordinator (2). "
        "The member must abandon all its partitions and rejoin.",
    )
    assert one.refused(1)[0] is ErrorCode.FENCED_MEMBER_EPOCH


def test_the_epoch_before_will_do_for_who_says_what_it_has(bench: Bench) -> None:
    one = Member(bench, "one")
    one.beat()
    before = one.epoch
    bench.topic("in", 6)
    one.send()  # the answer is lost
    assert one.refused(before, says=False)[0] is ErrorCode.FENCED_MEMBER_EPOCH
    one.hear(one.send(before))
    assert one.epoch == before + 1


def test_a_second_topology_is_refused_and_an_older_one_warned_of(bench: Bench) -> None:
    newer = topology(subtopology("0", "in"), epoch=2)
    one = Member(bench, "one", newer)
    one.beat()
    other = Member(bench, "two", topology(subtopology("0", "in"), epoch=3))
    assert other.refused() == (ErrorCode.INVALID_REQUEST, "Topology updates are not supported yet.")
    stale = Member(bench, "three", topology(subtopology("0", "in"), epoch=1))
    stale.beat()
    assert stale.warnings == {
        Status.STALE_TOPOLOGY: "The member's topology epoch 1 is behind the group's topology epoch 2."
    }


def test_a_member_can_shut_down_the_application(bench: Bench) -> None:
    one, two = Member(bench, "one"), Member(bench, "two")
    all_beat(one, two, times=2)
    one.beat(shutdown_application=True)
    two.beat()
    text = "Streams group member one encountered a fatal error and requested a shutdown for the entire application."
    assert two.warnings == {Status.SHUTDOWN_APPLICATION: text}
    for member in (one, two):
        member.send(-1)
    again = Member(bench, "three")
    again.beat()
    assert again.warnings == {}, "who comes after all have gone begins anew"


def test_tasks_that_there_are_not_are_refused(bench: Bench) -> None:
    one = Member(bench, "one")
    one.beat()
    one.owned = one.owned._replace(active=tasks(9))
    assert one.refused() == (
        ErrorCode.INVALID_REQUEST,
        "Task 9 for subtopology 0 is invalid. Number of tasks for this subtopology: 4",
    )
    one.owned = one.owned._replace(active=tasks(0, subtopology="5"))
    assert one.refused()[1] == "Subtopology 5 does not exist in the topology."


def test_offsets_of_tasks_are_shown_and_used(bench: Bench) -> None:
    bench.topic("app-store-changelog", 4)
    one = Member(bench, "one", STATEFUL)
    one.beat()
    one.beat(task_offsets=[TaskOffset(subtopology_id="0", partition=1, offset=7)])
    shown = describe(bench).members[0].task_offsets
    assert [(each.subtopology_id, each.partition, each.offset) for each in shown] == [("0", 1, 7)]
    twice = [TaskOffset(subtopology_id="0", partition=1, offset=7)] * 2
    assert one.refused(task_offsets=twice)[0] is ErrorCode.INVALID_REQUEST


def test_members_hear_where_tasks_can_be_asked(bench: Bench) -> None:
    one = Member(bench, "one", options={"user_endpoint": RequestEndpoint(host="h1", port=1)})
    two = Member(bench, "two", options={"user_endpoint": RequestEndpoint(host="h2", port=2)})
    all_beat(one, two, times=4)
    response = one.beat()
    assert response.endpoint_information_epoch > 0
    shown = {
        each.user_endpoint.host: {(each.topic, *each.partitions) for each in each.active_partitions}
        for each in response.partitions_by_user_endpoint or ()
    }
    assert shown == {
        "h1": {("in", *sorted(index for _, index in one.told.active))},
        "h2": {("in", *sorted(index for _, index in two.told.active))},
    }
    assert one.beat(endpoint_information_epoch=response.endpoint_information_epoch).partitions_by_user_endpoint is None


def test_members_commit_what_their_tasks_read(bench: Bench) -> None:
    one = Member(bench, "one")
    one.beat()
    commit = {("in", 0): 5}
    assert bench.commit(commit, group="app", member="one", generation=2) == [0]
    assert bench.commit(commit, group="app", member="one", generation=3) == [ErrorCode.STALE_MEMBER_EPOCH]
    assert bench.commit(commit, group="app", member="nobody", generation=2) == [ErrorCode.UNKNOWN_MEMBER_ID]
    assert bench.commit(commit, group="app") == [ErrorCode.UNKNOWN_MEMBER_ID]
    bench.topic("in", 6)
    one.beat()
    assert one.epoch == 3
    assert bench.commit(commit, group="app", member="one", generation=2) == [0], "it has had the task since then"
    assert bench.commit({("in", 5): 5}, group="app", member="one", generation=2) == [ErrorCode.STALE_MEMBER_EPOCH]
    assert bench.commit({("out", 0): 5}, group="app", member="one", generation=2) == [ErrorCode.STALE_MEMBER_EPOCH]


def test_who_fetches_offsets_must_know_its_epoch(bench: Bench) -> None:
    one = Member(bench, "one")
    one.beat()
    bench.commit({("in", 0): 5}, group="app", member="one", generation=2)
    wanted = [Wanted("in", [0], bytes(16))]

    def fetch(member: str | None, epoch: int) -> object:
        found = bench.answer(lambda ticket: FetchOffsets(ticket, "app", wanted, False, member, epoch))
        return found.code if isinstance(found, KafkaError) else found.topics[0].partitions[0].committed_offset

    assert fetch(None, -1) == 5
    assert fetch("one", 2) == 5
    assert fetch("one", 1) is ErrorCode.STALE_MEMBER_EPOCH
    assert fetch("two", 2) is ErrorCode.UNKNOWN_MEMBER_ID


def test_what_is_committed_with_an_old_version_is_refused(bench: Bench) -> None:
    one = Member(bench, "one")
    one.beat()
    request = OffsetCommitRequest(
        group_id="app",
        generation_id_or_member_epoch=2,
        member_id="one",
        topics=[
            OffsetCommitRequestTopic(
                name="in", partitions=[OffsetCommitRequestPartition(partition_index=0, committed_offset=1)]
            )
        ],
    )
    response = bench.answer(lambda ticket: CommitOffsets(ticket, request, knows_epochs=False))
    assert response.topics[0].partitions[0].error_code == ErrorCode.UNSUPPORTED_VERSION


def test_other_kinds_of_group_keep_away(bench: Bench) -> None:
    one = Member(bench, "one")
    one.beat()
    joined = bench.answers[bench.join("classic", group="app")]
    assert (joined.error_code, joined.member_id) == (ErrorCode.INCONSISTENT_GROUP_PROTOCOL, "")
    consumer = bench.beat("c", 0, group="app", topics=["in"])
    assert isinstance(consumer, KafkaError)
    assert (consumer.code, consumer.message) == (ErrorCode.GROUP_ID_NOT_FOUND, "Group app is not a consumer group.")
    assert bench.answer(lambda ticket: Describe(ticket, "app")).error_code == ErrorCode.GROUP_ID_NOT_FOUND
    bench.beat("c", 0, group="consumers", topics=["in"])
    assert Member(bench, "x", group="consumers").refused() == (
        ErrorCode.GROUP_ID_NOT_FOUND,
        "Group consumers is not a streams group.",
    )
    assert Member(bench, "x", group="nowhere").refused(3)[1] == "Streams group nowhere not found."
    assert Member(bench, "x", group="nowhere").refused(-1)[1] == "Group nowhere not found."
    assert describe(bench, "consumers").error_message == "Group consumers is not a streams group."


def test_an_empty_group_becomes_what_comes_first(bench: Bench) -> None:
    one = Member(bench, "one")
    one.beat()
    one.send(-1)
    joined = bench.answers[bench.join("classic", group="app")]
    assert joined.error_code == 0
    bench.leave(joined.member_id, group="app")
    Member(bench, "two").beat()
    assert state(bench) == "Stable"


def test_groups_are_listed_and_deleted(bench: Bench) -> None:
    one = Member(bench, "one")
    one.beat()

    def listed(**filters: list[str]) -> list[tuple[str, str, str, str]]:
        found = bench.answer(lambda ticket: ListAll(ticket, **filters))
        return [(each.group_id, each.protocol_type, each.group_state, each.group_type) for each in found]

    assert listed(types=["Streams"]) == [("app", "streams", "Stable", "streams")]
    assert listed(types=["consumer"]) == []
    assert listed(states=["stable"]) == listed()
    assert bench.answer(lambda ticket: Delete(ticket, "app")) is ErrorCode.NON_EMPTY_GROUP
    one.send(-1)
    assert bench.answer(lambda ticket: Delete(ticket, "app")) is ErrorCode.NONE
    assert listed() == []
    assert bench.replayed().store.streams == {}


def test_an_empty_group_without_offsets_goes(bench: Bench) -> None:
    one = Member(bench, "one")
    one.beat()
    one.send(-1)
    bench.advance(bench.settings.offsets_check_interval_ms)
    assert bench.machine.store.streams == {}


def test_a_group_can_be_full(bench: Bench) -> None:
    settings = StreamsSettings(max_size=1)
    Member(bench, "one", settings=settings).beat()
    assert Member(bench, "two", settings=settings).refused() == (
        ErrorCode.GROUP_MAX_SIZE_REACHED,
        "The streams group has reached its maximum capacity of 1 members.",
    )


def test_who_lacks_tags_is_told_so(bench: Bench) -> None:
    one = Member(bench, "one", settings=StreamsSettings(rack_aware_tags=("zone", "cluster")))
    one.beat()
    assert one.warnings == {
        Status.MISSING_CLIENT_TAGS: "Missing required client tags for rack-aware standby assignment: [zone, cluster]. "
        "Configure them via 'client.tag.<tagKey>' in your Streams config."
    }


def test_after_a_crash_everything_goes_on(bench: Bench) -> None:
    one, two = Member(bench, "one"), Member(bench, "two")
    one.beat()
    two.beat()
    one.hear(one.send())
    bench.crash()
    assert state(bench) == "Reconciling"
    one.owned = one.told
    all_beat(one, two, times=2)
    assert one.told.active | two.told.active == tasks(0, 1, 2, 3)


def test_joining_again_with_nothing_new_is_no_rebalance(bench: Bench) -> None:
    one = Member(bench, "one")
    one.beat()
    before = len(bench.log)
    again = Member(bench, "one")
    again.beat()
    assert (again.told, again.epoch, len(bench.log)) == (one.told, one.epoch, before)


def test_at_rest_nothing_is_written(bench: Bench) -> None:
    one, two = Member(bench, "one"), Member(bench, "two")
    all_beat(one, two, times=4)
    before = len(bench.log)
    all_beat(one, two, times=3)
    assert len(bench.log) == before


def test_the_description_tells_all(bench: Bench) -> None:
    bench.topic("lines", 2)
    bench.topic("app-words", 2)
    bench.topic("app-counts", 2)
    one = Member(bench, "one", WORD_COUNT)
    all_beat(one, times=2)
    group = describe(bench)
    assert (group.group_epoch, group.assignment_epoch, group.assignor_name) == (2, 2, "sticky")
    assert group.topology is not None
    shown = [
        (
            each.subtopology_id,
            each.source_topics,
            each.repartition_sink_topics,
            [(topic.name, topic.partitions) for topic in each.repartition_source_topics],
            [(topic.name, topic.partitions) for topic in each.state_changelog_topics],
        )
        for each in group.topology.subtopologies or ()
    ]
    assert shown == [
        ("0", ["lines"], ["app-words"], [], []),
        ("1", [], [], [("app-words", 2)], [("app-counts", 2)]),
    ]
    member = group.members[0]
    assert (member.member_id, member.member_epoch, member.process_id, member.topology_epoch) == ("one", 2, "one", 0)
    for assignment in (member.assignment, member.target_assignment):
        active = [(each.subtopology_id, each.partitions) for each in assignment.active_tasks]
        assert active == [("0", [0, 1]), ("1", [0, 1])]


def test_a_topology_that_cannot_be_is_refused_and_nothing_is_made(bench: Bench) -> None:
    loop = topology(subtopology("0", repartition=[internal("a")], sinks=["a"]))
    code, _ = Member(bench, "one", loop).refused()
    assert code is ErrorCode.STREAMS_INVALID_TOPOLOGY
    assert (bench.log, bench.machine.store.streams) == ([], {})
    assert STATELESS.epoch == 0
