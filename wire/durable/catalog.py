"""The records of the catalog: our own log of what the cluster is. Kafka keeps the same facts in `__cluster_metadata`.

The log is keyed and compacted: for each key the last record counts, one without a value forgets the key. Key and
value come in pairs; the types begin at 100, apart from those of Kafka's own coordinator records. Values are
flexible from version 0 on, so a later field can be a tagged one that older readers skip.

Leader epochs must never go back and rise by one after an unclean stop (clients then check where their logs diverge,
KIP-320). That would rewrite every topic at such a start; instead a node counts its unclean stops, and a partition
notes beside its epoch where its leader's count stood then (`unclean_stops`). The epoch in force is `leader_epoch`
plus what the leader's count has risen since.
"""

from __future__ import annotations

from ..schema import Key, Struct, Value, array, boolean, bytes_, float64, int8, int16, int32, int64, string, uuid


class CatalogClusterKey(Key, key=100, versions="0"):
    """There is one cluster."""


class CatalogClusterValue(Value, key=100, versions="0", flexible="0+"):
    cluster_id: str = string()


class CatalogNodeKey(Key, key=101, versions="0"):
    node_id: int = int32(entity="brokerId")


class CatalogNodeValue(Value, key=101, versions="0", flexible="0+"):
    """Written at each start (running) and at each clean stop (not running). A start that finds `running` follows an
    unclean stop.
    """

    running: bool = boolean()
    starts: int = int64()
    unclean_stops: int = int32()
    rack: str | None = string(nullable="0+", default=None)
    registered: bool = boolean(tag=0, default=True)
    """False after UnregisterBroker. The counts stay: leader epochs are made of them."""


class CatalogTopicKey(Key, key=102, versions="0"):
    """A topic is its id; the same name created again is another topic."""

    topic_id: bytes = uuid()


class CatalogPartition(Struct):
    """A partition; its index is its place in the list."""

    leader: int = int32(entity="brokerId")
    leader_epoch: int = int32()
    unclean_stops: int = int32()
    replicas: list[int] = array(int32)
    isr: list[int] = array(int32)


class CatalogConfig(Struct):
    """One override."""

    name: str = string()
    value: str = string()


class CatalogTopicValue(Value, key=102, versions="0", flexible="0+"):
    """All there is to say of a topic, so that one record makes or changes it whole."""

    name: str = string(entity="topicName")
    partitions: list[CatalogPartition] = array(CatalogPartition)
    configs: list[CatalogConfig] = array(CatalogConfig)


class CatalogConfigKey(Key, key=103, versions="0"):
    """Whose configs: a broker (4) by its number or "" for all, a client metrics subscription (16), a group (32); the
    numbers are Kafka's. Topics have theirs inside.
    """

    resource_type: int = int8()
    resource_name: str = string()


class CatalogConfigValue(Value, key=103, versions="0", flexible="0+"):
    """The whole set of overrides."""

    configs: list[CatalogConfig] = array(CatalogConfig)


class CatalogFeaturesKey(Key, key=104, versions="0"):
    """There is one set of finalized features."""


class CatalogFeature(Struct):
    """A feature at level 0 is not finalized. `offered` is the level that the broker brought when this was written: a
    broker that brings another one finalizes that, one that brings the same leaves what UpdateFeatures said.
    """

    name: str = string()
    level: int = int16()
    offered: int = int16(tag=0, default=-1)


class CatalogFeaturesValue(Value, key=104, versions="0", flexible="0+"):
    """The epoch grows with every change and is never below 0: Java ignores the features of epoch -1."""

    epoch: int = int64()
    features: list[CatalogFeature] = array(CatalogFeature)


class CatalogProducerIdsKey(Key, key=105, versions="0"):
    """Producer ids are handed out in blocks."""


class CatalogProducerIdsValue(Value, key=105, versions="0", flexible="0+"):
    """All ids below are used up or in the hands of a process that may use them."""

    next_producer_id: int = int64(entity="producerId")


class CatalogUserKey(Key, key=106, versions="0"):
    """What a user can log in with: one SCRAM mechanism (1 SHA-256, 2 SHA-512; the numbers are Kafka's, KIP-554)."""

    user: str = string()
    mechanism: int = int8()


class CatalogUserValue(Value, key=106, versions="0", flexible="0+"):
    """As in RFC 5802; neither password nor salted password can be had from it."""

    iterations: int = int32()
    salt: bytes = bytes_()
    stored_key: bytes = bytes_()
    server_key: bytes = bytes_()


class CatalogQuotaEntity(Struct):
    """One part of an entity: a user, a client id or an address; null is the default one."""

    type: str = string()
    name: str | None = string(nullable="0+")


class CatalogQuotaKey(Key, key=107, versions="0"):
    """Whose quotas; parts are sorted by type, so that an entity has one key."""

    entity: list[CatalogQuotaEntity] = array(CatalogQuotaEntity)


class CatalogQuota(Struct):
    name: str = string()
    value: float = float64()


class CatalogQuotaValue(Value, key=107, versions="0", flexible="0+"):
    """The whole set of quotas of the entity."""

    quotas: list[CatalogQuota] = array(CatalogQuota)


class CatalogAclKey(Key, key=108, versions="0"):
    """An access rule is all that it says; the numbers are Kafka's (KIP-140, KIP-290)."""

    resource_type: int = int8()
    resource_name: str = string()
    pattern_type: int = int8()
    principal: str = string()
    host: str = string()
    operation: int = int8()
    permission: int = int8()


class CatalogAclValue(Value, key=108, versions="0", flexible="0+"):
    """The rule is there."""


class CatalogTokenKey(Key, key=109, versions="0"):
    """A delegation token is its id (KIP-48)."""

    token_id: str = string()


class CatalogTokenValue(Value, key=109, versions="0", flexible="0+"):
    """What is known of it but for its secret, which nothing here helps to make. Principals are "Type:name"."""

    owner: str = string()
    requester: str = string()
    renewers: list[str] = array(string)
    issued_at_ms: int = int64()
    expires_at_ms: int = int64()
    ends_at_ms: int = int64()
