"""Records and connections that are lost: a log that is cut, a connection that only one side knows of."""

import asyncio

import pytest

from kbroker.control.table import ControlError
from tests.kbroker.control.controlling import Hand, controlling
from tests.kbroker.control.test_data import places, values, write
from tests.kbroker.control.test_history import metadata
from tests.kbroker.running import run


@places
async def test_a_truncated_partition_ends_there_in_a_later_epoch(ask: Hand) -> None:
    await write(ask, "1")
    await write(ask, "2", "3")
    (before,) = (await ask("topics.get", name="t")).partitions
    (after,) = (await ask("topics.truncate", name="t", partition=0, end=1)).partitions
    assert (after.end_offset, after.high_watermark, after.leader) == (1, 1, before.leader)
    assert after.leader_epoch > before.leader_epoch
    assert await values(ask) == [b"1"]
    await write(ask, "4")
    assert await values(ask) == [b"1", b"4"]
    (same,) = (await ask("topics.truncate", name="t", partition=0, end=2)).partitions
    assert (same.end_offset, await values(ask)) == (2, [b"1", b"4"])
    with pytest.raises(ControlError, match="t-0 goes from 0 to 2"):
        await ask("topics.truncate", name="t", partition=0, end=3)


def test_a_half_open_connection_says_nothing_and_others_go_on() -> None:
    async def body() -> None:
        async with controlling(history_bytes=1 << 20) as ask:
            first, second = await ask.connect(), await ask.connect()
            await first.ask(metadata(), 12)
            (connection,) = [each.id for each in ask.control.server.connections if each.client_id == "tester"]
            assert await ask("broker.half_open", connection=connection) == 1
            first.send(metadata(), 12)
            answer = asyncio.ensure_future(first.receive())
            assert (await second.ask(metadata(), 12)).brokers
            assert not answer.done()
            assert await ask("broker.half_open", client_id="nobody") == 0
            await ask("broker.disconnect", connection=connection)
            with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
                await answer
            (ended,) = [each.ended for each in await ask("requests.disconnects")]
            assert ended == "the broker closed it: a test asked for it"

    run(body)
