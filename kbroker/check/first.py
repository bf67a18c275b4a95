"""Stages 1 to 3: ApiVersions, Metadata, topics."""

from __future__ import annotations

from kbroker.check.peer import Wrong, expect, same
from kbroker.check.stages import Bench
from wire.messages.api_versions import ApiVersionsRequest, ApiVersionsResponse
from wire.messages.create_topics import CreatableTopic, CreateTopicsRequest, CreateTopicsResponse
from wire.messages.delete_topics import DeleteTopicsRequest, DeleteTopicsResponse
from wire.messages.metadata import MetadataRequest, MetadataRequestTopic, MetadataResponse, MetadataResponseTopic
from wire.primitives import ZERO_UUID

API_VERSIONS, METADATA, CREATE_TOPICS, DELETE_TOPICS = 18, 3, 19, 20
UNSUPPORTED_VERSION, UNKNOWN_TOPIC, TOPIC_EXISTS = 35, 3, 36
NO_SUCH_VERSION, NO_SUCH_KEY = 99, 999
MUST = (0, 1, 3, API_VERSIONS)


def api_versions() -> ApiVersionsRequest:
    return ApiVersionsRequest(client_software_name="kbroker-check", client_software_version="1")


def answers_version_0(bench: Bench) -> None:
    """ApiVersions v0 is answered, and names Produce, Fetch, Metadata and itself."""
    with bench.peer() as peer:
        told = peer.ask(api_versions(), 0, ApiVersionsResponse)
    expect(told.error_code, 0, "ApiVersions v0")
    keys = {one.api_key for one in told.api_keys}
    lacking = [key for key in MUST if key not in keys]
    if lacking:
        raise Wrong(f"the keys {lacking} are not there")
    for one in told.api_keys:
        if one.min_version > one.max_version or one.min_version < 0:
            raise Wrong(f"key {one.api_key} has versions {one.min_version} to {one.max_version}")


def answers_every_version_it_names(bench: Bench) -> None:
    """ApiVersions is answered in each version that it names for itself; v3 is flexible, its header is not."""
    for version in bench.each(API_VERSIONS):
        with bench.peer() as peer:
            expect(peer.ask(api_versions(), version, ApiVersionsResponse).error_code, 0, f"ApiVersions v{version}")


def answers_an_unknown_version_in_version_0(bench: Bench) -> None:
    """ApiVersions of a version that nobody has is answered in version 0 with UNSUPPORTED_VERSION (KIP-511)."""
    with bench.peer() as peer:
        asked = peer.send_body(API_VERSIONS, NO_SUCH_VERSION, b"")
        told = peer.receive(asked, ApiVersionsResponse, answered=0)
    expect(told.error_code, UNSUPPORTED_VERSION, f"ApiVersions v{NO_SUCH_VERSION}")
    own = [one for one in told.api_keys if one.api_key == API_VERSIONS]
    if not own:
        raise Wrong("the answer does not say which versions of ApiVersions there are")


def closes_on_an_unknown_key(bench: Bench) -> None:
    """A request with a key that Kafka does not have costs the connection."""
    with bench.peer() as peer:
        peer.send_body(NO_SUCH_KEY, 0, b"")
        if not peer.is_closed():
            raise Wrong(f"the connection stays open after key {NO_SUCH_KEY}")


def answers_in_order(bench: Bench) -> None:
    """Many requests at once are answered in their order, each with its own correlation id."""
    with bench.peer() as peer:
        asked = [peer.send(api_versions(), 0) for _ in range(20)]
        for one in asked:
            peer.receive(one, ApiVersionsResponse)


def metadata_of(
    bench: Bench, topics: list[str] | None, version: int | None = None, *, create: bool = False
) -> MetadataResponse:
    used = bench.newest(METADATA) if version is None else version
    named = None if topics is None else [MetadataRequestTopic(topic_id=ZERO_UUID, name=name) for name in topics]
    if used == 0 and named is None:
        named = []
    request = MetadataRequest(
        topics=named,
        allow_auto_topic_creation=create or used < 4,
        include_cluster_authorized_operations=False,
        include_topic_authorized_operations=False,
    )
    with bench.peer() as peer:
        return peer.ask(request, used, MetadataResponse)


