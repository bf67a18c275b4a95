"""`kbroker user`: users that log in with SCRAM. The password is salted here; the cluster never gets to see it."""

from __future__ import annotations

import sys

import click

from kbroker.cli._asking import Work, asking, sure
from kbroker.client import access

MECHANISM = click.Choice(list(access.SCRAM))
PASSWORD = click.option(
    "--password", envvar="KBROKER_PASSWORD", help="Better left out: it is asked for, or taken from KBROKER_PASSWORD."
)
ITERATIONS = click.option("--iterations", type=click.IntRange(4096, 16384), default=4096, show_default=True)


@click.group("user")
def user() -> None:
    """List, describe, create, alter and delete SCRAM users."""


@user.command("list")
@asking
def list_(work: Work) -> None:
    """All users with a SCRAM password."""
    _show(work, access.users(work.client), "there are no users")


@user.command("describe")
@click.argument("names", nargs=-1, required=True)
@asking
def describe(work: Work, names: tuple[str, ...]) -> None:
    """The mechanisms of these users."""
    _show(work, access.users(work.client, names), "")


@user.command("create")
@click.argument("name")
@click.option("--mechanism", "mechanisms", type=MECHANISM, multiple=True, help="[default: SCRAM-SHA-512]")
@PASSWORD
@ITERATIONS
@asking
def create(work: Work, name: str, mechanisms: tuple[str, ...], password: str | None, iterations: int) -> None:
    """Add a user, or a mechanism to one."""
    _set(work, name, mechanisms or ("SCRAM-SHA-512",), password, iterations)
    work.out.say(f"{name} created")


@user.command("alter")
@click.argument("name")
@PASSWORD
@ITERATIONS
@asking
def alter(work: Work, name: str, password: str | None, iterations: int) -> None:
    """Another password, for all mechanisms that the user has."""
    _set(work, name, tuple(access.users(work.client, (name,))[name]), password, iterations)
    work.out.say(f"{name} altered")


@user.command("delete")
@click.argument("name")
@click.option("--mechanism", "mechanisms", type=MECHANISM, multiple=True, help="[default: all that the user has]")
@click.option("--yes", is_flag=True, help="Do not ask.")
@asking
def delete(work: Work, name: str, mechanisms: tuple[str, ...], yes: bool) -> None:
    """Take a user's passwords away."""
    found = access.users(work.client, (name,))[name]
    sure(f"Delete the user {name}?", yes)
    access.delete_user(work.client, name, mechanisms or tuple(found))
    work.out.say(f"{name} deleted")


def _set(work: Work, name: str, mechanisms: tuple[str, ...], password: str | None, iterations: int) -> None:
    if not password and not sys.stdin.isatty():
        raise click.UsageError("there is no terminal to ask for the password at: set KBROKER_PASSWORD")
    secret = password or click.prompt(f"Password of {name}", hide_input=True, confirmation_prompt=True, err=True)
    for mechanism in mechanisms:
        access.set_password(work.client, name, mechanism, secret, iterations)


def _show(work: Work, found: dict[str, dict[str, int]], empty: str) -> None:
    work.out.rows(
        (
            {"user": name, "mechanism": mechanism, "iterations": iterations}
            for name, mechanisms in sorted(found.items())
            for mechanism, iterations in sorted(mechanisms.items())
        ),
        empty=empty,
    )
