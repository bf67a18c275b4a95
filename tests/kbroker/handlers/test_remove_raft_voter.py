"""RemoveRaftVoter: the only voter stays."""

import pytest

from tests.kbroker.handlers.desk import Desk, at_a_desk
from wire.messages.remove_raft_voter import RemoveRaftVoterRequest
from wire.primitives import ZERO_UUID

DIRECTORY = bytes(range(16))


@pytest.mark.parametrize(
    ("cluster_id", "voter_id", "directory", "code", "start"),
    [
        ("x", 1, DIRECTORY, 104, 'The given id "x" doesn\'t match the cluster id "the-cluster"'),
        (None, -1, DIRECTORY, 42, "Remove voter request didn't include a valid voter"),
        (None, 1, ZERO_UUID, 42, "Remove voter request didn't include a valid voter"),
        (None, 1, DIRECTORY, 127, "Cannot remove voter ReplicaKey(id=1, directoryId=AAECAwQFBgcICQoLDA0ODw) from the "
         "set of voters [ReplicaKey(id=1, directoryId="),
    ],
)  # fmt: skip
def test_no_voter_ever_goes(cluster_id: str | None, voter_id: int, directory: bytes, code: int, start: str) -> None:
    async def test(desk: Desk) -> None:
        request = RemoveRaftVoterRequest(cluster_id=cluster_id, voter_id=voter_id, voter_directory_id=directory)
        response = await desk.ask(request, 0)
        assert response.error_code == code
        assert response.error_message.startswith(start)
        desk.denied = {("ALTER", "CLUSTER", "kafka-cluster")}
        assert (await desk.ask(request, 0)).error_code == 31

    at_a_desk(test)