def names_itself(bench: Bench) -> None:
    """Metadata names at least one broker with a host and a port, in every version."""
    for version in bench.each(METADATA):
        told = metadata_of(bench, [] if version else None, version)
        if not told.brokers or not all(one.host and 0 < one.port < 65536 for one in told.brokers):
            raise Wrong(f"Metadata v{version} names {told.brokers!r} as brokers")
        if version >= 1 and told.controller_id not in {one.node_id for one in told.brokers}:
            raise Wrong(
                f"Metadata v{version} names {told.controller_id} as controller, which is no broker that it names"
            )


def does_not_know_what_is_not_there(bench: Bench) -> None:
    """A topic that is not there, and is not to be made, is UNKNOWN_TOPIC_OR_PARTITION."""
    version = bench.newest(METADATA)
    if version >= 4:
        (topic,) = metadata_of(bench, [bench.name("none")]).topics
        expect(topic.error_code, UNKNOWN_TOPIC, "Metadata of a topic that is not there")


def makes_a_topic(bench: Bench) -> None:
    """CreateTopics makes a topic with as many partitions as were asked for."""
    name = bench.name("topic")
    expect(create(bench, name, 3), 0, "CreateTopics")
    topic = waited(bench, name)
    same(sorted(one.partition_index for one in topic.partitions), [0, 1, 2], "the list of its partitions")
    bench.kept["topic"] = name


def makes_it_once(bench: Bench) -> None:
    """A topic that is there already is TOPIC_ALREADY_EXISTS."""
    expect(create(bench, bench.kept["topic"], 3), TOPIC_EXISTS, "CreateTopics of a topic that is there")


def makes_and_deletes_in_every_version(bench: Bench) -> None:
    """CreateTopics and DeleteTopics work in every version that the broker names."""
    for version in bench.each(CREATE_TOPICS):
        name = bench.name(f"made-{version}")
        expect(create(bench, name, 1, version), 0, f"CreateTopics v{version}")
        waited(bench, name)
        used = bench.newest(DELETE_TOPICS, 5)
        request = DeleteTopicsRequest(topics=[], topic_names=[name], timeout_ms=10_000)
        with bench.peer() as peer:
            told = peer.ask(request, used, DeleteTopicsResponse)
        expect(told.responses[0].error_code, 0, f"DeleteTopics v{used}")


def create(bench: Bench, name: str, partitions: int, version: int | None = None) -> int:
    topic = CreatableTopic(name=name, num_partitions=partitions, replication_factor=1, assignments=[], configs=[])
    with bench.peer() as peer:
        used = bench.newest(CREATE_TOPICS) if version is None else version
        told = peer.ask(CreateTopicsRequest(topics=[topic], timeout_ms=10_000), used, CreateTopicsResponse)
    same([one.name for one in told.topics], [name], "the list of topics in the answer")
    return told.topics[0].error_code


def waited(bench: Bench, name: str) -> MetadataResponseTopic:
    """The topic, once all its partitions have leaders; asked for as often as a client would."""
    for _ in bench.patiently():
        (topic,) = metadata_of(bench, [name]).topics
        if not topic.error_code and topic.partitions and all(one.leader_id >= 0 for one in topic.partitions):
            return topic
    raise Wrong(f"{name} was made, and Metadata still says error {topic.error_code}")


STAGES = (
    (
        "ApiVersions",
        (
            answers_version_0,
            answers_every_version_it_names,
            answers_an_unknown_version_in_version_0,
            closes_on_an_unknown_key,
            answers_in_order,
        ),
    ),
    ("Metadata", (names_itself, does_not_know_what_is_not_there)),
    ("Topics", (makes_a_topic, makes_it_once, makes_and_deletes_in_every_version)),
)
