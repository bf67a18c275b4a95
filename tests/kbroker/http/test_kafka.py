"""Any Kafka request as JSON by HTTP: the same answers as a client's, and nothing that belongs to a connection."""

import json
from base64 import b64encode
from typing import Any

import pytest

from kbroker.broker import Broker
from kbroker.http.kafka import OF_A_CONNECTION
from wire.durable.assignment import AssignedTopicPartition, ConsumerProtocolAssignment
from wire.messages.metadata import MetadataRequest
from wire.registry import APIS

from ..running import connect, run, serving
from .asking import get, post

CREATE = {"topics": [{"name": "orders", "numPartitions": 3, "replicationFactor": 1}], "timeoutMs": 1000}


async def ask(broker: Broker, api: str, body: Any, query: str = "") -> Any:
    status, answer = await post(broker, f"/kafka/{api}{query}", body)
    assert status == 200, answer
    return answer


def test_it_answers_what_a_client_gets() -> None:
    async def body() -> None:
        async with serving(kbroker_http="127.0.0.1:0") as broker:
            made = await ask(broker, "CreateTopics", CREATE)
            assert [(t["name"], t["errorCode"]) for t in made["topics"]] == [("orders", 0)]
            client = await connect(broker)
            who = {"clientSoftwareName": "console", "clientSoftwareVersion": "1"}
            assert (await ask(broker, "ApiVersions", who))["errorCode"] == 0
            for version in (0, 9, 13):
                seen = await client.ask(MetadataRequest(topics=[] if version == 0 else None), version)
                asked = {"topics": [] if version == 0 else None}
                assert await ask(broker, "Metadata", asked, f"?version={version}") == seen.to_json(version)
            await client.close()

    run(body)


def test_what_kafka_refuses_is_an_answer_with_its_error() -> None:
    async def body() -> None:
        async with serving(kbroker_http="127.0.0.1:0") as broker:
            await ask(broker, "CreateTopics", CREATE)
            (again,) = (await ask(broker, "create-topics", CREATE))["topics"]
            assert (again["errorCode"], "orders" in again["errorMessage"]) == (36, True)
            await ask(broker, "FindCoordinator", {"keyType": 0, "coordinatorKeys": ["nobody"]})
            found = await ask(broker, "ConsumerGroupDescribe", {"groupIds": ["nobody"]})
            assert found["groups"][0]["errorCode"] == 69

    run(body)


def test_what_is_wrong_is_said() -> None:
    async def body() -> None:
        async with serving(kbroker_http="127.0.0.1:0") as broker:
            for path, asked, status, word in (
                ("/kafka/Nonsense", {}, 404, "no API"),
                ("/kafka/Vote", {}, 404, "no API"),
                ("/kafka/Metadata?version=99", {}, 400, "versions 0 to 13"),
                ("/kafka/Metadata?version=x", {}, 400, "number"),
                ("/kafka/Metadata?node=7", {}, 404, "no broker 7"),
                ("/kafka/Metadata", {"colour": 1}, 400, "no field 'colour'"),
                ("/kafka/Metadata", {"topics": 7}, 400, "array"),
                ("/kafka/Metadata", [], 400, "no object"),
                ("/kafka/Fetch", {"maxWaitMs": 500, "topics": []}, 400, "does not wait"),
            ):
                answered, said = await post(broker, path, asked)
                assert (answered, word in said["error"]["message"]) == (status, True), (path, said)
            assert (await get(broker, "/kafka/Metadata"))[0] == 405, "requests are POST"
            assert (await get(broker, "/kafka/Metadata", "POST", "{}"))[0] == 415, "a form of another page is none"
            deep = "[" * 100_000
            assert (await get(broker, "/kafka/Metadata", "POST", deep, Content_Type="application/json"))[0] == 400

    run(body)


