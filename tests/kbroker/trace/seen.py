"""Exchanges made by hand."""

from kbroker.trace.exchange import Exchange
from wire.header import encode_request_header, response_head, response_header_version
from wire.messages.heartbeat import HeartbeatRequest, HeartbeatResponse
from wire.messages.metadata import MetadataRequest, MetadataRequestTopic, MetadataResponse, MetadataResponseTopic
from wire.primitives import ZERO_UUID
from wire.schema import Request, Response


def exchange(
    request: Request, response: Response | None, version: int, number: int = 1, client_id: str = "app"
) -> Exchange:
    key = request.__api_key__
    asked = encode_request_header(key, version, number, client_id) + request.encode(version)
    reply = None
    if response is not None:
        reply = bytes(response_head(number, response_header_version(key, version)) + response.encode(version))
    return Exchange(number, 1_700_000_000_123, 1.5, "127.0.0.1:5000", "b:1", asked, reply)


def metadata(topic: str = "orders", error: int = 0) -> Exchange:
    asked = MetadataRequest(
        topics=[MetadataRequestTopic(topic_id=ZERO_UUID, name=topic)],
        include_cluster_authorized_operations=False,
        include_topic_authorized_operations=False,
    )
    told = MetadataResponseTopic(error_code=error, name=topic, topic_id=ZERO_UUID, partitions=[])
    return exchange(asked, MetadataResponse(brokers=[], topics=[told], error_code=0), 12)


def heartbeat(group: str = "readers", error: int = 0) -> Exchange:
    asked = HeartbeatRequest(group_id=group, generation_id=3, member_id="m", group_instance_id=None)
    return exchange(asked, HeartbeatResponse(error_code=error), 4)
