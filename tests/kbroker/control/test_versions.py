"""Versions on request, releases by name."""

from itertools import pairwise

import pytest

from kbroker.control.releases import RELEASES, newest_versions
from kbroker.control.table import ControlError
from tests.kbroker.control.controlling import Hand, controlling
from tests.kbroker.control.test_history import metadata
from tests.kbroker.running import run
from wire.messages.api_versions import ApiVersionsRequest
from wire.registry import APIS


async def told(ask: Hand) -> dict[str, tuple[int, int]]:
    """As a client hears it."""
    client = await ask.connect()
    request = ApiVersionsRequest(client_software_name="test", client_software_version="1")
    return {
        APIS[row.api_key].kafka_name: (row.min_version, row.max_version)
        for row in (await client.ask(request, 3)).api_keys
    }


def test_a_limited_api_is_told_so_and_served_so() -> None:
    async def body() -> None:
        async with controlling(history_bytes=1 << 20) as ask:
            before = await told(ask)
            await ask("versions.limit", api="Metadata", max=5)
            await ask("versions.limit", api="DescribeCluster", max=-1)
            after = await told(ask)
            assert after["Metadata"] == (0, 5)
            assert "DescribeCluster" not in after
            client = await ask.connect()
            assert (await client.ask(metadata("t"), 5)).topics
            client.send(metadata("t"), 6)
            assert await client.is_closed()
            (refused,) = [each.refused for each in await ask("requests.list") if each.refused]
            assert refused == "it sent Metadata v6, where v0 to v5 are supported"
            await ask("versions.clear")
            assert await told(ask) == before
            assert (await (await ask.connect()).ask(metadata("t"), 12)).topics

    run(body)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"api": "Metadata", "max": 99}, "Metadata has versions 0 to 13, of which 0 to 99 are no part"),
        ({"api": "ApiVersions", "max": -1}, "ApiVersions cannot be taken away"),
        ({"api": "Metadatas"}, "there is no API Metadatas"),
    ],
)
def test_what_cannot_be_served_is_refused(arguments: dict[str, object], sentence: str) -> None:
    async def body() -> None:
        async with controlling() as ask:
            with pytest.raises(ControlError, match=sentence):
                await ask("versions.limit", **arguments)

    run(body)


def test_an_older_release_shows_what_it_had_and_we_have() -> None:
    async def body() -> None:
        async with controlling() as ask:
            now = await told(ask)
            await ask("versions.emulate", release="2.8")
            then = await told(ask)
            assert (then["Produce"][1], then["Fetch"], then["Metadata"]) == (9, (4, 12), (0, 11))
            assert "ConsumerGroupHeartbeat" not in then
            assert "DescribeTransactions" not in then
            await ask("versions.emulate", release="3.9")
            later = await told(ask)
            assert (later["Fetch"], later["ConsumerGroupHeartbeat"]) == ((4, 17), (0, 0))
            assert all(now[name][0] <= low and high <= now[name][1] for name, (low, high) in later.items())
            with pytest.raises(ControlError, match=r"there is no release 1\.0; there are 2\.8, "):
                await ask("versions.emulate", release="1.0")

    run(body)


def test_releases_only_ever_gain() -> None:
    """And the last of them is within what is defined here."""
    tables = [newest_versions(release) for release in RELEASES]
    for older, newer in pairwise(tables):
        assert all(newer[key] >= version for key, version in older.items())
    assert all(version <= APIS[key].max_version for key, version in tables[-1].items())
