"""The second door to the control verbs: the same table, the same answers, by HTTP."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from inspect import isawaitable
from typing import Any

import pytest

from kbroker.broker import Broker
from kbroker.control.control import Control
from kbroker.control.plain import to_plain
from kbroker.control.table import every
from kbroker.http.bodies import STATUS
from kbroker.http.control import only_looks
from kbroker.http.openapi import document
from wire.messages.create_topics import CreatableTopic, CreateTopicsRequest

from ..running import connect, run, serving
from .asking import events, get, post


@asynccontextmanager
async def controlled() -> AsyncIterator[Broker]:
    async with serving(kbroker_http="127.0.0.1:0", kbroker_control="true") as broker:
        yield broker


def test_a_test_in_any_language_seeds_produces_and_reads() -> None:
    async def body() -> None:
        async with controlled() as broker:
            status, made = await post(broker, "/control/topics/create", {"name": "orders", "partitions": 2})
            assert (status, made["name"], len(made["partitions"])) == (200, "orders", 2)
            records = [{"key": "k", "value": "v"}, {"value": {"base64": "/w=="}, "partition": 1}]
            status, places = await post(broker, "/control/records/produce", {"topic": "orders", "records": records})
            assert status == 200 and {place["topic"] for place in places} == {"orders"}
            status, text = await get(broker, "/control/records/read?topic=orders&partition=1")
            assert {"base64": "/w=="} in [record["value"] for record in json.loads(text)]

    run(body)


def test_every_verb_that_only_looks_answers_as_it_does_inside() -> None:
    walked = []

    async def body() -> None:
        async with controlled() as broker:
            await post(broker, "/control/topics/create", {"name": "t"})
            control = Control(broker)
            for verb in every():
                if verb.streams or not only_looks(verb) or any(one.required for one in verb.arguments.values()):
                    continue
                if verb.name.startswith(("requests.", "lessons.", "broker.", "clock.", "coordinators.", "step.")):
                    continue  # they speak of the time, of what this door does itself, or want one of two names
                status, text = await get(broker, f"/control/{verb.name.replace('.', '/')}")
                inside = verb.run(control)
                assert status == 200, (verb.name, text)
                assert json.loads(text) == to_plain(await inside if isawaitable(inside) else inside), verb.name
                walked.append(verb.name)

    run(body)
    assert {"topics.list", "groups.list", "transactions.list"} <= set(walked)


def test_what_is_wrong_has_a_status_and_a_kind() -> None:
    async def body() -> None:
        async with controlled() as broker:
            create = "/control/topics/create"
            await post(broker, create, {"name": "t"})
            for path, arguments, kind in (
                (create, {"name": "t"}, "refused"),
                (create, {}, "argument"),
                (create, {"name": "t", "colour": 1}, "argument"),
                (create, {"name": 7}, "argument"),
                (create, [], "argument"),
                ("/control/topics/paint", {}, "unknown"),
                ("/control/topics/delete", {"name": "none"}, None),
                ("/control/records/wait", {"topic": "t", "count": 1, "timeout": 0.01}, "timeout"),
            ):
                status, said = await post(broker, path, arguments)
                found = said["error"]["kind"]
                assert kind in (None, found) and status == STATUS[found], (path, arguments, said)
            assert (await get(broker, create))[0] == 400, "a change is no GET"
            assert (await get(broker, create, "POST", "{", Content_Type="application/json"))[0] == 400

    run(body)


def test_a_stream_is_server_sent_events() -> None:
    async def body() -> None:
        async with controlled() as broker:
            stream: Any = events(broker, "/control/requests/follow?api=CreateTopics")
            assert await anext(stream) is None
            heard = asyncio.ensure_future(anext(stream))
            client = await connect(broker)
            topic = CreatableTopic(name="s", num_partitions=1, replication_factor=1, assignments=[], configs=[])
            await client.ask(CreateTopicsRequest(topics=[topic]), 7)
            event = await heard
            assert (event["api"], event["version"]) == ("CreateTopics", 7)
            await stream.aclose()
            await client.close()

    run(body)


def test_one_more_broker_has_data_faults_and_history_of_its_own() -> None:
    async def body() -> None:
        async with controlled() as broker:
            status, made = await post(broker, "/brokers", {"configs": {"num.partitions": "2"}})
            assert (status, made["number"]) == (200, 1)
            assert made["broker"]["bootstrap"] not in ("", ",".join(broker.bound))
            own = f"/brokers/{made['number']}/control"
            assert made["broker"]["http"] == f"{broker.http}/brokers/1"
            await post(broker, f"{own}/records/produce", {"topic": "orders", "records": [{"value": "1"}]})
            await post(broker, f"{own}/faults/install", {"effect": {"hold": True}})
            assert [len(json.loads((await get(broker, f"{at}/topics/list"))[1])) for at in (own, "/control")] == [1, 0]
            assert [len(json.loads((await get(broker, f"{at}/faults/list"))[1])) for at in (own, "/control")] == [1, 0]
            _, all_of_them = await get(broker, "/brokers")
            assert [each["number"] for each in json.loads(all_of_them)] == [0, 1]

            host, port = made["broker"]["bootstrap"].split(":")
            assert (await get(broker, "/brokers/1", "DELETE", "", Content_Type="application/json"))[0] == 200
            with pytest.raises(ConnectionRefusedError):
                await asyncio.open_connection(host, int(port))
            assert (await get(broker, f"{own}/topics/list"))[0] == 404
            assert (await post(broker, "/brokers", {"configs": {"num.partition": "2"}}))[0] == STATUS["refused"]

    run(body)


def test_fifty_more_at_once_have_fifty_ports() -> None:
    async def body() -> None:
        async with controlled() as broker:
            made = await asyncio.gather(*[post(broker, "/brokers", {}) for _ in range(50)])
            assert {status for status, _ in made} == {200}
            assert len({one["broker"]["bootstrap"] for _, one in made}) == 50
            for _, one in made:
                reader, writer = await asyncio.open_connection(*one["broker"]["bootstrap"].split(":"))
                writer.close()
                del reader

    run(body)


def test_without_control_there_are_no_verbs() -> None:
    async def body() -> None:
        async with serving(kbroker_http="127.0.0.1:0") as broker:
            assert (await get(broker, "/control/topics/list"))[0] == 404
            paths = json.loads((await get(broker, "/openapi.json"))[1])["paths"]
            assert paths and not [path for path in paths if path.startswith("/control")]

    run(body)


@pytest.fixture(scope="module")
def openapi() -> dict[str, Any]:
    return document(every(), only_looks)


def test_the_document_has_every_verb_and_every_argument(openapi: dict[str, Any]) -> None:
    for verb in every():
        path = openapi["paths"][f"/control/{verb.name.replace('.', '/')}"]
        ((method, operation),) = path.items()
        if method == "get":
            named = {one["name"] for one in operation["parameters"]}
        else:
            content = operation.get("requestBody", {"content": {"application/json": {"schema": {"properties": {}}}}})
            named = set(content["content"]["application/json"]["schema"]["properties"])
        assert named == set(verb.arguments), verb.name
        assert operation["summary"], f"{verb.name} says what it does"


def test_the_document_refers_to_nothing_that_is_not_there(openapi: dict[str, Any]) -> None:
    schemas = openapi["components"]["schemas"]
    text = json.dumps(openapi)
    named = {part.partition('"')[0] for part in text.split("#/components/schemas/")[1:]}
    assert named and named <= set(schemas)
    assert all(schemas.values()), "none is left empty"
