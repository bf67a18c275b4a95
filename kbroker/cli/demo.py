"""`kbroker demo`: a broker in memory with the console and the control verbs, and a shop that lives in it.

The shop's people are threads of this process that come in by a socket, as any client does (`kbroker/demo`). It keeps
little, and can stay on for days. Ports that were not asked for are the usual ones, or free ones where somebody is
there already.
"""

from __future__ import annotations

import asyncio
import socket

import click

from kbroker.cli.serve import cannot_start, loop_factory, on_signals, way_out
from kbroker.config import Config, ConfigError
from kbroker.listeners import parse_address
from kbroker.logs import LEVELS, to_stderr
from kbroker.settings import gather

LISTEN, HTTP = "127.0.0.1:9092", "127.0.0.1:9090"
CONFIGS = ("log.retention.check.interval.ms=10000", "log.cleaner.backoff.ms=10000")


@click.command("demo")
@click.option("--listen", metavar="HOST:PORT", help=f"Where Kafka clients connect.  [{LISTEN}, or a free port]")
@click.option("--http", metavar="HOST:PORT", help=f"Where the console is.  [{HTTP}, or a free port]")
@click.option("--seed", type=int, default=1, show_default=True, help="What is ordered, and by whom.")
def demo(listen: str | None, http: str | None, seed: int) -> None:
    """Run a shop to look at: orders, a slow group, a dead letter topic, transactions."""
    to_stderr(LEVELS["warning"])
    listen, http = listen or free_or(LISTEN), http or free_or(HTTP)
    try:
        parse_address(http, "--http")
        config = gather(None, CONFIGS, listen=(listen,), memory=True, http=http, control=True).config
    except ConfigError as error:
        raise cannot_start(str(error)) from None
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        runner.run(_open(config, seed))


def free_or(place: str) -> str:
    """This port, or any free one where it is taken."""
    host, _, port = place.rpartition(":")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, int(port)))
        except OSError:
            return f"{host}:0"
    return place


async def _open(config: Config, seed: int) -> None:
    from kbroker.broker import Broker, CannotStart
    from kbroker.demo.shop import Shop
    from kbroker.server.listener import CannotListen

    closing = asyncio.Event()
    on_signals(asyncio.get_running_loop(), closing.set)
    try:
        broker = Broker(config)
        await broker.start()
    except CannotListen as error:
        raise cannot_start(f"{error}{way_out() if error.in_use else ''}") from None
    except (ConfigError, CannotStart) as error:
        raise cannot_start(str(error)) from None
    shop = Shop(broker.bound[0], seed)
    shop.start()
    click.echo(sign(broker.bound[0], broker.http))
    await closing.wait()
    await asyncio.to_thread(shop.stop)
    await broker.stop()
    click.echo("The shop is closed; nothing is left of it.")


def sign(bootstrap: str, http: str) -> str:
    """What hangs at the door."""
    console = f"http://{http}/console/"
    return f"""\
A shop is open. It is in memory, and gone when you press Ctrl-C.

  console   {console}
  Kafka     {bootstrap}

What to look at:
  {console}#/topics     orders come in, payments and shipments follow
  {console}#/groups     billing keeps up; the lag of analytics grows
  {console}#/messages   follow orders; search them by text, regex or JSON path
      orders.dlq holds what could not be read: send it again, put right
      payments holds some that were taken back: show aborted ones, or only what is committed
  {console}#/control    make billing fail, let the time stand, take a snapshot
  kbroker consume orders.dlq --to {bootstrap} --json
"""
