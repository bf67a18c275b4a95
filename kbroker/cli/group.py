"""`kbroker group`: groups of all kinds, their members, their lag, and where they go on reading.

`reset-offsets` shows what it would do, and does it with --execute, as Kafka's own tool. The group must have no
members then. Its plan can be kept as a file (--json) and carried out later (--from-file).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, TextIO

import click

from kbroker.cli._asking import Work, asking, sure
from kbroker.cli._door import DEFAULT, ask
from kbroker.cli._places import places_of
from kbroker.cli._tables import Row
from kbroker.client import groups
from kbroker.client.cluster import Client
from kbroker.client.errors import ClientError
from kbroker.client.offsets import NONE_FOUND, Place, offsets, ranges
from kbroker.records.places import date, milliseconds
from kbroker.records.read import NotUnderstood


@click.group("group")
def group() -> None:
    """List, describe and delete groups; their lag, and where they go on."""


@group.command("list")
@click.option("--kind", type=click.Choice(groups.KINDS), help="Only groups of this kind.")
@click.option("--state", help="Only groups in this state.")
@asking
def list_(work: Work, kind: str | None, state: str | None) -> None:
    """All groups with kind and state."""
    work.out.rows(
        (
            {"group": one.id, "kind": one.kind, "state": one.state, "protocol_type": one.protocol_type}
            for one in groups.listed(work.client)
            if kind in (None, one.kind) and state in (None, one.state)
        ),
        empty="there are no groups",
    )


@group.command("describe")
@click.argument("names", nargs=-1, required=True)
@click.option("--history", is_flag=True, help="The last 100 events of a kbroker under control, with their cause.")
@click.option("--http", "door", default=DEFAULT, show_default=True, metavar="HOST:PORT", help="Its HTTP door.")
@click.option("--token", envvar="KBROKER_HTTP_TOKEN", help="What the HTTP door wants to know.")
@asking
def describe(work: Work, names: tuple[str, ...], history: bool, door: str, token: str | None) -> None:
    """State and members with what they hold; or what has happened to a group, and why."""
    if history:
        work.out.rows(
            (
                {
                    "time": date(event["at_ms"]),
                    "group": name,
                    "event": event["what"],
                    "member": event["member"],
                    "cause": event["cause"],
                }
                for name in names
                for event in ask(door, token, "groups.history", group=name)
            ),
            empty="nothing has happened to it since the broker started",
        )
        return
    found = [groups.described(work.client, name) for name in names]
    if work.out.as_json:
        work.out.json([one._asdict() | {"members": [member._asdict() for member in one.members]} for one in found])
        return
    for one in found:
        epoch = "" if one.epoch is None else f", epoch {one.epoch}"
        work.out.say(f"{one.id}: {one.kind} group, {one.state}{epoch}, assignor {one.assignor or 'none yet'}")
        work.out.rows(
            (
                {
                    "member": member.id,
                    "instance": member.instance_id,
                    "client": member.client_id,
                    "host": member.host,
                    "epoch": member.epoch,
                    "holds": member.holds,
                }
                for member in one.members
            ),
            empty="no members",
        )


@group.command("lag")
@click.argument("names", nargs=-1, required=True)
@asking
def lag(work: Work, names: tuple[str, ...]) -> None:
    """How far each group's committed offsets are behind the ends of its partitions."""
    work.out.rows((row for name in names for row in _lag(work.client, name)), empty="nothing is committed")


@group.command("delete")
@click.argument("names", nargs=-1, required=True)
@click.option("--yes", is_flag=True, help="Do not ask.")
@asking
def delete(work: Work, names: tuple[str, ...], yes: bool) -> None:
    """Delete groups without members, with their committed offsets."""
    sure(f"Delete {', '.join(names)} with all committed offsets?", yes)
    for name in names:
        groups.delete(work.client, name)
        work.out.say(f"{name} deleted")


