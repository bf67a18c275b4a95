"""UnregisterBroker: who is not there can be forgotten, once."""

from tests.kbroker.handlers.desk import Desk, at_a_desk
from wire.messages.unregister_broker import UnregisterBrokerRequest


async def unregister(desk: Desk, node_id: int) -> tuple[int, str | None]:
    response = await desk.ask(UnregisterBrokerRequest(broker_id=node_id), 0)
    return response.error_code, response.error_message


def test_who_was_never_there_and_who_runs_cannot_be_forgotten() -> None:
    async def test(desk: Desk) -> None:
        assert await unregister(desk, 7) == (102, "Broker ID 7 is not currently registered")
        assert await unregister(desk, -1) == (102, "Broker ID -1 is not currently registered")
        assert await unregister(desk, 1) == (42, "Broker ID 1 is running in this process")
        desk.denied = {("ALTER", "CLUSTER", "kafka-cluster")}
        assert (await unregister(desk, 7))[0] == 31

    at_a_desk(test)
