"""`kbroker acl`: who may do what. Rules act where the cluster has an authorizer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from kbroker.cli._asking import Work, asking, sure
from kbroker.client import access
from kbroker.client.access import Acl
from kbroker.client.errors import ClientError

Command = TypeVar("Command", bound=Callable[..., Any])

_RESOURCES = tuple(name for name in access.RESOURCES if name != "cluster")


def described(command: Command) -> Command:
    """The options that describe a rule, or a filter of rules."""
    for name in reversed(_RESOURCES):
        command = click.option(f"--{name}", metavar="NAME", help=f"About this {name}; * is any of them.")(command)
    for option in (
        click.option("--cluster", is_flag=True, help="About the cluster itself."),
        click.option("--prefixed", is_flag=True, help="About all whose name begins so."),
        click.option("--principal", metavar="User:NAME", help="Who; User:* is everybody."),
        click.option("--host", metavar="ADDRESS", help="From where.  [anywhere]"),
        click.option("--deny", is_flag=True, help="A rule that forbids."),
    ):
        command = option(command)
    return command


@click.group("acl")
def acl() -> None:
    """List, create and delete access rules."""


@acl.command("list")
@described
@click.option("--operation", type=click.Choice(list(access.OPERATIONS)), help="Only rules about this.")
@asking
def list_(work: Work, operation: str | None, **options: Any) -> None:
    """Rules that match; without options, all."""
    found = access.acls(work.client, _filter(options, operation))
    work.out.rows((one._asdict() for one in found), empty="there are no rules")


@acl.command("create")
@described
@click.option("--operation", "operations", multiple=True, type=click.Choice(list(access.OPERATIONS)), required=True)
@asking
def create(work: Work, operations: tuple[str, ...], **options: Any) -> None:
    """Allow (or --deny) operations on one resource."""
    resource, name = _resource(options)
    if resource is None or options["principal"] is None:
        raise click.UsageError("Say what the rule is about (--topic, --group, --cluster ...) and whom (--principal).")
    pattern = "prefixed" if options["prefixed"] else "literal"
    permission = "deny" if options["deny"] else "allow"
    rules = [
        Acl(resource, name, pattern, options["principal"], options["host"] or "*", operation, permission)
        for operation in operations
    ]
    access.create_acls(work.client, rules)
    work.out.rows(one._asdict() for one in rules)


@acl.command("delete")
@described
@click.option("--operation", type=click.Choice(list(access.OPERATIONS)), help="Only rules about this.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@asking
def delete(work: Work, operation: str | None, yes: bool, **options: Any) -> None:
    """Delete the rules that match."""
    wanted = _filter(options, operation)
    found = access.acls(work.client, wanted)
    if not found:
        raise ClientError("no rule matches")
    sure(f"Delete {len(found)} rules?", yes)
    work.out.rows(one._asdict() for one in access.delete_acls(work.client, wanted))


def _resource(options: dict[str, Any]) -> tuple[str | None, str | None]:
    said = [(name, options[name.replace("-", "_")]) for name in _RESOURCES if options[name.replace("-", "_")]]
    said += [("cluster", access.CLUSTER)] if options["cluster"] else []
    if len(said) > 1:
        raise click.UsageError("One rule is about one resource.")
    return said[0] if said else (None, None)


def _filter(options: dict[str, Any], operation: str | None) -> Acl:
    resource, name = _resource(options)
    pattern = "prefixed" if options["prefixed"] else "any"
    permission = "deny" if options["deny"] else None
    return Acl(resource, name, pattern, options["principal"], options["host"], operation, permission)
