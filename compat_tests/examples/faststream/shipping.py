"""The service under test, in FastStream: ships what is ordered, and puts aside what is no order."""

from faststream import AckPolicy
from faststream.kafka import KafkaBroker


def shipping(bootstrap: str) -> KafkaBroker:
    broker = KafkaBroker(bootstrap, client_id="shipping", enable_idempotence=True)
    shipments = broker.publisher("shipments")
    rubbish = broker.publisher("orders.rubbish")

    @broker.subscriber(
        "orders",
        group_id="shipping",
        auto_offset_reset="earliest",
        ack_policy=AckPolicy.ACK,
        heartbeat_interval_ms=100,
    )
    async def ship(order: int | str) -> None:
        if isinstance(order, int):
            await shipments.publish(f"order {order} is on its way")
        else:
            await rubbish.publish(order)

    return broker
