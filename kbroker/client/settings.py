"""Where to connect, and how: bootstrap addresses and the properties files of Kafka's own tools (--command-config).

Of such a file these names act: client.id, request.timeout.ms, security.protocol, sasl.mechanism, sasl.jaas.config (its
username, password and tokenauth), ssl.truststore.location and ssl.keystore.location (PEM files), ssl.key.password,
ssl.endpoint.identification.algorithm. librdkafka's sasl.username, sasl.password, ssl.ca.location,
ssl.certificate.location, ssl.key.location and enable.ssl.certificate.verification are taken as well. Other names mean
nothing here, and are left alone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from kbroker.client.connection import Address
from kbroker.client.errors import ClientError
from kbroker.client.security import Security
from kbroker.properties import parse_properties

DEFAULT_PORT = 9092
PROTOCOLS = ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")

_CREDENTIAL = re.compile(r'\b(username|password|unsecuredLoginStringClaim_sub)\s*=\s*"((?:[^"\\]|\\.)*)"')
_BY_TOKEN = re.compile(r'\btokenauth\s*=\s*"?true\b', re.IGNORECASE)


class Settings(NamedTuple):
    """`timeout` in seconds: how long an answer may take, and how long something may be tried again."""

    bootstrap: Sequence[Address]
    security: Security = Security()
    client_id: str = "kbroker-cli"
    timeout: float = 15.0


def addresses(text: str) -> list[Address]:
    """HOST[:PORT],... with IPv6 addresses in brackets."""
    found = []
    for item in filter(None, (part.strip() for part in text.rpartition("://")[2].split(","))):
        host, colon, port = item.rpartition(":")
        if not colon or item.endswith("]"):
            host, port = item, str(DEFAULT_PORT)
        bare = host.removeprefix("[").removesuffix("]")
        if not bare or not port.isdecimal() or int(port) > 65535 or (":" in bare and not host.startswith("[")):
            raise ClientError(f"{item!r} is no address; HOST:PORT is wanted")
        found.append((bare, int(port)))
    if not found:
        raise ClientError("no address to connect to; HOST:PORT is wanted")
    return found


def properties(path: str) -> dict[str, str]:
    """The names and values of a Java properties file."""
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not text"
        raise ClientError(f"cannot read {path}: {(why or str(error)).lower()}") from None
    return parse_properties(text)


def settings(bootstrap: str, texts: Mapping[str, str], *, timeout: float | None = None) -> Settings:
    """What a properties file and the options say together. A scheme in `bootstrap` (SASL_SSL://...) is its protocol."""
    scheme = bootstrap.partition("://")[0].upper() if "://" in bootstrap else None
    wait = timeout if timeout is not None else float(texts.get("request.timeout.ms", 15_000)) / 1000
    return Settings(addresses(bootstrap), _security(texts, scheme), texts.get("client.id", "kbroker-cli"), wait)


def _security(texts: Mapping[str, str], scheme: str | None) -> Security:
    protocol = scheme or texts.get("security.protocol", "PLAINTEXT").upper()
    if protocol not in PROTOCOLS:
        raise ClientError(f"security.protocol is {protocol}; there are {', '.join(PROTOCOLS)}")
    jaas = dict(_CREDENTIAL.findall(texts.get("sasl.jaas.config", "")))
    mechanism = texts.get("sasl.mechanism", texts.get("sasl.mechanisms", "PLAIN")).upper()
    keystore = texts.get("ssl.keystore.location", texts.get("ssl.certificate.location"))
    for name in ("ssl.truststore.type", "ssl.keystore.type"):
        if texts.get(name, "PEM").upper() != "PEM":
            raise ClientError(f"{name} is {texts[name]}; only PEM files can be read here")
    return Security(
        tls=protocol.endswith("SSL"),
        ca_file=texts.get("ssl.truststore.location", texts.get("ssl.ca.location")),
        certificate_file=keystore,
        key_file=texts.get("ssl.key.location", keystore),
        key_password=texts.get("ssl.key.password"),
        check_hostname=texts.get("ssl.endpoint.identification.algorithm", "https").lower() not in ("", "none"),
        verify=texts.get("enable.ssl.certificate.verification", "true") != "false",
        mechanism=mechanism if protocol.startswith("SASL") else None,
        username=_plainly(jaas.get("username", texts.get("sasl.username", ""))),
        password=_plainly(jaas.get("password", texts.get("sasl.password", ""))),
        token=texts.get("kbroker.oauth.token", ""),
        by_delegation_token=_BY_TOKEN.search(texts.get("sasl.jaas.config", "")) is not None,
    )


def _plainly(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text)
