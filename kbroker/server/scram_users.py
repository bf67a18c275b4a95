"""SCRAM users from the command line: the first ones of a cluster, stored as if a tool had added them, and those of
`kbroker.sasl.users`, which are never stored.

    kbroker.scram.users    SCRAM-SHA-512=[name=alice,password=secret], SCRAM-SHA-256=[name=bob,...,iterations=8192]

The form is that of `kafka-storage format --add-scram`. A user who has a credential of that mechanism keeps it: whoever
changed a password with a tool finds it changed after a restart.
"""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Iterator
from hashlib import pbkdf2_hmac
from typing import TYPE_CHECKING

from kbroker.catalog.users import HASHES, LEAST_ITERATIONS, MOST_ITERATIONS, Upsertion
from kbroker.config import ConfigError

if TYPE_CHECKING:
    from kbroker.cluster import Cluster

NAME = "kbroker.scram.users"
NUMBERS = {"SCRAM-SHA-256": 1, "SCRAM-SHA-512": 2}
SALT_BYTES = 32

_ITEM = re.compile(r'\s*([A-Z0-9-]+)\s*=\s*\[((?:"[^"]*"|[^\]"])*)\]\s*(?:,|$)')
_OPTION = re.compile(r'\s*(\w+)\s*=\s*(?:"([^"]*)"|([^,"]*))\s*(?:,|$)')
_KNOWN = ("name", "password", "salt", "saltedpassword", "iterations")


def salted(cluster: Cluster, mechanism: int, user: str, password: str, iterations: int = LEAST_ITERATIONS) -> Upsertion:
    """What a tool would send for this password. Takes some milliseconds."""
    salt = cluster.world.secret(SALT_BYTES)
    return _upsertion(mechanism, user, password, salt, iterations)


async def add_scram_users(cluster: Cluster) -> None:
    """Store those who are not there yet."""
    wanted = list(parse(cluster, cluster.config[NAME]))
    missing = [one for one in wanted if (one.user, one.mechanism) not in cluster.catalog.users]
    for number in NUMBERS.values():  # one change for each user at a time
        batch = [one for one in missing if one.mechanism == number]
        outcomes = await cluster.catalog.alter_users([], batch) if batch else {}
        for user, error in outcomes.items():
            if error is not None:
                raise ConfigError(f"Invalid value for configuration {NAME}: user {user}: {error.message}")


def parse(cluster: Cluster, text: str) -> Iterator[Upsertion]:
    at, number = 0, 0
    while at < len(text.rstrip()):
        number += 1
        item = _ITEM.match(text, at)
        if item is None or item[1] not in NUMBERS:
            raise _wrong(number, "it is no SCRAM-SHA-256=[...] or SCRAM-SHA-512=[...]")
        at = item.end()
        yield _user(cluster, number, NUMBERS[item[1]], _options(number, item[2]))


def _options(number: int, text: str) -> dict[str, str]:
    options: dict[str, str] = {}
    at = 0
    while at < len(text):
        option = _OPTION.match(text, at)
        if option is None or option[1] not in _KNOWN or option[1] in options:
            raise _wrong(number, f"each of {', '.join(_KNOWN)} may stand in it once, and nothing else")
        options[option[1]] = option[2] if option[2] is not None else option[3].strip()
        at = option.end()
    return options


def _user(cluster: Cluster, number: int, mechanism: int, options: dict[str, str]) -> Upsertion:
    if not options.get("name"):
        raise _wrong(number, "it has no name")
    if bool(options.get("password")) == bool(options.get("saltedpassword")):
        raise _wrong(number, "it needs a password or a saltedpassword")
    iterations = options.get("iterations", str(LEAST_ITERATIONS))
    if not iterations.isdecimal() or not LEAST_ITERATIONS <= int(iterations) <= MOST_ITERATIONS:
        raise _wrong(number, f"iterations is from {LEAST_ITERATIONS} to {MOST_ITERATIONS}")
    try:
        salt = b64decode(options["salt"], validate=True) if "salt" in options else cluster.world.secret(SALT_BYTES)
        prepared = b64decode(options.get("saltedpassword", ""), validate=True)
    except ValueError:
        raise _wrong(number, "salt and saltedpassword are base64") from None
    if prepared and "salt" not in options:
        raise _wrong(number, "a saltedpassword needs its salt")
    if prepared:
        return Upsertion(options["name"], mechanism, int(iterations), salt, prepared)
    return _upsertion(mechanism, options["name"], options["password"], salt, int(iterations))


def _upsertion(mechanism: int, user: str, password: str, salt: bytes, iterations: int) -> Upsertion:
    prepared = pbkdf2_hmac(HASHES[mechanism], password.encode(), salt, iterations)
    return Upsertion(user, mechanism, iterations, salt, prepared)


def _wrong(number: int, reason: str) -> ConfigError:
    return ConfigError(f"Invalid value for configuration {NAME}: number {number}: {reason}")
