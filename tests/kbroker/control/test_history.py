"""The history: every request with its answer, decoded when somebody looks, and every end of a connection."""

import asyncio
import struct
from typing import Any

import pytest

from kbroker.control.table import ControlError, find
from tests.kbroker.control.controlling import Hand, controlling
from tests.kbroker.running import Client, run
from wire.messages.api_versions import ApiVersionsRequest
from wire.messages.metadata import MetadataRequest, MetadataRequestTopic
from wire.primitives import ZERO_UUID

LARGE = 1 << 20


def metadata(*names: str) -> MetadataRequest:
    topics = [MetadataRequestTopic(topic_id=ZERO_UUID, name=name) for name in names]
    return MetadataRequest(
        topics=topics,
        allow_auto_topic_creation=False,
        include_cluster_authorized_operations=False,
        include_topic_authorized_operations=False,
    )


async def talk(ask: Hand) -> Client:
    client = await ask.connect()
    await client.ask(ApiVersionsRequest(client_software_name="test", client_software_version="1"), 3)
    await client.ask(metadata("missing"), 12)
    return client


def test_requests_are_there_with_their_answers_and_errors() -> None:
    async def body() -> None:
        async with controlling(history_bytes=LARGE) as ask:
            client = await talk(ask)
            first, second = await ask("requests.list")
            assert (first.api, first.version, first.client_id) == ("ApiVersions", 3, "tester")
            assert first.request["clientSoftwareName"] == "test"
            assert (second.request["topics"][0]["name"], second.errors) == ("missing", ["UNKNOWN_TOPIC_OR_PARTITION"])
            assert second.response["topics"][0]["errorCode"] == 3
            assert await ask("requests.list", failed=True) == [second]
            assert await ask("requests.list", api="metadata") == [second]
            assert await ask("requests.list", since=first.number) == [second]
            assert await ask("requests.list", client_id="nobody") == []
            assert await ask("requests.mark") == second.number
            await ask("requests.clear")
            assert await ask("requests.list") == []
            await client.close()

    run(body)


def test_what_a_connection_was_closed_for_is_told() -> None:
    async def body() -> None:
        async with controlling(history_bytes=LARGE) as ask:
            client = await talk(ask)
            await client.close()
            other = await ask.connect()
            other.writer.write(struct.pack(">ihhih", 10, 999, 0, 7, -1))
            assert await other.is_closed()
            while len(await ask("requests.disconnects")) < 2:
                await asyncio.sleep(0)
            by_client, by_broker = await ask("requests.disconnects")
            assert (by_client.ended, by_client.software) == ("the client closed it", "test 1")
            assert by_broker.ended.startswith("the broker closed it: it sent a request with API key 999")
            assert (await ask("requests.list"))[-1].refused.startswith("it sent a request with API key 999")

    run(body)


def test_the_oldest_go_when_there_are_too_many_bytes() -> None:
    async def body() -> None:
        async with controlling(history_bytes=5000) as ask:
            client = await talk(ask)
            for _ in range(50):
                await client.ask(metadata("m"), 12)
            requests = await ask("requests.list")
            assert 1 < len(requests) < 20
            assert [each.number for each in requests] == list(range(requests[0].number, 53))
            await client.close()

    run(body)


def test_one_waits_for_requests_and_follows_them() -> None:
    async def body() -> None:
        async with controlling(history_bytes=LARGE) as ask:
            verb = find("requests.follow")
            assert verb.streams
            events: Any = verb.run(ask.control, **verb.bind({"api": "Metadata"}))
            following = asyncio.ensure_future(anext(events))
            waiting = asyncio.ensure_future(ask("requests.wait", api="Metadata", count=2))
            await asyncio.sleep(0)
            client = await talk(ask)
            assert not waiting.done()
            assert (await following).api == "Metadata"
            await client.ask(metadata("b"), 12)
            assert len(await waiting) == 2
            with pytest.raises(ControlError, match=r"0 of 1 requests Fetch were answered; seen were ApiVersions, Met"):
                await ask("requests.wait", api="Fetch", timeout=0.01)
            await events.aclose()
            await client.close()

    run(body)


def test_without_a_history_nothing_is_tapped() -> None:
    async def body() -> None:
        async with controlling() as ask:
            assert type(ask.control.server.dispatcher).__name__ == "Dispatcher"
            with pytest.raises(ControlError, match="this broker remembers nothing"):
                await ask("requests.list")

    run(body)
