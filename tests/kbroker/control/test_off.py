"""A broker that nobody controls knows nothing of all this: no import, no wrapper, no hook."""

import subprocess
import sys
from pathlib import Path

from tests.kbroker.control.test_history import metadata
from tests.kbroker.running import connect, run, serving

ROOT = Path(__file__).resolve().parents[3]

PROGRAM = """
import asyncio, sys
from kbroker.broker import Broker
from kbroker.config import Config

async def main():
    broker = Broker(Config({"kbroker.memory": "true", "listeners": "PLAINTEXT://127.0.0.1:0"}))
    await broker.start()
    await broker.stop()

asyncio.run(main())
print(sorted(name for name in sys.modules if name.startswith(("kbroker.control", "kbroker.testing"))))
"""


def test_a_start_imports_nothing_of_control() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_requests_meet_nothing_of_control() -> None:
    async def body() -> None:
        async with serving() as broker:
            client = await connect(broker)
            await client.ask(metadata("t"), 12)
            dispatcher, apis = broker.server.dispatcher, broker.cluster.apis
            assert dispatcher.enter == dispatcher.start
            assert apis.on_first_use is None
            (entry,) = [each for each in apis.entries() if each.api.name == "metadata"]
            assert entry.handler.__module__ == "kbroker.handlers.metadata"
            assert not entry.parks
            assert broker.server.on_lost == []
            await client.close()

    run(body)
