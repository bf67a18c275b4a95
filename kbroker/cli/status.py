"""`kbroker status`: the brokers that `kbroker up` has started, and whether they answer. Exit status 1 when one does
not.
"""

from __future__ import annotations

import time

import click

from kbroker.cli import _background
from kbroker.cli._tables import Output
from kbroker.client.cluster import Client
from kbroker.client.errors import ClientError
from kbroker.client.settings import settings
from wire.errors import KafkaError

QUICK_S = 3.0


@click.command("status")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def status(as_json: bool) -> None:
    """Which brokers run in the background."""
    rows = []
    for noted in _background.all_noted():
        state = _state(noted)
        rows.append(
            {
                "name": noted.name,
                "state": state,
                "bootstrap": noted.bootstrap,
                "data": noted.data,
                "pid": noted.pid,
                "up_for": _duration(time.time() - noted.started) if state == "up" else None,
            }
        )
    Output(as_json).rows(rows, empty="no broker was started with kbroker up")
    if any(row["state"] != "up" for row in rows):
        raise SystemExit(1)


def _state(noted: _background.Noted) -> str:
    if not noted.alive:
        return "gone"
    try:
        with Client(settings(noted.bootstrap.split(",")[0], {}, timeout=QUICK_S)) as client:
            client.any()
    except (ClientError, KafkaError):
        return "does not answer"
    return "up"


def _duration(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s" if minutes else f"{rest} s"
