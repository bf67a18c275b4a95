"""DeleteTopics (key 20): remove topics and all that is in them.

v1 throttle_time_ms   v2 the client waits it out itself (KIP-219)   v3 TOPIC_DELETION_DISABLED (KIP-322)   v4 flexible
v5 error_message and THROTTLING_QUOTA_EXCEEDED (KIP-599)   v6 topics by name or by id (KIP-516)

Errors: UNKNOWN_TOPIC_OR_PARTITION, UNKNOWN_TOPIC_ID, TOPIC_DELETION_DISABLED, INVALID_REQUEST (name and id, or
neither), NOT_CONTROLLER, REQUEST_TIMED_OUT, INVALID_TOPIC_EXCEPTION, TOPIC_AUTHORIZATION_FAILED.
"""

from ..schema import Request, Response, Struct, array, int16, int32, string, uuid


class DeleteTopicState(Struct):
    name: str | None = string(versions="6+", nullable="6+", default=None, entity="topicName")
    topic_id: bytes = uuid(versions="6+")


class DeleteTopicsRequest(Request, key=20, versions="1-6", flexible="4+"):
    topics: list[DeleteTopicState] = array(DeleteTopicState, versions="6+")
    topic_names: list[str] = array(string, versions="0-5", ignorable=True, entity="topicName")
    timeout_ms: int = int32()


class DeletableTopicResult(Struct):
    name: str | None = string(nullable="6+", map_key=True, entity="topicName")
    topic_id: bytes = uuid(versions="6+", ignorable=True)
    error_code: int = int16()
    error_message: str | None = string(versions="5+", nullable="5+", default=None, ignorable=True)


class DeleteTopicsResponse(Response, key=20, versions="1-6", flexible="4+"):
    throttle_time_ms: int = int32(versions="1+", default=0, ignorable=True)
    responses: list[DeletableTopicResult] = array(DeletableTopicResult)
