"""One fault: which requests it is for, which of them it meets, and what it has met so far.

Whether a request fits is asked of the request alone; whether it is met, of the counts and of dice with a seed of their
own: the same requests in the same order meet the same faults, in every run.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Collection, Iterator
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from kbroker.control.faults import topics
from kbroker.control.reading import key_of
from kbroker.control.shapes import Effect, Fault, Hit, Match, When
from kbroker.control.table import ControlError
from wire.batch import batches
from wire.errors import ErrorCode, ProtocolError
from wire.records import Record, iterate

if TYPE_CHECKING:
    from kbroker.context import Context
    from kbroker.control.faults.stale import Picture
    from kbroker.world import Handle
    from wire.schema import Request

FETCH, METADATA = 1, 3
MOST_LISTED = 1000
_DESCRIBE_TOPIC_PARTITIONS = 75


class Plan:
    """An installed fault. `api_keys` is None for every API."""

    def __init__(self, id: int, name: str, match: Match, when: When, effect: Effect) -> None:
        self.id = id
        self.name = name or f"fault {id}"
        self.match = match
        self.when = when
        self.effect = effect
        self.api_keys = None if match.api is None else frozenset(key_of(each) for each in match.api)
        self.codes = [_code(each) for each in effect.errors or ()]
        if effect.drop not in (None, "before", "after"):
            raise ControlError("argument", f'drop is "before" or "after" the request is handled, not {effect.drop!r}')
        self.times = when.times if when.times is not None else len(self.codes) if len(self.codes) > 1 else None
        self.dice = random.Random(when.seed)
        self.seen = self.met = 0
        self.is_over = False
        self.picture: Picture | None = None
        self.timer: Handle | None = None
        self.hits: deque[Hit] = deque(maxlen=MOST_LISTED)
        self.held: dict[int, Any] = {}
        self.problems: list[str] = []

    @property
    def is_used_up(self) -> bool:
        return (
            self.is_over
            or (self.times is not None and self.met >= self.times)
            or (self.when.nth is not None and self.seen >= self.when.nth)
        )

    @property
    def speaks_of_topics(self) -> bool:
        return self.match.topic is not None or self.match.partition is not None

    def fits(self, request: Request, ctx: Context) -> bool:
        """Whether the fault is for this request."""
        match = self.match
        if self.api_keys is not None and ctx.api_key not in self.api_keys:
            return False
        for wanted, found in (
            (match.version, ctx.version),
            (match.principal, ctx.connection.principal),
            (match.broker, ctx.node.id),
            (match.connection, ctx.connection.id),
        ):
            if wanted is not None and wanted != found:
                return False
        if match.client_id is not None and not fnmatchcase(ctx.client_id or "", match.client_id):
            return False
        return self._fits_inside(request, ctx)

    def _fits_inside(self, request: Request, ctx: Context) -> bool:
        match = self.match
        if match.group is not None and not _any(topics.values(request, "groupId"), match.group):
            return False
        if match.transactional_id is not None and not _any(
            topics.values(request, "transactionalId"), match.transactional_id
        ):
            return False
        if self.speaks_of_topics and not any(self.is_for(*each) for each in spoken_of(request, ctx)):
            return False
        if (match.record, match.record_key, match.header) != (None, None, None) and not any(
            self._fits_record(record) for record in _records(request)
        ):
            return False
        return match.where is None or _fits_fields(match.where, request.to_json(ctx.version))

    def is_for(self, topic: str, partition: int | None) -> bool:
        """Whether the fault is for this partition."""
        match = self.match
        if match.topic is not None and not fnmatchcase(topic, match.topic):
            return False
        return match.partition is None or partition is None or partition == match.partition

    def _fits_record(self, record: Record) -> bool:
        match = self.match
        return (
            (match.record is None or (record.value or b"").startswith(match.record))
            and (match.record_key is None or record.key == match.record_key)
            and (match.header is None or any(name == match.header for name, _ in record.headers))
        )

    def meets(self, marks: Collection[str]) -> bool:
        """Whether this one, which fits, is met: it counts."""
        when = self.when
        if (when.after is not None and when.after not in marks) or (when.until is not None and when.until in marks):
            return False
        if self.is_used_up:
            return False
        self.seen += 1
        if self.seen <= when.skip or (when.nth is not None and self.seen != when.nth):
            return False
        if when.probability < 1.0 and self.dice.random() >= when.probability:
            return False
        self.met += 1
        return True

    def next_code(self) -> ErrorCode | None:
        """The error for the request that was just met."""
        return self.codes[(self.met - 1) % len(self.codes)] if self.codes else None

    def delay_ms(self) -> float:
        jitter = self.effect.jitter_ms
        return self.effect.delay_ms + (self.dice.random() * jitter if jitter else 0)

    def shape(self) -> Fault:
        return Fault(
            self.id,
            self.name,
            self.match,
            self.when,
            self.effect,
            self.seen,
            list(self.hits),
            list(self.held),
            self.is_used_up,
            list(self.problems),
        )


def spoken_of(request: Request, ctx: Context) -> list[tuple[str, int | None]]:
    """The partitions that a request is about; also those that it does not repeat, because its session knows them."""
    catalog = ctx.cluster.catalog

    def name_of(topic_id: bytes) -> str | None:
        topic = catalog.topic_by_id(topic_id)
        return None if topic is None else topic.name

    found = list(topics.partitions(request, name_of))
    if ctx.api_key == FETCH:
        for topic, index in ctx.node.fetch_sessions.partitions(getattr(request, "session_id", 0)):
            name = topic if isinstance(topic, str) else name_of(topic)
            if name is not None:
                found.append((name, index))
    if asks_for_all(request, ctx):
        found += [(topic.name, None) for topic in catalog.topics()]
    return found


def asks_for_all(request: Any, ctx: Context) -> bool:
    """Whether the request is about every topic: Metadata says so by null, which its first version had no word for."""
    if ctx.api_key == METADATA:
        return request.topics is None
    return ctx.api_key == _DESCRIBE_TOPIC_PARTITIONS and not request.topics


def _any(found: Iterator[Any], pattern: str) -> bool:
    return any(fnmatchcase(str(each), pattern) for each in found)


def _code(name: str) -> ErrorCode:
    try:
        return ErrorCode[name]
    except KeyError:
        from difflib import get_close_matches

        close = get_close_matches(name, ErrorCode.__members__, 1)
        hint = f"; did you mean {close[0]}?" if close else ""
        raise ControlError("argument", f"Kafka has no error {name}{hint}") from None


def _records(request: Any) -> Iterator[Record]:
    """The records of a Produce."""
    for topic in getattr(request, "topic_data", ()):
        for partition in topic.partition_data:
            try:
                for batch in batches(partition.records or b""):
                    yield from iterate(batch)
            except ProtocolError:
                continue


def _fits_fields(where: dict[str, Any], request: Any) -> bool:
    return all(any(found == value for found in _at(request, path.split("."))) for path, value in where.items())


def _at(value: Any, path: list[str]) -> Iterator[Any]:
    """The values at a path; `[]` behind a name means any of its items."""
    if not path:
        yield value
        return
    name, *rest = path
    if not isinstance(value, dict) or name.removesuffix("[]") not in value:
        return
    inner = value[name.removesuffix("[]")]
    for each in (inner or ()) if name.endswith("[]") else (inner,):
        yield from _at(each, rest)
