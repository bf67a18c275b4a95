"""ListPartitionReassignments: see test_alter_partition_reassignments.py; here, that unknown topics are no error."""

from tests.kbroker.handlers.desk import Desk, at_a_desk
from wire.messages.list_partition_reassignments import (
    ListPartitionReassignmentsRequest,
    ListPartitionReassignmentsTopics,
)


def test_a_topic_that_nobody_knows_is_not_on_the_move_either() -> None:
    async def test(desk: Desk) -> None:
        topics = [ListPartitionReassignmentsTopics(name="no", partition_indexes=[0])]
        response = await desk.ask(ListPartitionReassignmentsRequest(topics=topics), 0)
        assert (response.error_code, response.topics) == (0, [])

    at_a_desk(test)
