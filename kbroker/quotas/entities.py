"""Whose quota counts for a client (KIP-13, KIP-55, KIP-257): the most particular one that has the value. Pure.

    user and client id      user and any client id      user
    any user and client id  any user and any client id  any user
    client id               any client id

What is counted together goes by the level: a quota of a user is one for all of the user's clients; one of a user and
client id (or the default of it) is one for each pair. As Kafka's `ClientQuotaManager.DefaultQuotaCallback`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

Entity = tuple[tuple[str, str | None], ...]

USER, CLIENT_ID, IP = "user", "client-id", "ip"


class Limit(NamedTuple):
    """A quota, and the name under which all that it limits together is counted."""

    bound: float
    user: str
    client_id: str


def limit_of(quotas: Mapping[Entity, Mapping[str, float]], what: str, user: str, client_id: str) -> Limit | None:
    for of_user in (user, None, ""):
        for of_client in (client_id, None, ""):
            parts = ((CLIENT_ID, of_client), (USER, of_user))
            entity = tuple((kind, name) for kind, name in parts if name != "")
            bound = quotas.get(entity, {}).get(what)
            if entity and bound is not None:
                return Limit(bound, user if of_user != "" else "", client_id if of_client != "" else "")
    return None


def limit_of_address(quotas: Mapping[Entity, Mapping[str, float]], what: str, address: str) -> float | None:
    for name in (address, None):
        bound = quotas.get(((IP, name),), {}).get(what)
        if bound is not None:
            return bound
    return None
