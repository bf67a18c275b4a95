"""`kbroker run -- COMMAND`: a broker for as long as a command runs, for tests in any language.

    kbroker run -- mvn test
    kbroker run --topic orders:3 --trace traces -- npm test

The broker is in memory, on a free port, in a process of its own that ends with this one. The command finds it in its
environment:

    KAFKA_BOOTSTRAP_SERVERS, SPRING_KAFKA_BOOTSTRAP_SERVERS    HOST:PORT
    KBROKER_CONTROL       http://HOST:PORT, where tests do to the broker what they like (with kbroker[http])

The exit status is the command's. If it fails, what the broker saw is told on stderr, and kept with --trace.
"""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kbroker.config import ConfigError
from kbroker.settings import gather

if TYPE_CHECKING:
    from kbroker.testing import Broker

NOT_STARTED, NOT_FOUND = 2, 127


@click.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.option("--brokers", default=1, show_default=True, metavar="N", help="How many, with node ids of their own.")
@click.option("--set", "sets", multiple=True, metavar="NAME=VALUE", help="Set one config.")
@click.option("--topic", "topics", multiple=True, metavar="NAME[:PARTITIONS]", help="A topic to begin with.")
@click.option("--preset", type=click.Choice(["kafka"]), help="Timing of groups as Apache Kafka has it by default.")
@click.option("--scenario", metavar="FILE", help="What to do to it first: topics, records, faults ...")
@click.option("--trace", metavar="DIR", help="Keep all requests here if the command fails: JSON lines and pcap.")
@click.argument("command", nargs=-1, type=click.UNPROCESSED, required=True)
def run(
    brokers: int,
    sets: tuple[str, ...],
    topics: tuple[str, ...],
    preset: str | None,
    scenario: str | None,
    trace: str | None,
    command: tuple[str, ...],
) -> None:
    """Run a command beside a broker of its own."""
    from kbroker.testing import Broker, BrokerGone

    configs = _configs(sets, preset)
    if find_spec("starlette") is not None and find_spec("uvicorn") is not None:
        configs |= {"kbroker.http": "127.0.0.1:0", "kbroker.control": "true"}
    seeds = {name: int(count or 1) for name, _, count in (text.partition(":") for text in topics)}
    try:
        broker = Broker(configs, topics=seeds, brokers=brokers).start()
    except BrokerGone as error:
        print(f"kbroker: {error}", file=sys.stderr)
        raise SystemExit(NOT_STARTED) from None
    with broker:
        if scenario is not None:
            _play(broker, scenario)
        status = _status_of(command, broker.bootstrap, broker.info.http)
        if status:
            _tell(broker, trace)
    raise SystemExit(status)


def _configs(sets: tuple[str, ...], preset: str | None) -> dict[str, object]:
    try:
        config = gather(None, sets, memory=True, preset=preset).config
    except ConfigError as error:
        print(f"kbroker: {error}", file=sys.stderr)
        raise SystemExit(NOT_STARTED) from None
    return {name: config.text(name) for name in config if config.is_set(name)}


def _status_of(command: tuple[str, ...], bootstrap: str, http: str) -> int:
    """Run it; what it ends with. A signal is told as shells tell it."""
    found = {"KAFKA_BOOTSTRAP_SERVERS": bootstrap, "SPRING_KAFKA_BOOTSTRAP_SERVERS": bootstrap}
    if http:
        found["KBROKER_CONTROL"] = f"http://{http}"
    try:
        process = subprocess.Popen(command, env=os.environ | found)
    except OSError as error:
        print(f"kbroker: cannot run {command[0]}: {(error.strerror or str(error)).lower()}", file=sys.stderr)
        return NOT_FOUND
    while True:
        try:
            status = process.wait()
            return 128 - status if status < 0 else status
        except KeyboardInterrupt:  # it has heard it, too: its end is what we wait for
            continue


def _play(broker: Broker, scenario: str) -> None:
    from kbroker.testing import ControlError
    from kbroker.testing.scenario import ScenarioError

    try:
        broker.play(scenario)
    except (ControlError, ScenarioError, OSError) as error:
        print(f"kbroker: the scenario cannot be played: {error}", file=sys.stderr)
        raise SystemExit(NOT_STARTED) from None


def _tell(broker: Broker, trace: str | None) -> None:
    from kbroker.testing.report import report, write_trace

    print(f"kbroker: the command failed; what the broker saw:\n{report(broker)}", file=sys.stderr)
    if trace is not None:
        for path in write_trace(broker, Path(trace), "kbroker"):
            print(f"kbroker: kept {path}", file=sys.stderr)
