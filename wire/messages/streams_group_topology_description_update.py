"""StreamsGroupTopologyDescriptionUpdate (key 93): a Streams application describes its topology for people to look at
(KIP-1331).

It is sent only when the answer to a heartbeat asked for it; a broker without a place for descriptions answers
UNSUPPORTED_VERSION.

Errors: STREAMS_TOPOLOGY_DESCRIPTION_UPDATE_FAILED, UNSUPPORTED_VERSION, GROUP_ID_NOT_FOUND, UNKNOWN_MEMBER_ID,
INVALID_REQUEST, NOT_COORDINATOR, GROUP_AUTHORIZATION_FAILED.
"""

from ..schema import Request, Response, Struct, array, int8, int16, int32, string, struct


class TopologyDescriptionNode(Struct):
    name: str = string()
    node_type: int = int8()
    source_topics: list[str] = array(string, entity="topicName")
    sink_topic: str | None = string(nullable="0+", default=None, entity="topicName")
    stores: list[str] = array(string)
    successors: list[str] = array(string)


class TopologyDescriptionSubtopology(Struct):
    subtopology_id: str = string()
    nodes: list[TopologyDescriptionNode] = array(TopologyDescriptionNode)


class TopologyDescriptionGlobalStore(Struct):
    source: TopologyDescriptionNode = struct(TopologyDescriptionNode)
    processor: TopologyDescriptionNode = struct(TopologyDescriptionNode)


class TopologyDescription(Struct):
    subtopologies: list[TopologyDescriptionSubtopology] = array(TopologyDescriptionSubtopology)
    global_stores: list[TopologyDescriptionGlobalStore] = array(TopologyDescriptionGlobalStore)


class StreamsGroupTopologyDescriptionUpdateRequest(Request, key=93, versions="0", flexible="0+"):
    group_id: str = string(entity="groupId")
    member_id: str = string()
    topology_epoch: int = int32()
    topology_description: TopologyDescription = struct(TopologyDescription)


class StreamsGroupTopologyDescriptionUpdateResponse(Response, key=93, versions="0", flexible="0+"):
    throttle_time_ms: int = int32(default=0)
    error_code: int = int16()
    error_message: str | None = string(nullable="0+", default=None)
