"""How `trace` and `proxy` show what goes over the wire: the same choices, the same forms."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any, TypeVar

import click

from kbroker.pcap import Capture
from kbroker.trace.choosing import Choice
from kbroker.trace.exchange import Exchange, read
from kbroker.trace.lines import as_json, every_byte, fields, one_line
from kbroker.trace.recording import Recorder
from kbroker.trace.secrets import without_secrets

Command = TypeVar("Command", bound=Callable[..., Any])


def looking(command: Command) -> Command:
    """The options that say which exchanges are shown, and how."""
    for option in reversed(
        (
            click.option("--api", "apis", multiple=True, help="Only this API; several may be said."),
            click.option("--client", "client_id", help="Only clients whose id has this in it."),
            click.option("--topic", help="Only what names this topic."),
            click.option("--group", help="Only what names this group."),
            click.option("--error", help="Only answers with this error."),
            click.option("--failed", is_flag=True, help="Only answers with any error."),
            click.option("--full", is_flag=True, help="All fields of both messages."),
            click.option("--hex", "bytewise", is_flag=True, help="Every byte of both frames, annotated."),
            click.option("--json", "as_objects", is_flag=True, help="A JSON object a line."),
            click.option("--pcap", metavar="FILE", help="Write a file that Wireshark opens."),
            click.option("--record", metavar="FILE", help="Keep what is seen, secrets left out."),
        )
    ):
        command = option(command)
    return command


class Show:
    """Takes exchanges; gives them to the terminal and to the files that were asked for."""

    def __init__(self, stack: ExitStack, options: dict[str, Any]) -> None:
        self._choice = Choice(**{name: options[name] for name in Choice._fields if name in options})
        self._full, self._bytewise, self._as_objects = (options[name] for name in ("full", "bytewise", "as_objects"))
        self._colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
        self._capture = Capture(stack.enter_context(_made(options["pcap"], "wb"))) if options["pcap"] else None
        self._recorder = None
        if options["record"]:
            file = stack.enter_context(_made(options["record"], "w"))
            self._recorder = Recorder(file, int(time.time() * 1000))

    def __call__(self, exchange: Exchange) -> None:
        request, reply = without_secrets(exchange.request, exchange.reply)
        exchange = exchange._replace(request=request, reply=reply)
        reading = read(request, reply)
        if not self._choice.takes(reading):
            return
        if self._capture is not None:
            self._capture.add(
                _padded(request, exchange.whole_request),
                None if reply is None else _padded(reply, exchange.whole_reply or 0),
                at_ms=exchange.at_ms,
                took_ms=exchange.took_ms,
                connection=exchange.connection,
                broker=exchange.broker,
            )
        if self._recorder is not None:
            self._recorder.add(exchange)
        if self._as_objects:
            click.echo(as_json(exchange, reading))
            return
        click.echo(one_line(exchange, reading, colour=self._colour))
        if self._full:
            for line in fields(reading):
                click.echo(line)
        if self._bytewise:
            for line in every_byte(exchange, reading, colour=self._colour):
                click.echo(line)


def _padded(frame: bytes, size: int) -> bytes:
    """A capture needs as many bytes as the frame said: zeros stand for those that were not kept."""
    return frame + bytes(size - len(frame))


def _made(path: str, mode: str) -> Any:
    try:
        return open(path, mode)
    except OSError as error:
        raise click.ClickException(f"cannot write {path}: {(error.strerror or str(error)).lower()}") from None
