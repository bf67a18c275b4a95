"""AddRaftVoter and what it checks, in Kafka's order and words."""

import pytest

from tests.kbroker.handlers.desk import Desk, at_a_desk, versions
from wire.messages.add_raft_voter import AddRaftVoterRequest, Listener

DIRECTORY = bytes(range(16))
KEY = "directoryId=AAECAwQFBgcICQoLDA0ODw)"


@pytest.mark.parametrize("version", versions("add_raft_voter"))
@pytest.mark.parametrize(
    ("cluster_id", "voter_id", "listener", "code", "start"),
    [
        ("x", 5, "CONTROLLER", 104, 'The given id "x" doesn\'t match the cluster id "the-cluster"'),
        (None, -1, "CONTROLLER", 42, "Add voter request didn't include a valid voter"),
        (None, 5, "X", 42, "Add voter request didn't include the endpoint (Endpoints(endpoints={ListenerName(X)=h/"
         "<unresolved>:1})) for the default listener ListenerName(CONTROLLER)"),
        ("the-cluster", 1, "CONTROLLER", 126, f"The voter id for ReplicaKey(id=1, {KEY} is already part of the set of "
         "voters [ReplicaKey(id=1, directoryId="),
        (None, 5, "CONTROLLER", 7, f"New voter ReplicaKey(id=5, {KEY} is not ready to receive requests"),
    ],
)  # fmt: skip
def test_no_voter_ever_comes(
    version: int, cluster_id: str | None, voter_id: int, listener: str, code: int, start: str
) -> None:
    async def test(desk: Desk) -> None:
        request = AddRaftVoterRequest(
            cluster_id=cluster_id,
            timeout_ms=1000,
            voter_id=voter_id,
            voter_directory_id=DIRECTORY,
            listeners=[Listener(name=listener, host="h", port=1)],
        )
        response = await desk.ask(request, version)
        assert response.error_code == code
        assert response.error_message.startswith(start)
        desk.denied = {("ALTER", "CLUSTER", "kafka-cluster")}
        assert (await desk.ask(request, version)).error_code == 31

    at_a_desk(test)