@pytest.mark.parametrize("api", sorted(OF_A_CONNECTION))
def test_what_belongs_to_a_connection_is_refused(api: str) -> None:
    async def body() -> None:
        async with serving(kbroker_http="127.0.0.1:0") as broker:
            status, said = await post(broker, f"/kafka/{api}", {})
            assert (status, said["error"]["kind"]) == (400, "argument")

    run(body)


def test_every_api_answers_an_empty_request_or_says_what_is_wrong() -> None:
    async def body() -> None:
        async with serving(kbroker_http="127.0.0.1:0") as broker:
            for key in broker.cluster.apis.all_keys():
                if (name := APIS[key].kafka_name) not in OF_A_CONNECTION:
                    status, said = await post(broker, f"/kafka/{name}", {})
                    assert status == 200, (name, said)

    run(body)


def test_bytes_inside_of_answers_can_be_unfolded() -> None:
    async def body() -> None:
        async with serving(kbroker_http="127.0.0.1:0") as broker:
            held = AssignedTopicPartition(topic="t", partitions=[0, 2])
            assignment = ConsumerProtocolAssignment(assigned_partitions=[held], user_data=None)
            blob = b64encode(b"\0\1" + assignment.encode(1)).decode()
            status, found = await post(broker, "/decode/ConsumerProtocolAssignment", {"blobs": [blob, "", "AAA=", "?"]})
            assert status == 200
            assert found[0]["assignedPartitions"] == [{"topic": "t", "partitions": [0, 2]}]
            assert found[1:] == [None, None, None]
            for path, asked, status in (
                ("/decode/Nothing", {"blobs": []}, 404),
                ("/decode/MetadataRequest", {"blobs": []}, 404),
                ("/decode/ConsumerProtocolAssignment", {}, 400),
                ("/decode/ConsumerProtocolAssignment", {"blobs": [7]}, 400),
            ):
                assert (await post(broker, path, asked))[0] == status, path

    run(body)


def test_each_broker_of_a_cluster_can_be_asked() -> None:
    async def body() -> None:
        async with serving(nodes=3, kbroker_http="127.0.0.1:0") as broker:
            request = {"topics": [{"name": "t", "numPartitions": 3, "replicationFactor": 1}], "timeoutMs": 1000}
            await ask(broker, "CreateTopics", request)
            held = []
            for node in broker.nodes:
                answer = await ask(broker, "DescribeLogDirs", {"topics": None}, f"?node={node.id}")
                held.append(sum(len(topic["partitions"]) for dir in answer["results"] for topic in dir["topics"]))
            assert held == [1, 1, 1]

    run(body)


def test_an_authorizer_is_asked_as_for_anybody() -> None:
    async def body() -> None:
        authorizer = "org.apache.kafka.metadata.authorizer.StandardAuthorizer"
        for super_users, code in (("User:admin", 29), ("User:console", 0)):
            async with serving(
                kbroker_http="127.0.0.1:0", authorizer_class_name=authorizer, super_users=super_users
            ) as broker:
                (topic,) = (await ask(broker, "CreateTopics", CREATE))["topics"]
                assert topic["errorCode"] == code, super_users

    run(body)


def test_the_document_names_every_api_that_can_be_asked() -> None:
    async def body() -> None:
        async with serving(kbroker_http="127.0.0.1:0") as broker:
            document = json.loads((await get(broker, "/openapi.json"))[1])
            operation = document["paths"]["/kafka/{api}"]["post"]
            names = next(one for one in operation["parameters"] if one["name"] == "api")["schema"]["enum"]
            assert {"Metadata", "CreateTopics", "StreamsGroupDescribe"} <= set(names)
            assert not OF_A_CONNECTION & set(names)
            words = json.loads((await get(broker, "/kafka"))[1])
            assert words["errors"]["36"] == "TOPIC_ALREADY_EXISTS"
            assert set(names) | OF_A_CONNECTION == {api["name"] for api in words["apis"]}
            assert {"/about", "/healthz", "/readyz", "/metrics"} <= set(document["paths"])

    run(body)
