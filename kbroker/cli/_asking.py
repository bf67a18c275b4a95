"""What the commands that ask a cluster have in common: where it is, how to get in, and what to say when it says no.

    --to HOST:PORT           the cluster; KBROKER_TO in the environment, or 127.0.0.1:9092
    --command-config FILE    a properties file as Kafka's own tools take it: TLS, SASL, client.id
    --timeout SECONDS        how long to wait for an answer
    --json                   for programs: one JSON object or array in place of tables

Exit status: 0 done, 1 the cluster refuses or cannot be reached (one sentence on standard error), 2 the command line
is wrong.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from functools import wraps
from typing import Any, NamedTuple, TypeVar

import click

from kbroker.cli._tables import Output
from kbroker.client.cluster import Client
from kbroker.client.errors import ClientError
from kbroker.client.settings import properties, settings
from kbroker.records.read import NotUnderstood
from wire.errors import KafkaError

Command = TypeVar("Command", bound=Callable[..., Any])

DEFAULT = "127.0.0.1:9092"


class Work(NamedTuple):
    """One run of a command: whom it asks, and where its answer goes."""

    client: Client
    out: Output


def asking(command: Command) -> Command:
    """A command whose first argument is a `Work`. Its errors end it with one sentence."""

    @click.option("--to", default=DEFAULT, envvar="KBROKER_TO", metavar="HOST:PORT", help=f"Whom to ask.  [{DEFAULT}]")
    @click.option("--command-config", metavar="FILE", help="Properties as Kafka's own tools take them.")
    @click.option("--timeout", type=float, metavar="SECONDS", help="How long to wait for an answer.  [default: 15]")
    @click.option("--json", "as_json", is_flag=True, help="Print JSON.")
    @wraps(command)
    def run(to: str, command_config: str | None, timeout: float | None, as_json: bool, **arguments: Any) -> Any:
        with sentences():
            texts = properties(command_config) if command_config is not None else {}
            asked = settings(to, texts, timeout=timeout)
            with Client(asked) as client:
                return command(Work(client, Output(as_json)), **arguments)

    return run  # type: ignore[return-value]


class sentences:
    """Turns what a cluster or a file says no with into one sentence and exit status 1; a closed pipe ends quietly."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, ClientError | KafkaError | NotUnderstood):
            raise click.ClickException(str(error)) from None
        if isinstance(error, BrokenPipeError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the flush at the end must not fail again
            raise SystemExit(0) from None
        if isinstance(error, KeyboardInterrupt):
            raise SystemExit(130) from None


def pairs(texts: tuple[str, ...], option: str) -> dict[str, str]:
    """NAME=VALUE as many times as it was given."""
    found = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name.strip():
            raise click.BadParameter(f"{text!r} is not NAME=VALUE", param_hint=option)
        found[name.strip()] = value
    return found


def sure(question: str, yes: bool) -> None:
    """Ask a person before something is lost; a program says --yes."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise click.UsageError(f"{question} Say --yes.")
    click.confirm(question, abort=True)
