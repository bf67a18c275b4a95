"""Where a broker listens, and what it tells clients to connect to: Kafka's three configs as one list.

    listeners                        NAME://HOST:PORT, ...     where to listen; port 0 picks a free one
    advertised.listeners             NAME://HOST:PORT, ...     what clients are told, paired by name
    listener.security.protocol.map   NAME:PROTOCOL, ...        PLAINTEXT, SSL, SASL_PLAINTEXT, SASL_SSL

An IPv6 address stands in brackets. An empty host, 0.0.0.0 and :: mean all addresses: without an advertised host clients
are told the address that their connection came in on. Names of `controller.listener.names` are not listened on, since
there is no controller to talk to.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from kbroker.config import Config, ConfigError
from kbroker.context import WILDCARD, Listener

DEFAULT_NAME = "PLAINTEXT"
EVERYWHERE = ("", "0.0.0.0", "::")


class Address(NamedTuple):
    """NAME://HOST:PORT."""

    name: str
    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.name}://{place(self.host, self.port)}"


class ListenerSpec(NamedTuple):
    """One listener as it was asked for. Port 0 is not decided yet; an advertised port 0 is the port listened on."""

    name: str
    security_protocol: str
    host: str
    port: int
    advertised_host: str
    advertised_port: int


def place(host: str, port: int) -> str:
    """HOST:PORT, with an IPv6 address in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def parse_address(text: str, config_name: str) -> Address:
    """[NAME://]HOST:PORT. `config_name` is what to blame."""
    name, separator, rest = text.rpartition("://")
    host, colon, port = rest.rpartition(":")
    if not separator:
        name = DEFAULT_NAME
    bracketed = host.startswith("[") and host.endswith("]")
    if not colon or not name or not port.isdecimal() or int(port) > 65535 or (":" in host and not bracketed):
        raise ConfigError(f"Invalid value {text} for configuration {config_name}: Expected [NAME://]HOST:PORT")
    return Address(name.upper(), host[1:-1] if bracketed else host, int(port))


def listeners(config: Config) -> list[ListenerSpec]:
    """All listeners that the config asks for."""
    protocols = _protocols(config)
    not_ours = set(config["controller.listener.names"])
    wanted = [one for one in _addresses(config, "listeners") if one.name not in not_ours]
    advertised = {one.name: one for one in _addresses(config, "advertised.listeners") if one.name not in not_ours}
    if not wanted:
        raise ConfigError("Invalid value for configuration listeners: There is nothing to listen on")
    for name, address in advertised.items():
        if name not in {one.name for one in wanted}:
            raise ConfigError(f"advertised.listeners has {address}, but no listener is called {name}")
        if address.host in EVERYWHERE:
            raise ConfigError(f"advertised.listeners has {address}, but clients cannot connect to that address")
    specs = []
    for one in wanted:
        protocol = protocols.get(one.name)
        if protocol is None and config.is_set("listener.security.protocol.map"):
            raise ConfigError(f"listener.security.protocol.map has no security protocol for the listener {one.name}")
        told = advertised.get(one.name)
        host = told.host if told is not None else WILDCARD if one.host in EVERYWHERE else one.host
        port = told.port if told is not None else 0
        specs.append(ListenerSpec(one.name, protocol or "PLAINTEXT", one.host, one.port, host, port))
    return specs


def for_node(specs: Sequence[ListenerSpec], index: int) -> list[ListenerSpec]:
    """The listeners of the nth node of a process: each has a port of its own, counted up from the first node's."""
    return [
        spec._replace(
            port=spec.port and spec.port + index,
            advertised_port=spec.advertised_port and spec.advertised_port + index,
        )
        for spec in specs
    ]


def listener_of(spec: ListenerSpec) -> Listener:
    """The listener as a node has it; its ports are known once it listens."""
    return Listener(spec.name, spec.security_protocol, spec.host, spec.port, spec.advertised_host, spec.advertised_port)


def _addresses(config: Config, name: str) -> list[Address]:
    found = [parse_address(text, name) for text in config[name] or ()]
    for position, address in enumerate(found):
        if address.name in {before.name for before in found[:position]}:
            raise ConfigError(f"{name} has two listeners called {address.name}")
    return found


def _protocols(config: Config) -> dict[str, str]:
    name = "listener.security.protocol.map"
    rows: dict[str, str] = {}
    for item in config[name].split(","):
        listener, colon, protocol = item.strip().partition(":")
        if not colon or protocol.upper() not in ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"):
            raise ConfigError(f"Invalid value {item} for configuration {name}: Expected NAME:PROTOCOL")
        rows[listener.upper()] = protocol.upper()
    return rows
