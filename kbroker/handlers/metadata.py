"""Metadata: which brokers there are, and who leads the partitions of which topics. Every client begins with it.

A topic that is asked for by name and does not exist is created at once, if the broker (auto.create.topics.enable) and
the request allow it; Kafka creates it a moment later and answers UNKNOWN_TOPIC_OR_PARTITION first. The controller
that is named is always among the brokers: clients send topic administration to it.

What is said of a topic is kept in its memo until the topic changes: with thousands of topics and clients that ask
every few minutes, nothing is built twice, and nothing encoded twice. The first answer about thousands of partitions is
prepared in steps of some milliseconds, between which the loop serves others.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from kbroker.catalog import Topic
from kbroker.catalog.names import fault
from kbroker.catalog.state import INTERNAL_TOPICS
from kbroker.context import Context
from kbroker.operations import CLUSTER_NAME, authorized_on_cluster, authorized_operations
from wire.errors import ErrorCode, KafkaError
from wire.messages.metadata import (
    MetadataRequest,
    MetadataResponse,
    MetadataResponseBroker,
    MetadataResponsePartition,
    MetadataResponseTopic,
)
from wire.primitives import ZERO_UUID
from wire.schema import KeptList, keep, maker

MEMO = "metadata"
STEP_PARTITIONS = 100  # about 1.5 ms

_metadata_response = maker(MetadataResponse)


def metadata(request: MetadataRequest, ctx: Context) -> MetadataResponse | Awaitable[MetadataResponse]:
    empty_means_all = ctx.version == 0
    may_ask_by_id = ctx.version >= 12  # KIP-516; versions 10 and 11 have the field, but must not use it
    asked = request.topics
    if asked is None or (empty_means_all and not asked):
        return _prepared(ctx, ctx.cluster.catalog.topics(), lambda: _response(request, ctx, _all_topics(ctx)))
    names: list[str] = []
    ids: list[bytes] = []
    for topic in asked:
        if topic.topic_id != ZERO_UUID:
            ids.append(topic.topic_id)
        elif topic.name is not None:
            names.append(topic.name)
    if not may_ask_by_id and len(names) < len(asked):
        refused = [_failed(ErrorCode.INVALID_REQUEST, topic.name or "", topic.topic_id) for topic in asked]
        return MetadataResponse(brokers=[], topics=refused, error_code=0)
    if ids:
        return _response(request, ctx, _topics_by_id(ctx, ids))  # names beside ids do not count, as in Kafka
    if len(names) > 1:
        names = list(dict.fromkeys(names))
    catalog = ctx.cluster.catalog
    if request.allow_auto_topic_creation and ctx.cluster.config["auto.create.topics.enable"]:
        missing = [name for name in names if catalog.topic(name) is None]
        if missing:
            return _after_creation(request, ctx, names, missing)
    if len(names) > 1:
        topics = [topic for topic in map(catalog.topic, names) if topic is not None]
        return _prepared(ctx, topics, lambda: _response(request, ctx, _named_topics(ctx, names, {})))
    return _response(request, ctx, _named_topics(ctx, names, {}))


def _prepared(
    ctx: Context, topics: Sequence[Topic], respond: Callable[[], MetadataResponse]
) -> MetadataResponse | Awaitable[MetadataResponse]:
    """The response, at once if little of it is new."""
    new = [topic for topic in topics if not _is_kept(topic, ctx.version)]
    if sum([len(topic.partitions) for topic in new]) <= STEP_PARTITIONS:
        return respond()
    return _in_steps(ctx, new, respond)


async def _in_steps(ctx: Context, new: Sequence[Topic], respond: Callable[[], MetadataResponse]) -> MetadataResponse:
    """Make and encode what is to be said of each topic, which its memo keeps, with a turn of the loop after each step.
    What changes meanwhile is made anew when the response is."""
    world, room = ctx.cluster.world, STEP_PARTITIONS
    for topic in new:
        MetadataResponse(brokers=[], topics=[_piece(topic, ctx)], error_code=0).parts(ctx.version)
        room -= len(topic.partitions)
        if room <= 0:
            turn = world.future()
            world.soon(turn.set_result, None)
            await turn
            room = STEP_PARTITIONS
    return respond()


def _is_kept(topic: Topic, version: int) -> bool:
    piece = topic.memo.get(MEMO)
    return piece is not None and version in piece.memo


async def _after_creation(
    request: MetadataRequest, ctx: Context, names: Sequence[str], missing: Sequence[str]
) -> MetadataResponse:
    """Create what may be created, all at once, and answer when it is there."""
    may_create = ctx.authorize("CREATE", "CLUSTER", (CLUSTER_NAME,))[0]
    may_describe = ctx.authorize("DESCRIBE", "TOPIC", missing)
    may_create_each = ctx.authorize("CREATE", "TOPIC", missing)
    refused: dict[str, ErrorCode] = {}
    creations = {}
    for name, describe, create in zip(missing, may_describe, may_create_each, strict=True):
        if not describe or not (may_create or create):
            refused[name] = ErrorCode.TOPIC_AUTHORIZATION_FAILED
        elif name in INTERNAL_TOPICS and not ctx.cluster.catalog.makes_internal(name):
            refused[name] = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
        else:
            creations[name] = ctx.cluster.catalog.auto_create(name)
    for name, created in creations.items():
        try:
            await created
        except KafkaError as error:
            refused[name] = error.code
    return _response(request, ctx, _named_topics(ctx, names, refused))


def _all_topics(ctx: Context) -> list[MetadataResponseTopic]:
    """Those that the principal may describe; of the others nothing is said, not even that they are there."""
    topics = ctx.cluster.catalog.topics()
    allowed = ctx.authorize("DESCRIBE", "TOPIC", [topic.name for topic in topics])
    return [_piece(topic, ctx) for topic, may in zip(topics, allowed, strict=True) if may]


def _named_topics(
    ctx: Context, names: Sequence[str], refused: dict[str, ErrorCode]
) -> list[MetadataResponseTopic]:
    pieces: list[MetadataResponseTopic] = []
    catalog = ctx.cluster.catalog
    allowed = ctx.authorize("DESCRIBE", "TOPIC", names)
    for at, name in enumerate(names):
        topic = catalog.topic(name)
        if not allowed[at]:
            pieces.append(_failed(ErrorCode.TOPIC_AUTHORIZATION_FAILED, name))
        elif topic is not None:
            pieces.append(topic.memo.get(MEMO) or _piece(topic, ctx))
        else:
            plain = ErrorCode.INVALID_TOPIC_EXCEPTION if fault(name) else ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
            pieces.append(_failed(refused.get(name, plain), name))
    return pieces


def _topics_by_id(ctx: Context, ids: Sequence[bytes]) -> list[MetadataResponseTopic]:
    """A topic that may not be described is told by its id alone."""
    pieces: list[MetadataResponseTopic] = []
    catalog = ctx.cluster.catalog
    for topic_id in dict.fromkeys(ids):
        topic = catalog.topic_by_id(topic_id)
        if topic is None:
            pieces.append(_failed(ErrorCode.UNKNOWN_TOPIC_ID, None, topic_id))
        elif not ctx.authorize("DESCRIBE", "TOPIC", (topic.name,))[0]:
            pieces.append(_failed(ErrorCode.TOPIC_AUTHORIZATION_FAILED, None, topic_id))
        else:
            pieces.append(_piece(topic, ctx))
    return pieces


def _failed(code: ErrorCode, name: str | None, topic_id: bytes = ZERO_UUID) -> MetadataResponseTopic:
    internal = name in INTERNAL_TOPICS
    return MetadataResponseTopic(
        error_code=code, name=name, topic_id=topic_id, is_internal=internal, partitions=[]
    )


def _piece(topic: Topic, ctx: Context) -> MetadataResponseTopic:
    """What is said of a topic; shared by all responses, so nobody changes it."""
    piece: MetadataResponseTopic | None = topic.memo.get(MEMO)
    if piece is None:
        partitions = []
        for index, partition in enumerate(topic.partitions):
            leader, epoch = ctx.cluster.catalog.leader(topic, index)
            partitions.append(
                MetadataResponsePartition(
                    error_code=ErrorCode.NONE if leader >= 0 else ErrorCode.LEADER_NOT_AVAILABLE,
                    partition_index=index,
                    leader_id=leader,
                    leader_epoch=epoch,
                    replica_nodes=partition.replicas,
                    isr_nodes=partition.isr,
                    offline_replicas=[node for node in partition.replicas if node not in ctx.cluster.catalog.nodes],
                )
            )
        piece = keep(
            MetadataResponseTopic(
                error_code=0, name=topic.name, topic_id=topic.id, is_internal=topic.internal, partitions=partitions
            )
        )
        topic.memo[MEMO] = piece
    return piece


def _response(request: MetadataRequest, ctx: Context, topics: list[MetadataResponseTopic]) -> MetadataResponse:
    catalog = ctx.cluster.catalog
    came_by = MEMO, ctx.listener.name, ctx.connection.local_host
    brokers, controller_id = catalog.memo.get(came_by) or _brokers(ctx, came_by)
    response = _metadata_response(
        brokers=brokers,
        cluster_id=catalog.cluster_id,
        controller_id=controller_id,
        topics=_with_operations(ctx, topics) if request.include_topic_authorized_operations else topics,
        error_code=0,
    )
    if request.include_cluster_authorized_operations:
        response.cluster_authorized_operations = authorized_on_cluster(ctx)
    return response


def _brokers(ctx: Context, came_by: tuple[str, str, str]) -> tuple[list[MetadataResponseBroker], int]:
    """What is said of the live brokers to who came by that listener and address, and of the controller; shared like
    what is said of topics."""
    catalog = ctx.cluster.catalog
    brokers: list[MetadataResponseBroker] = []
    for node in catalog.nodes.values():
        endpoint = ctx.endpoint_of(node)
        if endpoint is not None:
            host, port = endpoint
            brokers.append(MetadataResponseBroker(node_id=node.id, host=host, port=port, rack=node.rack))
    told = catalog.memo[came_by] = KeptList(brokers), catalog.controller_id
    return told


def _with_operations(ctx: Context, pieces: Sequence[MetadataResponseTopic]) -> list[MetadataResponseTopic]:
    """Copies of the pieces that also say what the principal may do with each topic."""
    bits = authorized_operations(ctx, "TOPIC", [piece.name or "" for piece in pieces])
    return [
        piece
        if piece.error_code
        else MetadataResponseTopic(
            error_code=0,
            name=piece.name,
            topic_id=piece.topic_id,
            is_internal=piece.is_internal,
            partitions=piece.partitions,
            topic_authorized_operations=operations,
        )
        for piece, operations in zip(pieces, bits, strict=True)
    ]
