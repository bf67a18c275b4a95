"""An error code in every place that a response has for it, whatever the request."""

from typing import Any

import pytest

from kbroker.server.errors import error_response
from wire.errors import ErrorCode
from wire.registry import APIS, BROKER, Api
from wire.schema import Field, Struct

CODE = ErrorCode.CLUSTER_AUTHORIZATION_FAILED
# No place for it: an error of the whole came with version 3, and there is no item without one.
NO_PLACE = {("describe_log_dirs", 1), ("describe_log_dirs", 2)}
VERSIONS = [
    pytest.param(api, version, id=f"{api.name}-{version}")
    for api in APIS.values()
    if BROKER in api.listeners
    for version in range(api.min_version, api.max_version + 1)
    if (api.name, version) not in NO_PLACE
]


def filled(struct: Any, version: int) -> Any:
    """A request that names one of everything."""
    for field in struct.__fields__:
        if version not in field.versions or field.tag is not None:
            continue
        if field.kind == "string":
            setattr(struct, field.name, f"some {field.name}")
        elif field.kind == "uuid":
            setattr(struct, field.name, bytes(range(16)))
        elif field.kind in ("int32", "int64", "int16") and field.name.endswith(("index", "partition", "id")):
            setattr(struct, field.name, 7)
        elif field.kind == "array":
            setattr(struct, field.name, [element(field, version)])
    return struct


def element(field: Field, version: int) -> Any:
    inner = field.element
    assert inner is not None
    if inner.struct is not None:
        return filled(inner.struct(), version)
    return {"string": "some name", "uuid": bytes(range(16)), "int8": 1}.get(inner.kind, 7)


def codes(value: Any) -> list[int]:
    if isinstance(value, list):
        return [code for item in value for code in codes(item)]
    if not isinstance(value, Struct):
        return []
    own = [getattr(value, field.name) for field in value.__fields__ if field.name.endswith("error_code")]
    return own + [code for field in value.__fields__ for code in codes(getattr(value, field.name))]


@pytest.mark.parametrize(("api", "version"), VERSIONS)
def test_every_request_can_be_answered_with_an_error_in_every_version(api: Api, version: int) -> None:
    request = filled(api.request_class()(), version)
    response = error_response(api.response_class(), request, version, CODE, "not for you")
    read = api.response_class().decode(response.encode(version), version)
    assert int(CODE) in codes(read)


def test_the_items_of_the_request_are_named_again() -> None:
    from wire.messages.produce import PartitionProduceData, ProduceRequest, ProduceResponse, TopicProduceData

    request = ProduceRequest(
        topic_data=[
            TopicProduceData(name="a", partition_data=[PartitionProduceData(index=3), PartitionProduceData(index=4)]),
            TopicProduceData(name="b", partition_data=[PartitionProduceData(index=5)]),
        ],
        acks=1,
        timeout_ms=1,
    )
    response = error_response(ProduceResponse, request, 9, CODE, "not for you")
    assert [
        (topic.name, one.index, one.error_code, one.base_offset, one.error_message)
        for topic in response.responses
        for one in topic.partition_responses
    ] == [("a", 3, CODE, -1, "not for you"), ("a", 4, CODE, -1, "not for you"), ("b", 5, CODE, -1, "not for you")]


def test_plain_names_become_items() -> None:
    from wire.messages.delete_groups import DeleteGroupsRequest, DeleteGroupsResponse

    response = error_response(DeleteGroupsResponse, DeleteGroupsRequest(groups_names=["g", "h"]), 2, CODE, None)
    assert [(one.group_id, one.error_code) for one in response.results] == [("g", CODE), ("h", CODE)]


def test_an_error_code_at_the_top_is_enough() -> None:
    from wire.messages.join_group import JoinGroupRequest, JoinGroupResponse

    response = error_response(JoinGroupResponse, filled(JoinGroupRequest(), 9), 9, CODE, None)
    assert (response.error_code, response.generation_id, response.members) == (CODE, -1, [])


def test_without_words_of_its_own_an_error_has_those_of_its_code() -> None:
    from wire.messages.describe_cluster import DescribeClusterRequest, DescribeClusterResponse

    response = error_response(DescribeClusterResponse, DescribeClusterRequest(), 1, CODE, None)
    assert response.error_message == CODE.message


def test_replicas_are_asked_for_by_directory_and_answered_by_topic() -> None:
    from wire.messages.alter_replica_log_dirs import (
        AlterReplicaLogDir,
        AlterReplicaLogDirsRequest,
        AlterReplicaLogDirsResponse,
        AlterReplicaLogDirTopic,
    )

    dirs = [
        AlterReplicaLogDir(path=path, topics=[AlterReplicaLogDirTopic(name="a", partitions=[index])])
        for path, index in (("/one", 3), ("/other", 4))
    ]
    response = error_response(AlterReplicaLogDirsResponse, AlterReplicaLogDirsRequest(dirs=dirs), 2, CODE, None)
    (topic,) = response.results
    assert [(one.partition_index, one.error_code) for one in topic.partitions] == [(3, CODE), (4, CODE)]


def test_each_user_is_answered_once() -> None:
    from wire.messages.alter_user_scram_credentials import (
        AlterUserScramCredentialsRequest,
        AlterUserScramCredentialsResponse,
        ScramCredentialDeletion,
    )

    deletions = [ScramCredentialDeletion(name="u", mechanism=mechanism) for mechanism in (1, 2)]
    request = AlterUserScramCredentialsRequest(deletions=deletions, upsertions=[])
    response = error_response(AlterUserScramCredentialsResponse, request, 0, CODE, "no")
    assert [(one.user, one.error_code, one.error_message) for one in response.results] == [("u", CODE, "no")]
