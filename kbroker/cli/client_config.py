"""`kbroker client-config CLIENT`: what a client library takes to connect, in the form that it takes it in.

Nobody is asked: what is printed says how to get to the address, and in, with what the options name. A properties file
of one client (--command-config) becomes the configuration of another one in this way, too.
"""

from __future__ import annotations

import json
from typing import Any

import click

from kbroker.cli._asking import DEFAULT, sentences
from kbroker.client.settings import properties, settings
from kbroker.testing import clients
from kbroker.testing.clients import CLIENTS, MECHANISMS, Access

PATH = click.Path(dir_okay=False)


@click.command("client-config")
@click.argument("client", metavar="CLIENT", type=click.Choice(CLIENTS))
@click.option("--to", default=DEFAULT, envvar="KBROKER_TO", metavar="HOST:PORT", help=f"The cluster.  [{DEFAULT}]")
@click.option("--command-config", metavar="FILE", help="Begin with these properties, of Java's or librdkafka's names.")
@click.option("--tls", is_flag=True, help="Over TLS.")
@click.option("--ca", metavar="FILE", type=PATH, help="Trust this authority (PEM); means --tls.")
@click.option(
    "--certificate", metavar="FILE", type=PATH, help="Show this certificate (PEM, with its key); means --tls."
)
@click.option("--sasl", type=click.Choice(MECHANISMS), help="How to log in.  [PLAIN with --user]")
@click.option("--user", metavar="NAME:PASSWORD", help="Who logs in.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON: names and values, files by their content.")
def client_config(client: str, as_json: bool, **options: Any) -> None:
    """Print what a client library takes to connect.

    \b
    kbroker client-config java --to localhost:9092 > client.properties
    kbroker client-config kafkajs --ca certs/ca.pem --sasl SCRAM-SHA-512 --user alice:secret
    """
    with sentences():
        access = _access(**options)
    try:
        text = (
            json.dumps(clients.client_config(client, access), indent=2)
            if as_json
            else clients.client_text(client, access)
        )
    except (TypeError, ValueError) as error:
        raise click.UsageError(str(error) if isinstance(error, ValueError) else _NO_JSON.format(client)) from None
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise click.ClickException(f"cannot read {error.filename}: {why}") from None
    click.echo(text)


_NO_JSON = "{} takes an object, which no JSON can hold; without --json it is printed as code"


def _access(
    to: str,
    command_config: str | None,
    tls: bool,
    ca: str | None,
    certificate: str | None,
    sasl: str | None,
    user: str | None,
) -> Access:
    asked = settings(to, properties(command_config) if command_config is not None else {})
    found = asked.security
    bootstrap = ",".join(f"[{host}]:{port}" if ":" in host else f"{host}:{port}" for host, port in asked.bootstrap)
    name, colon, password = (user or "").partition(":")
    if user is not None and not (name and colon):
        raise click.BadParameter(f"{user!r} is not NAME:PASSWORD", param_hint="--user")
    mechanism = sasl or found.mechanism or ("PLAIN" if user else "")
    if mechanism and mechanism not in MECHANISMS:
        raise click.UsageError(f"{mechanism} needs code of one's own in every client; {', '.join(MECHANISMS)} do not.")
    if mechanism and not (name or found.username):
        raise click.UsageError(f"{mechanism} needs --user NAME:PASSWORD.")
    return Access(
        bootstrap,
        bool(tls or ca or certificate or found.tls),
        ca or found.ca_file or "",
        certificate or found.certificate_file or "",
        mechanism,
        name or found.username,
        password if user else found.password,
    )
