"""`kbroker doctor HOST:PORT`: why a client cannot work with that Kafka, in words.

Each step is one that every client takes, in the same order: find the address, connect, agree on versions, log in, ask
for the brokers, and connect to what they advertise. The first step that fails is usually the answer; what comes after
says more where it can. Exit status 0 when all is well, 1 when something is in the way.
"""

from __future__ import annotations

import ipaddress
import socket
import ssl
from collections.abc import Callable, Iterator
from typing import NamedTuple

import click

from kbroker.cli._asking import sentences
from kbroker.cli._tables import Output
from kbroker.client.cluster import Client
from kbroker.client.connection import Address, Connection
from kbroker.client.errors import ClientError, LoginFailed, Unreachable
from kbroker.client.security import Security
from kbroker.client.settings import Settings, properties, settings
from kbroker.listeners import place
from wire.errors import KafkaError
from wire.messages.sasl_handshake import SaslHandshakeRequest, SaslHandshakeResponse
from wire.registry import APIS

OK, WARNING, BAD = "ok", "warning", "bad"
QUICK_S = 3.0

NEEDED = {
    "produce and fetch (any client)": (("Produce", 3), ("Fetch", 4), ("Metadata", 1), ("ListOffsets", 1)),
    "classic groups (any client)": (("JoinGroup", 2), ("SyncGroup", 1), ("OffsetCommit", 2), ("OffsetFetch", 1)),
    "Java clients 4.x (Kafka 2.1 or newer)": (("Fetch", 10), ("Produce", 7)),
    "transactions": (("InitProducerId", 0), ("AddPartitionsToTxn", 0), ("EndTxn", 0)),
    "consumer protocol, KIP-848": (("ConsumerGroupHeartbeat", 0),),
    "share groups, KIP-932": (("ShareFetch", 1),),
}
OPTIONAL = 4
"""The first rows are what every client needs; the lack of the others is only told."""


class Finding(NamedTuple):
    verdict: str
    what: str


@click.command("doctor")
@click.argument("bootstrap", metavar="HOST:PORT")
@click.option("--command-config", metavar="FILE", help="The properties that the client uses.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def doctor(bootstrap: str, command_config: str | None, as_json: bool) -> None:
    """Say why a client cannot work with the Kafka at this address."""
    with sentences():
        texts = properties(command_config) if command_config is not None else {}
        asked = settings(bootstrap, texts, timeout=QUICK_S)
    out = Output(as_json)
    findings = []
    for finding in examine(asked):
        findings.append(finding)
        out.say(f"{finding.verdict:>7}  {finding.what}")
    if as_json:
        out.json([finding._asdict() for finding in findings])
    if any(finding.verdict == BAD for finding in findings):
        raise SystemExit(1)
    out.say("a client with these settings should work")


def examine(asked: Settings) -> Iterator[Finding]:
    """Every step as it is taken."""
    for address in asked.bootstrap:
        yield from _named(address)
        try:
            connection = _connected(address, asked)
        except LoginFailed as error:
            yield Finding(BAD, str(error))
            continue
        except ClientError as error:
            yield Finding(BAD, str(error))
            yield from _why_not(address, asked)
            continue
        yield Finding(OK, f"{place(*address)} answers" + (" over TLS" if asked.security.tls else ""))
        yield from _versions(connection)
        connection.close()
        yield from _cluster(asked._replace(bootstrap=[address]))


def _connected(address: Address, asked: Settings) -> Connection:
    return Connection(address, asked.security, client_id=asked.client_id, timeout=QUICK_S)


def _named(address: Address) -> Iterator[Finding]:
    """What the name means here. A client tries the addresses in this order."""
    host, port = address
    try:
        found = list(dict.fromkeys(info[4][0] for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)))
    except OSError as error:
        yield Finding(BAD, f"{host} is no name that this machine can resolve ({error.strerror or error})")
        return
    open_ones = [one for one in found if _opens((str(one), port))]
    if len(found) > 1 and open_ones and len(open_ones) < len(found):
        closed = ", ".join(str(one) for one in found if one not in open_ones)
        yield Finding(
            WARNING,
            f"{host} is {', '.join(map(str, found))}, but nobody listens on {closed}: clients that do not try them all "
            f"fail or wait; {open_ones[0]} in place of the name avoids it",
        )


