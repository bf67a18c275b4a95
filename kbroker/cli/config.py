"""`kbroker config`: configs of topics, brokers, groups, client metrics and loggers.

KIND is topic, broker, broker-logger, group or client-metrics. A broker is named by its number; `default` stands for the
defaults of all brokers. For the loggers of a broker the values are levels.
"""

from __future__ import annotations

import click

from kbroker.cli._asking import Work, asking, pairs
from kbroker.client.configs import KINDS, SOURCES, described, resources
from kbroker.client.configs import alter as alter_configs

DEFAULTS_OF_ALL = "default"
STATIC = (0, 4, 5)

KIND = click.Choice(list(KINDS))


@click.group("config")
def config() -> None:
    """List, describe and alter configs."""


@config.command("list")
@click.argument("kind", type=KIND)
@asking
def list_(work: Work, kind: str) -> None:
    """What of this kind has configs."""
    names = resources(work.client, KINDS[kind])
    work.out.rows(({"name": name or DEFAULTS_OF_ALL} for name in names), empty=f"there is no {kind} with configs")


@config.command("describe")
@click.argument("kind", type=KIND)
@click.argument("name")
@click.option("--all", "everything", is_flag=True, help="Those that are at their default, too.")
@click.option("--help-texts", is_flag=True, help="With the documentation of each.")
@asking
def describe(work: Work, kind: str, name: str, everything: bool, help_texts: bool) -> None:
    """What is set, and by whom. Secrets are not told."""
    found = described(work.client, KINDS[kind], _named(kind, name), documentation=help_texts)
    work.out.rows(
        (
            {
                "config": one.name,
                "value": one.value,
                "source": SOURCES.get(one.config_source, str(one.config_source)),
                "read_only": one.read_only,
                "sensitive": one.is_sensitive,
            }
            | ({"documentation": one.documentation} if help_texts else {})
            for one in found
            if everything or one.config_source not in STATIC
        ),
        empty="nothing is set here (--all shows the defaults)",
    )


@config.command("alter")
@click.argument("kind", type=KIND)
@click.argument("name")
@click.option("--set", "put", multiple=True, metavar="NAME=VALUE", help="Set a config.")
@click.option("--delete", multiple=True, metavar="NAME", help="Go back to what it is without.")
@click.option("--append", multiple=True, metavar="NAME=ITEM,...", help="Add to a config that is a list.")
@click.option("--subtract", multiple=True, metavar="NAME=ITEM,...", help="Take from a config that is a list.")
@click.option("--dry-run", is_flag=True, help="Only say whether it would work.")
@asking
def alter(
    work: Work,
    kind: str,
    name: str,
    put: tuple[str, ...],
    delete: tuple[str, ...],
    append: tuple[str, ...],
    subtract: tuple[str, ...],
    dry_run: bool,
) -> None:
    """Change some configs and leave the others as they are."""
    if not (put or delete or append or subtract):
        raise click.UsageError("Nothing to alter: say --set, --delete, --append or --subtract.")
    alter_configs(
        work.client,
        KINDS[kind],
        _named(kind, name),
        put=pairs(put, "--set"),
        delete=delete,
        append=pairs(append, "--append"),
        subtract=pairs(subtract, "--subtract"),
        validate_only=dry_run,
    )
    work.out.say(f"{kind} {name} could be altered" if dry_run else f"{kind} {name} altered")


def _named(kind: str, name: str) -> str:
    return "" if kind == "broker" and name == DEFAULTS_OF_ALL else name
