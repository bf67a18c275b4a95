"""UnregisterController: the one that there is stays."""

from tests.kbroker.handlers.desk import Desk, at_a_desk
from wire.messages.unregister_controller import UnregisterControllerRequest


def test_the_active_controller_stays_and_others_are_unknown() -> None:
    async def test(desk: Desk) -> None:
        for controller_id, code, message in (
            (1, 42, "Controller cannot unregister itself while it is active."),
            (7, 136, "Controller ID 7 is not currently registered."),
        ):
            response = await desk.ask(UnregisterControllerRequest(controller_id=controller_id), 0)
            assert (response.error_code, response.error_message) == (code, message)
        desk.denied = {("ALTER", "CLUSTER", "kafka-cluster")}
        assert (await desk.ask(UnregisterControllerRequest(controller_id=7), 0)).error_code == 31

    at_a_desk(test)