def _opens(address: Address) -> bool:
    try:
        socket.create_connection(address, QUICK_S).close()
    except OSError:
        return False
    return True


def _why_not(address: Address, asked: Settings) -> Iterator[Finding]:
    """Somebody may listen there in another protocol than the client speaks."""
    if not _opens(address):
        return
    if asked.security.tls:
        plain = asked._replace(security=Security())
        if _works(lambda: _connected(address, plain)):
            yield Finding(BAD, "without TLS it answers: security.protocol is PLAINTEXT there, or SASL_PLAINTEXT")
    elif _works(lambda: _speaks_tls(address)):
        yield Finding(BAD, "it speaks TLS there: security.protocol must be SSL or SASL_SSL")
    else:
        yield Finding(BAD, "somebody listens there, but it is no Kafka broker, or one that takes nobody yet")


def _speaks_tls(address: Address) -> None:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with socket.create_connection(address, QUICK_S) as plain:
        context.wrap_socket(plain, server_hostname=address[0]).close()


def _works(attempt: Callable[[], object]) -> bool:
    try:
        attempt()
    except (OSError, ClientError):
        return False
    return True


def _versions(connection: Connection) -> Iterator[Finding]:
    keys = {api.kafka_name: api.key for api in APIS.values()}
    for at, (use, needs) in enumerate(NEEDED.items()):
        lacking = [f"{name} v{version}" for name, version in needs if not connection.has(keys[name], version)]
        if lacking:
            yield Finding(WARNING if at >= OPTIONAL else BAD, f"no {use}: {', '.join(lacking)} is not there")
    yield Finding(OK, f"it has {len(connection.versions)} APIs")


def _cluster(asked: Settings) -> Iterator[Finding]:
    """What Metadata says, and whether it can be reached from here."""
    with Client(asked) as client:
        try:
            answer = client.metadata(())
        except Unreachable:
            yield Finding(BAD, f"it closes the connection when asked for anything{_mechanisms(asked)}")
            return
        except (ClientError, KafkaError) as error:
            yield Finding(BAD, str(error))
            return
        if not answer.brokers:
            yield Finding(BAD, "the cluster names no broker at all")
        for broker in sorted(answer.brokers, key=lambda one: one.node_id):
            yield from _advertised(client, broker.node_id, (broker.host, broker.port), asked)
        try:
            client.coordinator("kbroker-doctor")
        except (ClientError, KafkaError) as error:
            yield Finding(BAD, f"groups find no coordinator: {error}")
        else:
            yield Finding(OK, "groups have a coordinator")


def _mechanisms(asked: Settings) -> str:
    if asked.security.mechanism is not None:
        return ""
    try:
        connection = _connected(asked.bootstrap[0], asked)
        offered = connection.call(SaslHandshakeRequest(mechanism="?"), SaslHandshakeResponse).mechanisms
        connection.close()
    except ClientError:
        return ": it may want a login (SASL)"
    return f": it wants a login, one of {', '.join(offered)} (security.protocol SASL_...)"


def _advertised(client: Client, node: int, address: Address, asked: Settings) -> Iterator[Finding]:
    told = place(*address)
    if address in asked.bootstrap:
        yield Finding(OK, f"broker {node} advertises {told}, where it was asked")
        return
    try:
        client.node(node)
    except (ClientError, KafkaError) as error:
        yield Finding(
            BAD, f"broker {node} advertises {told}, where this client cannot reach it: {error}.{_hint(address, asked)}"
        )
    else:
        yield Finding(OK, f"broker {node} advertises {told}, which answers")


def _hint(address: Address, asked: Settings) -> str:
    """What usually is behind an address that leads nowhere."""
    host = address[0]
    asked_host = asked.bootstrap[0][0]
    if host in ("0.0.0.0", "::"):
        return " That is no address of a machine: set advertised.listeners."
    if host in ("localhost", "127.0.0.1", "::1") and asked_host not in ("localhost", "127.0.0.1", "::1"):
        return " That is every machine's name for itself: set advertised.listeners to what clients can reach."
    try:
        ipaddress.ip_address(host)
    except ValueError:
        try:
            socket.getaddrinfo(host, None)
        except OSError:
            return (
                f" The name {host} is not known here (inside containers it may be): add a listener that advertises "
                f"{asked_host}, or let this machine resolve the name."
            )
    return f" Set advertised.listeners to an address like {asked_host}, or open the way to it."
