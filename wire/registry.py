"""Every message by name, every API by key.

`APIS` is all that ApiVersions and the dispatcher need, without importing a message: key, name, versions, the version
from which it is flexible, and the listeners that may carry it. Tests hold the table against the class bodies.

`max_version` is the newest stable version. A newer one is defined where `unstable_version` says so (InitProducerId
v6, KIP-939): no broker shows it. `advertised_min` differs from `min_version` for Produce alone: versions 0 to 2 are
advertised and refused, because librdkafka before 2.x reads its features off them (KAFKA-18659). Keys 4 to 7 keep
their names and have no versions since 4.0.
"""

from __future__ import annotations

import re
from importlib import import_module

from .schema import Message, Request, Response

BROKER = "broker"
CONTROLLER = "controller"

_LISTENERS = {"B": (BROKER,), "C": (CONTROLLER,), "BC": (BROKER, CONTROLLER), "": ()}


class Api:
    """One row: what is known of an API key before any of its messages is imported."""

    __slots__ = (
        "advertised_min",
        "first_flexible",
        "flexible_from",
        "kafka_name",
        "key",
        "listeners",
        "max_version",
        "min_version",
        "name",
        "unstable_version",
    )

    def __init__(
        self,
        key: int,
        name: str,
        versions: tuple[int, int],
        flexible_from: int | None,
        listeners: str,
        *,
        advertised_min: int | None = None,
        unstable_version: int | None = None,
    ) -> None:
        self.key = key
        self.kafka_name = name
        self.name = snake_name(name)
        self.min_version, self.max_version = versions
        self.flexible_from = flexible_from
        self.first_flexible = _NEVER if flexible_from is None else flexible_from
        self.listeners = _LISTENERS[listeners]
        self.advertised_min = self.min_version if advertised_min is None else advertised_min
        self.unstable_version = unstable_version

    def is_flexible(self, version: int) -> bool:
        return version >= self.first_flexible

    def request_class(self) -> type[Request]:
        found: type[Request] = getattr(
            import_module(f".messages.{self.name}", __package__), self.kafka_name + "Request"
        )
        return found

    def response_class(self) -> type[Response]:
        found: type[Response] = getattr(
            import_module(f".messages.{self.name}", __package__), self.kafka_name + "Response"
        )
        return found

    def __repr__(self) -> str:
        return f"<Api {self.key} {self.kafka_name} v{self.min_version}-{self.max_version}>"


