"""The broker of `kbroker learn`: any broker in memory, with an ear at its tap and at its connections."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections import deque
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import click

from kbroker.cli.learn import HISTORY_BYTES, LOOK_S, USERS
from kbroker.client.errors import ClientError
from kbroker.control.history import Follower
from kbroker.learn.exercises import OUR_OWN, Sent, seen
from kbroker.learn.hearing import Unfinished, exchange_of, unfinished
from kbroker.learn.telling import mistakes
from kbroker.trace.exchange import Exchange
from kbroker.trace.lines import one_line
from kbroker.trace.recording import Recorder

if TYPE_CHECKING:
    from kbroker.server.connection import Connection


MOST_AT_ONCE = 1000
AS_KAFKA = ("kbroker.validate.records=true",)
"""Records are looked through, as Apache Kafka does it."""


class Ear:
    """Hears all, keeps it, and tells what is to be told."""

    def __init__(self, broker: str, file: TextIO, only_wrong: bool) -> None:
        self._broker = broker
        self._recorder = Recorder(file, _now_ms(), secrets=True)
        self._only_wrong = only_wrong
        self._last = 0
        self._told: deque[int] = deque(maxlen=MOST_AT_ONCE)
        self._logins: dict[str, list[Exchange]] = {}
        self._colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
        self.unfinished = Unfinished(self._never_whole)

    def heard(self, follower: Follower) -> None:
        for news in (each for chunk in follower.take() for each in chunk.seen):
            if news.number not in self._told:  # an answer that was held back is told twice
                self._told.append(news.number)
                self._tell(exchange_of(news, self._broker))

    def _never_whole(self, connection: Connection) -> None:
        exchange = unfinished(connection, self._broker, self._last, _now_ms())
        if exchange is not None:
            self._tell(exchange)

    def _tell(self, exchange: Exchange) -> None:
        self._last = max(self._last, exchange.number)
        self._recorder.add(exchange)
        sent = self._sent(exchange)
        if (sent.reading.client_id or "").startswith(OUR_OWN):
            return
        if sent.mistakes or not self._only_wrong:
            click.echo(one_line(exchange, sent.reading, colour=self._colour))
        for line in mistakes(exchange, sent.mistakes, colour=self._colour):
            click.echo(line)

    def _sent(self, exchange: Exchange) -> Sent:
        """What belongs to a login is looked at with what came before it on the same connection."""
        sent = Sent(exchange)
        if not sent.api.startswith("Sasl"):
            return sent
        login = self._logins.setdefault(exchange.connection, [])
        login.append(exchange)
        return (seen(login, USERS) or [sent])[-1]

    def ended(self, connection: Connection) -> None:
        self.unfinished.ended(connection)
        self._logins.pop(f"#{connection.id}", None)


async def serve(listen: Sequence[str], http: str | None, path: Path, only_wrong: bool) -> None:
    """Until it is told to stop."""
    from kbroker.broker import Broker, CannotStart
    from kbroker.config import ConfigError
    from kbroker.control.control import Control
    from kbroker.server.listener import CannotListen
    from kbroker.settings import gather

    users = [f"{name}:{password}" for name, password in USERS.items()]
    try:
        config = gather(None, AS_KAFKA, listen=listen, memory=True, users=users, http=http, control=bool(http)).config
        broker = Broker(config)
        await broker.start()
    except (ConfigError, CannotStart, CannotListen) as error:
        raise ClientError(str(error)) from None
    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    with path.open("w") as file:
        control = broker.control or Control(broker, history_bytes=HISTORY_BYTES)
        ear = Ear(broker.bound[0].rpartition("//")[2], file, only_wrong)
        control.listeners.append(partial(ear.heard, control.recorded.follow()))
        control.server.on_lost.append(ear.ended)
        places = " and, with a login, ".join(bound.rpartition("//")[2] for bound in broker.bound)
        click.echo(f"kbroker learn ready on {places}, keeping what it hears in {path}")
        click.echo("Exercises: kbroker learn check" + (f"   HTTP: {broker.http}" if broker.http else ""))
        while not ended.is_set():
            ear.unfinished.look(list(control.server.connections))
            try:
                await asyncio.wait_for(ended.wait(), LOOK_S)
            except TimeoutError:
                continue
        await broker.stop()


def _now_ms() -> int:
    return int(time.time() * 1000)
