"""`kbroker broker`: the brokers of a cluster in one process (`kbroker serve --brokers 3 --control`), which stop, die,
hang and come back when they are told to.

    kbroker broker list
    kbroker broker kill 2           others lead; --unnoticed: nobody knows yet
    kbroker broker start 2

It asks the broker's HTTP door (`--http`, or KBROKER_CONTROL as `kbroker run` sets it).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from kbroker.cli._asking import sentences
from kbroker.cli._door import DEFAULT, ask, do
from kbroker.cli._tables import Output


@click.group("broker")
def broker() -> None:
    """Stop, kill, pause and start single brokers of a cluster in one process."""


def _with_door(command: Callable[..., None]) -> Callable[..., None]:
    for option in (
        click.option("--json", "as_json", is_flag=True, help="Print JSON."),
        click.option("--token", envvar="KBROKER_HTTP_TOKEN", help="What the HTTP door wants to know."),
        click.option(
            "--http",
            "door",
            envvar="KBROKER_CONTROL",
            default=DEFAULT,
            show_default=True,
            metavar="HOST:PORT",
            help="The HTTP door.",
        ),
    ):
        command = option(command)
    return command


@broker.command("list")
@_with_door
def list_(door: str, token: str | None, as_json: bool) -> None:
    """All brokers: how they are, where they listen, how many partitions each leads."""
    with sentences():
        Output(as_json).rows(ask(_plain(door), token, "nodes.list"))


def _verb(name: str, help: str, unnoticed: bool | None) -> None:
    """A command that does something to one broker. `unnoticed` is its default, None where there is no such thing."""

    def act(node: int, door: str, token: str | None, as_json: bool, unnoticed: bool = False) -> None:
        arguments: dict[str, Any] = {"node": node}
        if has_choice:
            arguments["elect"] = not unnoticed
        with sentences():
            Output(as_json).rows([do(_plain(door), token, f"nodes.{name}", **arguments)])

    has_choice = unnoticed is not None
    command = _with_door(act)
    if has_choice:
        words = "Let the others go on as if it were there, or let them notice at once."
        command = click.option("--unnoticed/--noticed", default=unnoticed, show_default=True, help=words)(command)
    command = click.argument("node", type=int)(command)
    broker.command(name, help=help)(command)


_verb("stop", "Stop a broker in good order: others lead, its port refuses.", False)
_verb("kill", "Kill a broker: connections break in the middle, then others lead.", False)
_verb("pause", "Let a broker hang: it accepts connections and answers nobody.", True)
_verb("notice", "Let the others notice that a broker is gone or hangs.", None)
_verb("start", "Start a broker again, or let a paused one go on.", None)
_verb("restart", "Stop a broker in good order and start it again.", None)


def _plain(door: str) -> str:
    return door.removeprefix("http://").rstrip("/")
