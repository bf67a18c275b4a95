"""SCRAM credentials of users (KIP-554), as Kafka's `ScramControlManager` keeps them: what is stored proves a login and
cannot make one.

From the salted password that the client sends come, as RFC 5802 says, the stored key, the hash of HMAC(salted,
"Client Key"), and the server key, HMAC(salted, "Server Key"). Pure.
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from typing import NamedTuple

from wire.errors import ErrorCode, KafkaError

HASHES = {1: "sha256", 2: "sha512"}
LEAST_ITERATIONS, MOST_ITERATIONS = 4096, 16384


class Credential(NamedTuple):
    """What is kept of one mechanism of one user."""

    iterations: int
    salt: bytes
    stored_key: bytes
    server_key: bytes


class Deletion(NamedTuple):
    user: str
    mechanism: int


class Upsertion(NamedTuple):
    user: str
    mechanism: int
    iterations: int
    salt: bytes
    salted_password: bytes

    def __repr__(self) -> str:
        return f"Upsertion(user={self.user!r}, mechanism={self.mechanism})"  # it may be logged


def judge(
    deletions: Sequence[Deletion], upsertions: Sequence[Upsertion], known: Container[tuple[str, int]]
) -> Mapping[str, KafkaError | None]:
    """Each user of the request, in Kafka's order, with what is wrong: the first fault that is found, deletions before
    upsertions, and a second change of a user without any is one."""
    changes: list[Deletion | Upsertion] = [*deletions, *upsertions]
    users = [one.user for one in upsertions] + [one.user for one in deletions]
    found: dict[str, KafkaError | None] = dict.fromkeys(users)
    seen: set[str] = set()
    for change in changes:
        user = change.user
        if found[user] is None:  # the first fault of a user is the one that is told
            found[user] = _twice() if user in seen else _judge_alone(change, known)
            seen.add(user)
    return found


def _judge_alone(change: Deletion | Upsertion, known: Container[tuple[str, int]]) -> KafkaError | None:
    fault = _fault(change.user, change.mechanism)
    if fault is not None:
        return fault
    if isinstance(change, Upsertion):
        return _weakness(change)
    if tuple(change) in known:
        return None
    return KafkaError(ErrorCode.RESOURCE_NOT_FOUND, "Attempt to delete a user credential that does not exist")


def _twice() -> KafkaError:
    return KafkaError(ErrorCode.DUPLICATE_RESOURCE, "A user credential cannot be altered twice in the same request")


def _fault(user: str, mechanism: int) -> KafkaError | None:
    if not user:
        return KafkaError(ErrorCode.UNACCEPTABLE_CREDENTIAL, "Username must not be empty")
    if mechanism not in HASHES:
        return KafkaError(ErrorCode.UNSUPPORTED_SASL_MECHANISM, "Unknown SCRAM mechanism")
    return None


def _weakness(upsertion: Upsertion) -> KafkaError | None:
    reason = None
    if upsertion.iterations > MOST_ITERATIONS:
        reason = "Too many iterations"
    elif upsertion.iterations < LEAST_ITERATIONS:
        reason = "Too few iterations"
    elif not upsertion.salted_password:
        reason = "The salted password must not be empty"
    return None if reason is None else KafkaError(ErrorCode.UNACCEPTABLE_CREDENTIAL, reason)


def credential(upsertion: Upsertion) -> Credential:
    """What is kept of it."""
    from hashlib import new
    from hmac import digest

    name, salted = HASHES[upsertion.mechanism], upsertion.salted_password
    stored_key = new(name, digest(salted, b"Client Key", name)).digest()
    return Credential(upsertion.iterations, upsertion.salt, stored_key, digest(salted, b"Server Key", name))