def snake_name(name: str) -> str:
    """EndTxn -> end_txn."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


NO_VERSION = (0, -1)
_NEVER = 1 << 15  # beyond every int16

APIS: dict[int, Api] = {
    api.key: api
    for api in (
        Api(0, "Produce", (3, 13), 9, "B", advertised_min=0),
        Api(1, "Fetch", (4, 18), 12, "BC"),
        Api(2, "ListOffsets", (1, 11), 6, "B"),
        Api(3, "Metadata", (0, 13), 9, "B"),
        Api(4, "LeaderAndIsr", NO_VERSION, None, ""),
        Api(5, "StopReplica", NO_VERSION, None, ""),
        Api(6, "UpdateMetadata", NO_VERSION, None, ""),
        Api(7, "ControlledShutdown", NO_VERSION, None, ""),
        Api(8, "OffsetCommit", (2, 10), 8, "B"),
        Api(9, "OffsetFetch", (1, 10), 6, "B"),
        Api(10, "FindCoordinator", (0, 6), 3, "B"),
        Api(11, "JoinGroup", (0, 9), 6, "B"),
        Api(12, "Heartbeat", (0, 4), 4, "B"),
        Api(13, "LeaveGroup", (0, 5), 4, "B"),
        Api(14, "SyncGroup", (0, 5), 4, "B"),
        Api(15, "DescribeGroups", (0, 6), 5, "B"),
        Api(16, "ListGroups", (0, 5), 3, "B"),
        Api(17, "SaslHandshake", (0, 1), None, "BC"),
        Api(18, "ApiVersions", (0, 5), 3, "BC"),
        Api(19, "CreateTopics", (2, 7), 5, "BC"),
        Api(20, "DeleteTopics", (1, 6), 4, "BC"),
        Api(21, "DeleteRecords", (0, 2), 2, "B"),
        Api(22, "InitProducerId", (0, 5), 2, "B", unstable_version=6),
        Api(23, "OffsetForLeaderEpoch", (2, 4), 4, "B"),
        Api(24, "AddPartitionsToTxn", (0, 5), 3, "B"),
        Api(25, "AddOffsetsToTxn", (0, 4), 3, "B"),
        Api(26, "EndTxn", (0, 5), 3, "B"),
        Api(27, "WriteTxnMarkers", (1, 2), 1, "B"),
        Api(28, "TxnOffsetCommit", (0, 6), 3, "B"),
        Api(29, "DescribeAcls", (1, 3), 2, "BC"),
        Api(30, "CreateAcls", (1, 3), 2, "BC"),
        Api(31, "DeleteAcls", (1, 3), 2, "BC"),
        Api(32, "DescribeConfigs", (1, 4), 4, "BC"),
        Api(33, "AlterConfigs", (0, 2), 2, "BC"),
        Api(34, "AlterReplicaLogDirs", (1, 2), 2, "B"),
        Api(35, "DescribeLogDirs", (1, 5), 2, "B"),
        Api(36, "SaslAuthenticate", (0, 2), 2, "BC"),
        Api(37, "CreatePartitions", (0, 3), 2, "BC"),
        Api(38, "CreateDelegationToken", (1, 3), 2, "BC"),
        Api(39, "RenewDelegationToken", (1, 2), 2, "BC"),
        Api(40, "ExpireDelegationToken", (1, 2), 2, "BC"),
        Api(41, "DescribeDelegationToken", (1, 3), 2, "BC"),
        Api(42, "DeleteGroups", (0, 3), 2, "B"),
        Api(43, "ElectLeaders", (0, 2), 2, "BC"),
        Api(44, "IncrementalAlterConfigs", (0, 1), 1, "BC"),
        Api(45, "AlterPartitionReassignments", (0, 1), 0, "BC"),
        Api(46, "ListPartitionReassignments", (0, 0), 0, "BC"),
        Api(47, "OffsetDelete", (0, 0), None, "B"),
        Api(48, "DescribeClientQuotas", (0, 1), 1, "B"),
        Api(49, "AlterClientQuotas", (0, 1), 1, "BC"),
        Api(50, "DescribeUserScramCredentials", (0, 0), 0, "BC"),
        Api(51, "AlterUserScramCredentials", (0, 0), 0, "BC"),
        Api(52, "Vote", (0, 2), 0, "C"),
        Api(53, "BeginQuorumEpoch", (0, 1), 1, "C"),
        Api(54, "EndQuorumEpoch", (0, 1), 1, "C"),
        Api(55, "DescribeQuorum", (0, 2), 0, "BC"),
        Api(56, "AlterPartition", (2, 3), 0, "C"),
        Api(57, "UpdateFeatures", (0, 2), 0, "BC"),
        Api(58, "Envelope", (0, 0), 0, "C"),
        Api(59, "FetchSnapshot", (0, 1), 0, "C"),
        Api(60, "DescribeCluster", (0, 2), 0, "BC"),
        Api(61, "DescribeProducers", (0, 0), 0, "B"),
        Api(62, "BrokerRegistration", (0, 4), 0, "C"),
        Api(63, "BrokerHeartbeat", (0, 2), 0, "C"),
        Api(64, "UnregisterBroker", (0, 0), 0, "BC"),
        Api(65, "DescribeTransactions", (0, 0), 0, "B"),
        Api(66, "ListTransactions", (0, 2), 0, "B"),
        Api(67, "AllocateProducerIds", (0, 0), 0, "C"),
        Api(68, "ConsumerGroupHeartbeat", (0, 1), 0, "B"),
        Api(69, "ConsumerGroupDescribe", (0, 1), 0, "B"),
        Api(70, "ControllerRegistration", (0, 0), 0, "C"),
        Api(71, "GetTelemetrySubscriptions", (0, 0), 0, "B"),
        Api(72, "PushTelemetry", (0, 0), 0, "B"),
        Api(73, "AssignReplicasToDirs", (0, 0), 0, "C"),
        Api(74, "ListConfigResources", (0, 1), 0, "B"),
        Api(75, "DescribeTopicPartitions", (0, 0), 0, "B"),
        Api(76, "ShareGroupHeartbeat", (1, 1), 0, "B"),
        Api(77, "ShareGroupDescribe", (1, 1), 0, "B"),
        Api(78, "ShareFetch", (1, 2), 0, "B"),
        Api(79, "ShareAcknowledge", (1, 2), 0, "B"),
        Api(80, "AddRaftVoter", (0, 1), 0, "BC"),
        Api(81, "RemoveRaftVoter", (0, 0), 0, "BC"),
        Api(82, "UpdateRaftVoter", (0, 0), 0, "C"),
        Api(83, "InitializeShareGroupState", (0, 0), 0, "B"),
        Api(84, "ReadShareGroupState", (0, 0), 0, "B"),
        Api(85, "WriteShareGroupState", (0, 1), 0, "B"),
        Api(86, "DeleteShareGroupState", (0, 0), 0, "B"),
        Api(87, "ReadShareGroupStateSummary", (0, 1), 0, "B"),
        Api(88, "StreamsGroupHeartbeat", (0, 1), 0, "B"),
        Api(89, "StreamsGroupDescribe", (0, 1), 0, "B"),
        Api(90, "DescribeShareGroupOffsets", (0, 1), 0, "B"),
        Api(91, "AlterShareGroupOffsets", (0, 0), 0, "B"),
        Api(92, "DeleteShareGroupOffsets", (0, 0), 0, "B"),
        Api(93, "StreamsGroupTopologyDescriptionUpdate", (0, 0), 0, "B"),
        Api(94, "UnregisterController", (0, 0), 0, "BC"),
    )
}

# Where the messages live that are no requests: module -> the names in it.
_OTHERS: dict[str, tuple[str, ...]] = {
    ".header": (
        "RequestHeader",
        "ResponseHeader",
    ),
    ".durable.assignment": (
        "ConsumerProtocolSubscription",
        "ConsumerProtocolAssignment",
    ),
    ".durable.control": (
        "ControlRecordTypeSchema",
        "EndTxnMarker",
        "LeaderChangeMessage",
        "SnapshotHeaderRecord",
        "SnapshotFooterRecord",
        "KRaftVersionRecord",
        "VotersRecord",
    ),
    ".durable.groups": (
        "GroupMetadataKey",
        "GroupMetadataValue",
        "ConsumerGroupMetadataKey",
        "ConsumerGroupMetadataValue",
        "ConsumerGroupPartitionMetadataKey",
        "ConsumerGroupPartitionMetadataValue",
        "ConsumerGroupMemberMetadataKey",
        "ConsumerGroupMemberMetadataValue",
        "ConsumerGroupTargetAssignmentMetadataKey",
        "ConsumerGroupTargetAssignmentMetadataValue",
        "ConsumerGroupTargetAssignmentMemberKey",
        "ConsumerGroupTargetAssignmentMemberValue",
        "ConsumerGroupCurrentMemberAssignmentKey",
        "ConsumerGroupCurrentMemberAssignmentValue",
        "ConsumerGroupRegularExpressionKey",
        "ConsumerGroupRegularExpressionValue",
    ),
    ".durable.offsets": (
        "LegacyOffsetCommitKey",
        "LegacyOffsetCommitValue",
        "OffsetCommitKey",
        "OffsetCommitValue",
    ),
    ".durable.principal": ("DefaultPrincipalData",),
    ".durable.quorum": ("QuorumStateData",),
    ".durable.segments": (
        "AbortedTxn",
        "ProducerSnapshot",
    ),
    ".durable.share": (
        "ShareGroupMemberMetadataKey",
        "ShareGroupMemberMetadataValue",
        "ShareGroupMetadataKey",
        "ShareGroupMetadataValue",
        "ShareGroupTargetAssignmentMetadataKey",
        "ShareGroupTargetAssignmentMetadataValue",
        "ShareGroupTargetAssignmentMemberKey",
        "ShareGroupTargetAssignmentMemberValue",
        "ShareGroupCurrentMemberAssignmentKey",
        "ShareGroupCurrentMemberAssignmentValue",
        "ShareGroupStatePartitionMetadataKey",
        "ShareGroupStatePartitionMetadataValue",
        "ShareSnapshotKey",
        "ShareSnapshotValue",
        "ShareUpdateKey",
        "ShareUpdateValue",
    ),
    ".durable.streams": (
        "StreamsGroupMetadataKey",
        "StreamsGroupMetadataValue",
        "StreamsGroupMemberMetadataKey",
        "StreamsGroupMemberMetadataValue",
        "StreamsGroupTargetAssignmentMetadataKey",
        "StreamsGroupTargetAssignmentMetadataValue",
        "StreamsGroupTargetAssignmentMemberKey",
        "StreamsGroupTargetAssignmentMemberValue",
        "StreamsGroupCurrentMemberAssignmentKey",
        "StreamsGroupCurrentMemberAssignmentValue",
        "StreamsGroupTopologyKey",
        "StreamsGroupTopologyValue",
    ),
    ".durable.tiered": (
        "RemoteLogSegmentMetadataRecord",
        "RemoteLogSegmentMetadataUpdateRecord",
        "RemotePartitionDeleteMetadataRecord",
        "RemoteLogSegmentMetadataSnapshotRecord",
    ),
    ".durable.transactions": (
        "TransactionLogKey",
        "TransactionLogValue",
    ),
}


def find(name: str) -> Api | None:
    """The API of a key, or of a name however it is written: 18, ApiVersions, api_versions, api-versions."""
    text = name.strip()
    if text.isdecimal():
        return APIS.get(int(text))
    plain = text.lower().replace("_", "").replace("-", "")
    return next((api for api in APIS.values() if api.kafka_name.lower() == plain), None)


def message(name: str) -> type[Message]:
    """The class of a message by Kafka's name of it, such as "EndTxnRequest" or "OffsetCommitValue"; KeyError if
    there is none.
    """
    for suffix in ("Request", "Response"):
        module = f".messages.{snake_name(name.removesuffix(suffix))}"
        if name.endswith(suffix) and name.removesuffix(suffix) in _kafka_names():
            break
    else:
        module = next((module for module, names in _OTHERS.items() if name in names), "")
        if not module:
            raise KeyError(f"there is no message {name!r}")
    found: type[Message] = getattr(import_module(module, __package__), name)
    return found


def message_names() -> list[str]:
    """The name of every message."""
    pairs = [name + suffix for name in _kafka_names() for suffix in ("Request", "Response")]
    return pairs + [name for names in _OTHERS.values() for name in names]


def _kafka_names() -> list[str]:
    return [api.kafka_name for api in APIS.values()]
