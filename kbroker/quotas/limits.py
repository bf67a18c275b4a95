"""What clients have used of their quotas, and for how long one that used too much has to wait.

Only what has a quota is counted. A quota that changes leaves the counts as they are, as in Kafka.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from kbroker.quotas.entities import Entity, Limit, limit_of, limit_of_address
from kbroker.quotas.rates import Bucket, Rate, Windows

PRODUCE, FETCH, REQUEST = "producer_byte_rate", "consumer_byte_rate", "request_percentage"
MUTATION, CONNECTION = "controller_mutation_rate", "connection_creation_rate"

_Meter = TypeVar("_Meter", Rate, Bucket)
_Key = tuple[str, str, str]

_MOST_KEPT = 10_000


class Limits:
    """`changed` tells all quotas; `kinds` are those that anybody has."""

    def __init__(self, windows: Windows, controller_windows: Windows) -> None:
        self.windows = windows
        self._controller_windows = controller_windows
        self._quotas: Mapping[Entity, Mapping[str, float]] = {}
        self._found: dict[_Key, Limit | None] = {}
        self._rates: dict[_Key, Rate] = {}
        self._buckets: dict[_Key, Bucket] = {}
        self.kinds: frozenset[str] = frozenset()

    def changed(self, quotas: Mapping[Entity, Mapping[str, float]]) -> None:
        self._quotas = quotas
        self._found.clear()
        self.kinds = frozenset(name for values in quotas.values() for name in values)

    def limit(self, what: str, user: str, client_id: str) -> Limit | None:
        key = (what, user, client_id)
        try:
            return self._found[key]
        except KeyError:
            _make_room(self._found)
            found = self._found[key] = limit_of(self._quotas, what, user, client_id)
            return found

    def record(self, what: str, user: str, client_id: str, amount: float, now: int) -> int:
        """Count an amount; the milliseconds that the client has to wait."""
        limit = self.limit(what, user, client_id)
        if limit is None:
            return 0
        rate = self._rate((what, limit.user, limit.client_id))
        rate.record(amount, now)
        return rate.excess_ms(limit.bound, now)

    def unrecord(self, what: str, user: str, client_id: str, amount: float, now: int) -> None:
        """What was counted did not happen after all."""
        limit = self.limit(what, user, client_id)
        if limit is not None:
            self._rate((what, limit.user, limit.client_id)).record(-amount, now)

    def most_in_windows(self, what: str, user: str, client_id: str) -> float | None:
        """The most that could ever be admitted at once; None: no limit."""
        limit = self.limit(what, user, client_id)
        windows = self.windows
        return None if limit is None else limit.bound * (windows.number - 1) * windows.length_ms / 1000

    def mutate(self, user: str, client_id: str, count: int, now: int, *, strict: bool) -> tuple[bool, int]:
        """Count changes to topics: whether they are admitted, and how long to wait. Strictly, nothing is admitted or
        counted while the client owes; else everything is, and the client waits afterwards (KIP-599)."""
        limit = self.limit(MUTATION, user, client_id)
        if limit is None:
            return True, 0
        key = (MUTATION, limit.user, limit.client_id)
        bucket = self._buckets.get(key)
        if bucket is None:
            _make_room(self._buckets)
            bucket = self._buckets[key] = Bucket(self._controller_windows, limit.bound, now)
        owed_ms = bucket.debt_ms(limit.bound, now)
        if strict and owed_ms:
            return False, owed_ms
        bucket.take(count, limit.bound, now)
        return True, 0 if strict else bucket.debt_ms(limit.bound, now)

    def connect(self, address: str, now: int) -> int:
        """Count a connection from an address; how long it has to wait for it."""
        bound = limit_of_address(self._quotas, CONNECTION, address)
        if bound is None:
            return 0
        rate = self._rate((CONNECTION, address, ""))
        rate.record(1, now)
        wait_ms = rate.excess_ms(bound, now)
        if wait_ms:
            rate.record(-1, now)
        return wait_ms

    def _rate(self, key: _Key) -> Rate:
        rate = self._rates.get(key)
        if rate is None:
            _make_room(self._rates)
            rate = self._rates[key] = Rate(self.windows)
        return rate


def _make_room(table: dict[_Key, _Meter] | dict[_Key, Limit | None]) -> None:
    """Clients choose their ids: the one known longest is forgotten."""
    if len(table) >= _MOST_KEPT:
        del table[next(iter(table))]
