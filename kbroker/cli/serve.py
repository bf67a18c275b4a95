"""`kbroker serve`: one broker until it is told to stop.

stdout gets one line, when connections are accepted; everything else goes to stderr. SIGTERM and Ctrl-C stop it cleanly,
a second one at once. What keeps it from starting is one sentence and exit status 2.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import click

from kbroker.config import Config, ConfigError
from kbroker.logs import LEVELS, to_stderr
from kbroker.settings import Seed, gather
from kbroker.version import VERSION
from wire.errors import KafkaError

if TYPE_CHECKING:
    from kbroker.broker import Broker

log = logging.getLogger("kbroker.serve")

CANNOT_START = 2
FAILED_TO_STOP = 1


@click.command()
@click.option("--listen", multiple=True, metavar="[NAME://]HOST:PORT", help="Where to listen; port 0 picks a free one.")
@click.option("--advertise", multiple=True, metavar="[NAME://]HOST:PORT", help="What clients are told to connect to.")
@click.option("--data", metavar="DIR", help="The directory that holds the data.  [default: ./data]")
@click.option("--memory", is_flag=True, help="Keep everything in memory, and nothing afterwards.")
@click.option("--fsync", is_flag=True, help="Acknowledge writes when they have reached the disk.")
@click.option(
    "--user", "users", multiple=True, metavar="NAME:PASSWORD", help="A user for SASL listeners, kept in memory only."
)
@click.option(
    "--add-scram",
    multiple=True,
    metavar="SCRAM-SHA-512=[name=NAME,password=PASSWORD]",
    help="Store a SCRAM user if there is none of that name yet, as kafka-storage does.",
)
@click.option("--tls", metavar="DIR|FILE", help="What TLS listeners show: the DIR of `kbroker certs`, or a PEM file.")
@click.option("--preset", type=click.Choice(["kafka"]), help="Timing of groups as Apache Kafka has it by default.")
@click.option("--config", "file", metavar="FILE", help="A TOML file with Kafka's config names, or a server.properties.")
@click.option("--set", "sets", multiple=True, metavar="NAME=VALUE", help="Set one config; goes before the file.")
@click.option(
    "--topic", "topics", multiple=True, metavar="NAME[:PARTITIONS[:KEY=VALUE]]", help="A topic to begin with."
)
@click.option("--brokers", type=int, metavar="N", help="How many brokers to be, on ports counted up from the first.")
@click.option("--racks", metavar="A,B,C", help="The racks of these brokers.")
@click.option("--http", metavar="HOST:PORT", help="Web console, health and metrics by HTTP; needs kbroker[http].")
@click.option("--control", is_flag=True, help="With --http: let tests do to the broker what they like.")
@click.option(
    "--ephemeral", is_flag=True, help="In memory on a free port, one line of JSON when ready, gone when stdin closes."
)
@click.option("--log-level", type=click.Choice(list(LEVELS)), default="info", show_default=True)
@click.option("--log-format", type=click.Choice(["text", "json"]), default="text", show_default=True)
def serve(
    listen: tuple[str, ...],
    advertise: tuple[str, ...],
    data: str | None,
    memory: bool,
    fsync: bool,
    users: tuple[str, ...],
    add_scram: tuple[str, ...],
    tls: str | None,
    preset: str | None,
    file: str | None,
    sets: tuple[str, ...],
    topics: tuple[str, ...],
    brokers: int | None,
    racks: str | None,
    http: str | None,
    control: bool,
    ephemeral: bool,
    log_level: str,
    log_format: str,
) -> None:
    """Run a broker until it is told to stop."""
    to_stderr(LEVELS[log_level], as_json=log_format == "json")
    try:
        gathered = gather(
            file,
            sets,
            topics=topics,
            environment=os.environ,
            listen=listen or (("127.0.0.1:0",) if ephemeral else ()),
            advertise=advertise,
            data=data,
            memory=memory or (ephemeral and data is None),
            fsync=fsync,
            users=users,
            add_scram=add_scram,
            tls=tls,
            preset=preset,
            http=http,
            control=control,
            brokers=brokers,
            racks=racks,
        )
    except ConfigError as error:
        raise cannot_start(str(error)) from None
    idle = [*gathered.config.without_effect(), *gathered.unknown]
    if idle:
        log.warning("accepted, but without effect in this broker: %s", ", ".join(idle))
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        runner.run(_serve(gathered.config, gathered.topics, ephemeral))


async def _serve(config: Config, topics: Sequence[Seed], ephemeral: bool) -> None:
    try:
        from kbroker.broker import Broker, CannotStart, StorageError
        from kbroker.server.listener import CannotListen
    except ModuleNotFoundError as error:
        name = error.name or ""
        if name.startswith(("kbroker", "storage", "wire")):
            raise
        raise cannot_start(f"the Python package {name} is missing; get it with: pip install {name}") from None

    stopping = asyncio.Event()
    on_signals(asyncio.get_running_loop(), stopping.set)
    try:
        broker = Broker(config, topics=topics)
        await broker.start()
    except CannotListen as error:
        raise cannot_start(f"{error}{way_out() if error.in_use else ''}") from None
    except (ConfigError, CannotStart, StorageError) as error:
        raise cannot_start(str(error)) from None
    gc.freeze()
    gc.enable()
    if ephemeral:
        _stop_with_stdin(asyncio.get_running_loop(), stopping.set)
    print(_ready(broker, ephemeral), flush=True)
    await stopping.wait()
    log.info("stopping")
    try:
        await broker.stop()
    except (KafkaError, StorageError, OSError):
        log.error("the clean end could not be noted: leader epochs rise by one at the next start, nothing is lost")
        raise SystemExit(FAILED_TO_STOP) from None


def _ready(broker: Broker, as_json: bool) -> str:
    """The line that says where it is."""
    bound = ",".join(broker.bound)
    if as_json:
        said = {"bootstrap": bound, "http": broker.http, "data": broker.data, "pid": os.getpid(), "version": VERSION}
        import json

        return json.dumps(said)
    door = f" http={broker.http}" if broker.http else ""
    return f"kbroker {VERSION} ready on {bound} data={broker.data} pid={os.getpid()}{door}"


def _stop_with_stdin(loop: asyncio.AbstractEventLoop, stop: Callable[[], None]) -> None:
    """Whoever has started us closes our stdin, or ends, which closes it too."""

    from threading import Thread

    def wait() -> None:
        while sys.stdin.buffer.read(4096):
            pass
        loop.call_soon_threadsafe(stop)

    Thread(target=wait, name="stdin", daemon=True).start()


def cannot_start(sentence: str) -> SystemExit:
    print(f"kbroker: {' '.join(sentence.split())}", file=sys.stderr)
    return SystemExit(CANNOT_START)


def way_out() -> str:
    """What to do about a port in use: `make run` takes the port in its own way and says which."""
    hint = os.environ.get("KBROKER_PORT_HINT")
    return f"; choose another one with {hint}" if hint else "; choose another one with --listen HOST:PORT"


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop's, where it is installed."""
    try:
        import uvloop
    except ImportError:
        return None
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory


def on_signals(loop: asyncio.AbstractEventLoop, stop: Callable[[], None]) -> None:
    """Stop cleanly at the first signal, at once at the second."""
    told = False

    def hear() -> None:
        nonlocal told
        if told:
            log.warning("told to stop again: ending at once")
            os._exit(1)
        told = True
        stop()

    for number in (signal.SIGINT, signal.SIGTERM):
        try:
            loop.add_signal_handler(number, hear)
        except NotImplementedError:  # Windows
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(hear))
