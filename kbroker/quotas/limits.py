"""What clients have used of their quotas, and for how long one that used too much has to wait.

Only what has a quota is counted. A quota that changes leaves the counts as they are, as in Kafka.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, TypeVar

from kbroker.quotas.entities import Entity, limit_of, limit_of_address
from kbroker.quotas.rates import Bucket, Rate, Windows

PRODUCE, FETCH, REQUEST = "producer_byte_rate", "consumer_byte_rate", "request_percentage"
MUTATION, CONNECTION = "controller_mutation_rate", "connection_creation_rate"

_Key = tuple[str, str, str]
_Kept = TypeVar("_Kept", Rate, Bucket)

_MOST_KEPT = 10_000
GRAINS_PER_SECOND = 1000
_ANY = 1 << 62
_PRINCIPAL = "User:"


class Meter:
    """One quota as it holds for a client: what may be charged to the rate, which belongs to all whom the quota limits
    together. What is too little to matter waits in `pending` until it is `grain`: then all of it is charged."""

    __slots__ = ("bound", "grain", "most", "pending", "rate")

    def __init__(self, bound: float, rate: Rate) -> None:
        self.bound = bound
        self.rate = rate
        self.most = int(bound * (rate.windows.number - 1) * rate.windows.length_ms / 1000)
        """The most that could ever be admitted at once."""
        self.grain = bound / GRAINS_PER_SECOND
        self.pending = 0


class Allowance(NamedTuple):
    """What is limited of one client; None: as much as it likes."""

    produce: Meter | None
    fetch: Meter | None
    request: Meter | None


class Limits:
    """`changed` tells all quotas; `kinds` are those that anybody has. `allowances` has the clients that are known, by
    principal and client id, until quotas change; others are looked up by `allowance`. `surely` is what one Fetch may
    bring of whomever it is."""

    def __init__(self, windows: Windows, controller_windows: Windows) -> None:
        self.windows = windows
        self._controller_windows = controller_windows
        self._quotas: Mapping[Entity, Mapping[str, float]] = {}
        self._rates: dict[_Key, Rate] = {}
        self._buckets: dict[_Key, Bucket] = {}
        self.allowances: dict[tuple[str, str | None], Allowance] = {}
        self.kinds: frozenset[str] = frozenset()
        self.surely = 0

    def changed(self, quotas: Mapping[Entity, Mapping[str, float]]) -> None:
        self._quotas = quotas
        self.allowances.clear()
        self.kinds = frozenset(name for values in quotas.values() for name in values)
        bounds = [values[FETCH] for values in quotas.values() if FETCH in values]
        self.surely = Meter(min(bounds), Rate(self.windows)).most if bounds else _ANY

    def allowance(self, principal: str, client_id: str | None) -> Allowance:
        """That of a client which is not among `allowances` yet."""
        user, name = principal.removeprefix(_PRINCIPAL), client_id or ""
        produce, fetch, request = (self.meter(what, user, name) for what in (PRODUCE, FETCH, REQUEST))
        if len(self.allowances) >= _MOST_KEPT:
            self.allowances.clear()
        made = self.allowances[principal, client_id] = Allowance(produce, fetch, request)
        return made

    def meter(self, what: str, user: str, client_id: str) -> Meter | None:
        limit = limit_of(self._quotas, what, user, client_id)
        return None if limit is None else Meter(limit.bound, self._rate((what, limit.user, limit.client_id)))

    def mutate(self, user: str, client_id: str, count: int, now: int, *, strict: bool) -> tuple[bool, int]:
        """Count changes to topics: whether they are admitted, and how long to wait. Strictly, nothing is admitted or
        counted while the client owes; else everything is, and the client waits afterwards (KIP-599)."""
        limit = limit_of(self._quotas, MUTATION, user, client_id)
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
        wait_ms = rate.charge(1, bound, now)
        if wait_ms:
            rate.record(-1, now)
        return wait_ms

    def _rate(self, key: _Key) -> Rate:
        rate = self._rates.get(key)
        if rate is None:
            if _make_room(self._rates):
                self.allowances.clear()  # one of them may know the rate that has gone
            rate = self._rates[key] = Rate(self.windows)
        return rate


def _make_room(table: dict[_Key, _Kept]) -> bool:
    """Clients choose their ids: the one known longest is forgotten."""
    if len(table) < _MOST_KEPT:
        return False
    del table[next(iter(table))]
    return True
