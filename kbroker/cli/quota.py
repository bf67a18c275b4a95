"""`kbroker quota`: how much users, client ids and addresses may have.

producer_byte_rate, consumer_byte_rate      bytes a second       request_percentage    of one thread
controller_mutation_rate                    partitions made or deleted a second
connection_creation_rate                    of an --ip           * as a name is the default of all others
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from kbroker.cli._asking import Work, asking, pairs, sure
from kbroker.client import access

Command = TypeVar("Command", bound=Callable[..., Any])

EVERYBODY = "*"


@click.group("quota")
def quota() -> None:
    """List, alter and delete quotas."""


def of_whom(command: Command) -> Command:
    """The options that name an entity."""
    for kind in reversed(access.ENTITIES):
        command = click.option(f"--{kind}", metavar="NAME", help=f"Of this {kind}; * for all without their own.")(
            command
        )
    return command


@quota.command("list")
@asking
def list_(work: Work) -> None:
    """All quotas."""
    work.out.rows(
        (
            {kind: _shown(entity, kind) for kind in access.ENTITIES} | {"quota": key, "value": value}
            for entity, values in access.quotas(work.client)
            for key, value in sorted(values.items())
        ),
        empty="there are no quotas",
    )


@quota.command("alter")
@of_whom
@click.option("--set", "put", multiple=True, metavar="QUOTA=NUMBER", help="Set a quota.")
@click.option("--delete", multiple=True, metavar="QUOTA", help="Take a quota away.")
@click.option("--dry-run", is_flag=True, help="Only say whether it would work.")
@asking
def alter(
    work: Work,
    put: tuple[str, ...],
    delete: tuple[str, ...],
    dry_run: bool,
    user: str | None,
    client_id: str | None,
    ip: str | None,
) -> None:
    """Set quotas of one entity, or take some away."""
    if not put and not delete:
        raise click.UsageError("Nothing to alter: say --set or --delete.")
    numbers = {}
    for name, text in pairs(put, "--set").items():
        try:
            numbers[name] = float(text)
        except ValueError:
            raise click.BadParameter(f"{text!r} is no number", param_hint="--set") from None
    access.alter_quotas(work.client, _entity(user, client_id, ip), numbers, delete, validate_only=dry_run)
    work.out.say("the quotas could be altered" if dry_run else "quotas altered")


@quota.command("delete")
@of_whom
@click.option("--yes", is_flag=True, help="Do not ask.")
@asking
def delete(work: Work, yes: bool, user: str | None, client_id: str | None, ip: str | None) -> None:
    """Take all quotas of one entity away."""
    entity = _entity(user, client_id, ip)
    held = next((values for one, values in access.quotas(work.client) if one == entity), {})
    sure(f"Delete {len(held)} quotas?", yes)
    if held:
        access.alter_quotas(work.client, entity, {}, tuple(held))
    work.out.say(f"{len(held)} quotas deleted")


def _entity(user: str | None, client_id: str | None, ip: str | None) -> dict[str, str | None]:
    said = {"user": user, "client-id": client_id, "ip": ip}
    entity = {kind: None if name == EVERYBODY else name for kind, name in said.items() if name is not None}
    if not entity:
        raise click.UsageError("Say whose quotas: --user, --client-id, --ip.")
    return entity


def _shown(entity: access.Entity, kind: str) -> str | None:
    return None if kind not in entity else EVERYBODY if entity[kind] is None else entity[kind]
