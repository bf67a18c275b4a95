"""What can go wrong: Kafka's error codes, and our own exceptions.

An error code is a number in a response. `ErrorCode` is the whole table of Apache Kafka 4.4: each code with what a
client does with it (a retriable error goes away by itself or after a refresh of the metadata) and a sentence in our
own words, which is what a response's error_message says when nobody knows better.

`KafkaError` is how the code below a handler answers with such a number: whoever raises it says which, and the
dispatcher puts it in every place that the response has for it.

`ProtocolError` is never a number: the bytes themselves (`MalformedMessage`) or what we are asked to write
(`UnsupportedField`, `UnsupportedVersion`) break the rules of the protocol. Bad bytes are the peer's fault and cost it
the connection; a field that a version cannot carry is the writer's fault.
"""

from __future__ import annotations

from enum import IntEnum

_RETRY = True
_FINAL = False


class ErrorCode(IntEnum):
    """Each row: code, whether a client may simply try again, and what it means."""

    retriable: bool
    message: str

    def __new__(cls, code: int, retriable: bool = False, message: str = "") -> ErrorCode:
        self = int.__new__(cls, code)
        self._value_ = code
        self.retriable = retriable
        self.message = message
        return self

    UNKNOWN_SERVER_ERROR = -1, _FINAL, "The broker met something that it did not expect."
    NONE = 0, _FINAL, "No error."
    OFFSET_OUT_OF_RANGE = 1, _FINAL, "The offset lies outside the offsets that this partition holds."
    CORRUPT_MESSAGE = 2, _RETRY, "The batch fails its checksum, or is otherwise damaged."
    UNKNOWN_TOPIC_OR_PARTITION = 3, _RETRY, "This broker knows no such topic or partition."
    INVALID_FETCH_SIZE = 4, _FINAL, "The fetch size is not valid."
    LEADER_NOT_AVAILABLE = 5, _RETRY, "The partition has no leader at the moment."
    NOT_LEADER_OR_FOLLOWER = 6, _RETRY, "This broker neither leads nor follows the partition."
    REQUEST_TIMED_OUT = 7, _RETRY, "The request was not done within its time."
    BROKER_NOT_AVAILABLE = 8, _FINAL, "The broker is not available."
    REPLICA_NOT_AVAILABLE = 9, _RETRY, "The replica is not available for this request."
    MESSAGE_TOO_LARGE = 10, _FINAL, "The batch is larger than max.message.bytes allows."
    STALE_CONTROLLER_EPOCH = 11, _FINAL, "The controller has moved to another broker."
    OFFSET_METADATA_TOO_LARGE = (
        12,
        _FINAL,
        "The metadata of the committed offset is longer than offset.metadata.max.bytes.",
    )
    NETWORK_EXCEPTION = 13, _RETRY, "The connection broke before an answer came."
    COORDINATOR_LOAD_IN_PROGRESS = 14, _RETRY, "The coordinator is still reading its log."
    COORDINATOR_NOT_AVAILABLE = 15, _RETRY, "No coordinator is available at the moment."
    NOT_COORDINATOR = 16, _RETRY, "This broker is not the coordinator of that group or transactional id."
    INVALID_TOPIC_EXCEPTION = 17, _FINAL, "The topic name is not valid, or the topic may not be used this way."
    RECORD_LIST_TOO_LARGE = 18, _FINAL, "The batch is larger than a whole segment."
    NOT_ENOUGH_REPLICAS = 19, _RETRY, "Fewer replicas are in sync than min.insync.replicas asks for."
    NOT_ENOUGH_REPLICAS_AFTER_APPEND = 20, _RETRY, "The batch was written, but to fewer in-sync replicas than required."
    INVALID_REQUIRED_ACKS = 21, _FINAL, "acks must be -1, 0 or 1."
    ILLEGAL_GENERATION = 22, _FINAL, "The group is not in the generation that the member named."
    INCONSISTENT_GROUP_PROTOCOL = 23, _FINAL, "The member's protocols do not fit those of the group."
    INVALID_GROUP_ID = 24, _FINAL, "The group id is not valid."
    UNKNOWN_MEMBER_ID = 25, _FINAL, "The group has no member with this id."
    INVALID_SESSION_TIMEOUT = 26, _FINAL, "The session timeout lies outside the broker's bounds."
    REBALANCE_IN_PROGRESS = 27, _FINAL, "The group is rebalancing, so the member has to rejoin."
    INVALID_COMMIT_OFFSET_SIZE = 28, _FINAL, "The committed offset is too large to be stored."
    TOPIC_AUTHORIZATION_FAILED = 29, _FINAL, "The principal may not do this with the topic."
    GROUP_AUTHORIZATION_FAILED = 30, _FINAL, "The principal may not do this with the group."
    CLUSTER_AUTHORIZATION_FAILED = 31, _FINAL, "The principal may not do this with the cluster."
    INVALID_TIMESTAMP = 32, _FINAL, "The timestamp of a record lies too far from the broker's time."
    UNSUPPORTED_SASL_MECHANISM = 33, _FINAL, "The broker does not offer this SASL mechanism."
    ILLEGAL_SASL_STATE = 34, _FINAL, "The request does not fit the state of the authentication."
    UNSUPPORTED_VERSION = 35, _FINAL, "The broker does not support this version of the request."
    TOPIC_ALREADY_EXISTS = 36, _FINAL, "A topic of this name exists already."
    INVALID_PARTITIONS = 37, _FINAL, "The number of partitions is not valid."
    INVALID_REPLICATION_FACTOR = (
        38,
        _FINAL,
        "The replication factor is not positive, or larger than the number of brokers.",
    )
    INVALID_REPLICA_ASSIGNMENT = 39, _FINAL, "The assignment of replicas is not valid."
    INVALID_CONFIG = 40, _FINAL, "A config name or value is not valid."
    NOT_CONTROLLER = 41, _RETRY, "This broker is not the controller."
    INVALID_REQUEST = 42, _FINAL, "The request contradicts itself or its protocol."
    UNSUPPORTED_FOR_MESSAGE_FORMAT = 43, _FINAL, "The message format of the topic does not support this request."
    POLICY_VIOLATION = 44, _FINAL, "A policy of the cluster or the topic forbids this."
    OUT_OF_ORDER_SEQUENCE_NUMBER = 45, _FINAL, "The sequence number of the batch does not follow the last one."
    DUPLICATE_SEQUENCE_NUMBER = 46, _FINAL, "The batch was written before."
    INVALID_PRODUCER_EPOCH = 47, _FINAL, "A producer with a newer epoch has taken over."
    INVALID_TXN_STATE = 48, _FINAL, "The transaction is in a state that does not allow this."
    INVALID_PRODUCER_ID_MAPPING = 49, _FINAL, "The transactional id does not belong to this producer id."
    INVALID_TRANSACTION_TIMEOUT = (
        50,
        _FINAL,
        "The transaction timeout is larger than transaction.max.timeout.ms, or not positive.",
    )
    CONCURRENT_TRANSACTIONS = 51, _RETRY, "The previous transaction of this transactional id is still being finished."
    TRANSACTION_COORDINATOR_FENCED = 52, _FINAL, "A newer transaction coordinator has taken over."
    TRANSACTIONAL_ID_AUTHORIZATION_FAILED = 53, _FINAL, "The principal may not use this transactional id."
    SECURITY_DISABLED = 54, _FINAL, "The broker has no authorizer."
    OPERATION_NOT_ATTEMPTED = 55, _FINAL, "Not attempted, because another part of the request failed."
    KAFKA_STORAGE_ERROR = 56, _RETRY, "The broker could not read or write its log."
    LOG_DIR_NOT_FOUND = 57, _FINAL, "The broker has no such log directory."
    SASL_AUTHENTICATION_FAILED = 58, _FINAL, "The credentials are not valid."
    UNKNOWN_PRODUCER_ID = 59, _FINAL, "The partition no longer knows this producer id."
    REASSIGNMENT_IN_PROGRESS = 60, _FINAL, "The partition is being reassigned."
    DELEGATION_TOKEN_AUTH_DISABLED = 61, _FINAL, "Delegation tokens are switched off."
    DELEGATION_TOKEN_NOT_FOUND = 62, _FINAL, "There is no such delegation token."
    DELEGATION_TOKEN_OWNER_MISMATCH = 63, _FINAL, "The principal neither owns nor may renew the token."
    DELEGATION_TOKEN_REQUEST_NOT_ALLOWED = (
        64,
        _FINAL,
        "Delegation tokens are not available on a connection authenticated like this one.",
    )
    DELEGATION_TOKEN_AUTHORIZATION_FAILED = 65, _FINAL, "The principal may not do this with the delegation token."
    DELEGATION_TOKEN_EXPIRED = 66, _FINAL, "The delegation token has expired."
    INVALID_PRINCIPAL_TYPE = 67, _FINAL, "The type of the principal is not supported."
    NON_EMPTY_GROUP = 68, _FINAL, "The group still has members."
    GROUP_ID_NOT_FOUND = 69, _FINAL, "There is no such group."
    FETCH_SESSION_ID_NOT_FOUND = 70, _RETRY, "The broker keeps no fetch session of this id."
    INVALID_FETCH_SESSION_EPOCH = 71, _RETRY, "The epoch of the fetch session is not the one that comes next."
    LISTENER_NOT_FOUND = 72, _RETRY, "The leader has no listener of the kind that the request came in on."
    TOPIC_DELETION_DISABLED = 73, _FINAL, "Deleting topics is switched off."
    FENCED_LEADER_EPOCH = 74, _RETRY, "The leader epoch of the request is older than the broker's."
    UNKNOWN_LEADER_EPOCH = 75, _RETRY, "The leader epoch of the request is newer than the broker's."
    UNSUPPORTED_COMPRESSION_TYPE = (
        76,
        _FINAL,
        "This version of the request cannot carry the compression type, or the codec is missing.",
    )
    STALE_BROKER_EPOCH = 77, _FINAL, "The broker has registered anew since."
    OFFSET_NOT_AVAILABLE = 78, _RETRY, "The new leader's high watermark has not caught up yet."
    MEMBER_ID_REQUIRED = 79, _FINAL, "The member has to join again with the member id of this answer."
    PREFERRED_LEADER_NOT_AVAILABLE = 80, _RETRY, "The preferred leader is not available."
    GROUP_MAX_SIZE_REACHED = 81, _FINAL, "The group has as many members as it may have."
    FENCED_INSTANCE_ID = 82, _FINAL, "Another member has taken over this group instance id."
    ELIGIBLE_LEADERS_NOT_AVAILABLE = 83, _RETRY, "No replica that may become leader is available."
    ELECTION_NOT_NEEDED = 84, _RETRY, "The partition has the leader that the election would give it."
    NO_REASSIGNMENT_IN_PROGRESS = 85, _FINAL, "The partition is not being reassigned."
    GROUP_SUBSCRIBED_TO_TOPIC = 86, _FINAL, "The group is subscribed to the topic."
    INVALID_RECORD = 87, _FINAL, "The batch or one of its records is not valid."
    UNSTABLE_OFFSET_COMMIT = 88, _RETRY, "A transaction that commits this offset is not decided yet."
    THROTTLING_QUOTA_EXCEEDED = 89, _RETRY, "The quota for such requests is used up."
    PRODUCER_FENCED = 90, _FINAL, "A newer producer with the same transactional id has taken over."
    RESOURCE_NOT_FOUND = 91, _FINAL, "There is no such resource."
    DUPLICATE_RESOURCE = 92, _FINAL, "The request names a resource twice."
    UNACCEPTABLE_CREDENTIAL = 93, _FINAL, "The credential does not meet the broker's demands."
    INCONSISTENT_VOTER_SET = 94, _FINAL, "The sender or recipient is not among the voters."
    INVALID_UPDATE_VERSION = 95, _FINAL, "The update does not follow the version that the broker holds."
    FEATURE_UPDATE_FAILED = 96, _FINAL, "The feature cannot be set to this level."
    PRINCIPAL_DESERIALIZATION_FAILURE = 97, _FINAL, "The forwarded principal cannot be read."
    SNAPSHOT_NOT_FOUND = 98, _FINAL, "There is no such snapshot."
    POSITION_OUT_OF_RANGE = 99, _FINAL, "The position lies outside the snapshot."
    UNKNOWN_TOPIC_ID = 100, _RETRY, "This broker knows no topic of this id."
    DUPLICATE_BROKER_REGISTRATION = 101, _FINAL, "A broker of this id is registered already."
    BROKER_ID_NOT_REGISTERED = 102, _FINAL, "No broker of this id is registered."
    INCONSISTENT_TOPIC_ID = 103, _RETRY, "The topic id of the request is not the one that the log has."
    INCONSISTENT_CLUSTER_ID = 104, _FINAL, "The request is meant for another cluster."
    TRANSACTIONAL_ID_NOT_FOUND = 105, _FINAL, "There is no such transactional id."
    FETCH_SESSION_TOPIC_ID_ERROR = 106, _RETRY, "The fetch session names its topics in another way."
    INELIGIBLE_REPLICA = 107, _FINAL, "The new in-sync replicas contain one that may not be there."
    NEW_LEADER_ELECTED = 108, _FINAL, "The change of replicas has elected another leader."
    OFFSET_MOVED_TO_TIERED_STORAGE = 109, _FINAL, "The offset is held in tiered storage only."
    FENCED_MEMBER_EPOCH = 110, _FINAL, "The member has to give up its partitions and rejoin."
    UNRELEASED_INSTANCE_ID = 111, _FINAL, "Another member still uses this group instance id."
    UNSUPPORTED_ASSIGNOR = 112, _FINAL, "The group has no such assignor."
    STALE_MEMBER_EPOCH = 113, _FINAL, "The member epoch is not the member's current one."
    MISMATCHED_ENDPOINT_TYPE = 114, _FINAL, "The request was sent to an endpoint of the wrong type."
    UNSUPPORTED_ENDPOINT_TYPE = 115, _FINAL, "This type of endpoint is not supported."
    UNKNOWN_CONTROLLER_ID = 116, _FINAL, "There is no controller of this id."
    UNKNOWN_SUBSCRIPTION_ID = 117, _FINAL, "The telemetry subscription has changed."
    TELEMETRY_TOO_LARGE = 118, _FINAL, "The pushed metrics are larger than the broker takes."
    INVALID_REGISTRATION = 119, _FINAL, "The registration of the controller is not valid."
    TRANSACTION_ABORTABLE = 120, _FINAL, "The transaction has to be aborted; the producer may then go on."
    INVALID_RECORD_STATE = 121, _FINAL, "The record is not acquired by this member."
    SHARE_SESSION_NOT_FOUND = 122, _RETRY, "The broker keeps no such share session."
    INVALID_SHARE_SESSION_EPOCH = 123, _RETRY, "The epoch of the share session is not the one that comes next."
    FENCED_STATE_EPOCH = 124, _FINAL, "The share coordinator holds a newer state epoch."
    INVALID_VOTER_KEY = 125, _FINAL, "The voter's id and directory id do not belong to the recipient."
    DUPLICATE_VOTER = 126, _FINAL, "The voter is in the set of voters already."
    VOTER_NOT_FOUND = 127, _FINAL, "The voter is not in the set of voters."
    INVALID_REGULAR_EXPRESSION = 128, _FINAL, "The regular expression is not valid."
    REBOOTSTRAP_REQUIRED = 129, _FINAL, "The client's view is stale: it has to start again from its bootstrap servers."
    STREAMS_INVALID_TOPOLOGY = 130, _FINAL, "The topology is not valid."
    STREAMS_INVALID_TOPOLOGY_EPOCH = 131, _FINAL, "The topology epoch is not valid."
    STREAMS_TOPOLOGY_FENCED = 132, _FINAL, "The topology epoch is older than the group's."
    SHARE_SESSION_LIMIT_REACHED = 133, _RETRY, "The broker keeps as many share sessions as it may."
    GROUP_DELETION_FAILED = 134, _FINAL, "The group could not be deleted."
    STREAMS_TOPOLOGY_DESCRIPTION_UPDATE_FAILED = 135, _FINAL, "The description of the topology could not be stored."
    CONTROLLER_ID_NOT_REGISTERED = 136, _FINAL, "No controller of this id is registered."


def error_name(code: int) -> str:
    """Kafka's name of an error code; a code that is not known here stays a number."""
    try:
        return ErrorCode(code).name
    except ValueError:
        return str(code)


class KafkaError(Exception):
    """The answer is an error code. Without a message of its own it says the code's sentence."""

    def __init__(self, code: ErrorCode, message: str | None = None) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message

    def __str__(self) -> str:
        return f"{self.code.name}: {self.message or self.code.message}"


class ProtocolError(Exception):
    """The rules of the wire are broken; no error code can say it."""


class MalformedMessage(ProtocolError):
    """These bytes are not what they should be: where (an offset into the buffer that was read), in which field,
    and why.
    """

    def __init__(self, reason: str, offset: int | None = None, path: str = "") -> None:
        super().__init__(reason, offset, path)
        self.reason = reason
        self.offset = offset
        self.path = path

    def __str__(self) -> str:
        place = "" if self.offset is None else f" at byte {self.offset}"
        return f"{self.path}: {self.reason}{place}" if self.path else f"{self.reason}{place}"


class UnsupportedVersion(ProtocolError):
    """The message has no such version."""


class UnsupportedField(ProtocolError):
    """A field holds what this version cannot carry."""