@group.command("delete-offsets")
@click.argument("name")
@click.option("--topic", "topics", multiple=True, required=True, metavar="TOPIC[:0,2,4-6]", help="Of which partitions.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@asking
def delete_offsets(work: Work, name: str, topics: tuple[str, ...], yes: bool) -> None:
    """Forget what a group has committed for a topic."""
    places = sorted(set(places_of(work.client, topics)) & set(groups.committed(work.client, name)))
    if not places:
        raise ClientError(f"{name} has committed nothing there")
    sure(f"Forget the offsets of {name} in {len(places)} partitions?", yes)
    groups.forget(work.client, name, places)
    work.out.rows({"topic": topic, "partition": at} for topic, at in places)


@group.command("reset-offsets")
@click.argument("name")
@click.option("--topic", "topics", multiple=True, metavar="TOPIC[:0,2,4-6]", help="Of which.  [default: all committed]")
@click.option("--to-earliest", "earliest", is_flag=True, help="To the first offset.")
@click.option("--to-latest", "latest", is_flag=True, help="To the end.")
@click.option("--to-current", "current", is_flag=True, help="To what is committed: to keep it as a file.")
@click.option("--to-offset", "offset", type=int, metavar="N", help="To this offset.")
@click.option("--shift-by", "shift", type=int, metavar="N", help="N further, or back with a negative number.")
@click.option(
    "--to-time", "time", metavar="TIME", help="To the first record at or after this time, or so long ago (15m)."
)
@click.option("--from-file", "file", type=click.File(), help="As a plan says that was printed with --json.")
@click.option("--execute", is_flag=True, help="Do it; without, only the plan is shown.")
@asking
def reset_offsets(work: Work, name: str, topics: tuple[str, ...], execute: bool, **wishes: Any) -> None:
    """Move where a group without members goes on reading. An offset beyond the ends of a partition becomes its end."""
    said = {wish: value for wish, value in wishes.items() if value is not None and value is not False}
    if len(said) != 1:
        raise click.UsageError("Say one of --to-earliest, --to-latest, --to-current, --to-offset, --shift-by, "
                               "--to-time, --from-file.")  # fmt: skip
    client = work.client
    before = groups.committed(client, name)
    wish, value = said.popitem()
    planned = _planned(value) if wish == "file" else {}
    places = sorted(planned) or places_of(client, topics) or sorted(before)
    if not places:
        raise ClientError(f"{name} has committed nothing; say --topic")
    held = ranges(client, places)
    wanted = planned or _wanted(client, wish, value, held, before)
    plan = {place: min(max(wanted[place], first), end) for place, (first, end) in held.items()}
    if execute:
        groups.commit(client, name, plan)
    work.out.rows(
        {"group": name, "topic": place[0], "partition": place[1], "from": before.get(place), "to": at}
        for place, at in plan.items()
    )
    if not execute:
        work.out.say("nothing was changed; --execute does it")


def _wanted(
    client: Client, wish: str, value: Any, held: Mapping[Place, tuple[int, int]], before: Mapping[Place, int]
) -> dict[Place, int]:
    """Where each partition is to go on, before it is held against the partition's ends."""
    if wish == "time":
        found = offsets(client, dict.fromkeys(held, _time(value)))
        return {place: held[place][1] if at == NONE_FOUND else at for place, at in found.items()}
    aims: dict[str, Callable[[Place, int, int], int]] = {
        "earliest": lambda place, first, end: first,
        "latest": lambda place, first, end: end,
        "current": lambda place, first, end: before.get(place, end),
        "offset": lambda place, first, end: int(value),
        "shift": lambda place, first, end: before.get(place, end) + int(value),
    }
    return {place: aims[wish](place, first, end) for place, (first, end) in held.items()}


def _lag(client: Client, name: str) -> Iterator[Row]:
    at = groups.committed(client, name)
    owners = {}
    if any(one.id == name for one in groups.listed(client)):
        owners = {held: member.id for member in groups.described(client, name).members for held in member.holds}
    ends = ranges(client, at)
    for (topic, index), offset in sorted(at.items()):
        end = ends[topic, index][1]
        yield {
            "group": name,
            "topic": topic,
            "partition": index,
            "committed": offset,
            "end": end,
            "lag": max(end - offset, 0),
            "member": owners.get(f"{topic}-{index}"),
        }


def _planned(file: TextIO) -> dict[Place, int]:
    """A plan: our own rows as JSON, or lines of topic,partition,offset as Kafka's tool writes them."""
    text = file.read()
    try:
        if text.lstrip().startswith("["):
            return {(row["topic"], int(row["partition"])): int(row["to"]) for row in json.loads(text)}
        rows = [line.replace('"', "").split(",") for line in text.splitlines() if line.strip()]
        return {(row[-3].strip(), int(row[-2])): int(row[-1]) for row in rows}
    except (ValueError, KeyError, IndexError, TypeError):
        raise ClientError("the file is no plan: rows of topic, partition, offset are wanted, as JSON or CSV") from None


def _time(text: str) -> int:
    try:
        return milliseconds(text, now=datetime.now(UTC))
    except NotUnderstood as error:
        raise click.BadParameter(str(error), param_hint="--to-time") from None
