"""Metrics that clients push (KIP-714): who is asked for which, and what has come in.

A client asks for its subscription first, and gets an id of itself, if it has none, and an id of what it is to push. It
pushes when the interval is over, and is refused when it comes sooner, names an old subscription, sends too much or a
codec that nobody has, or comes again after it said that it ends. As Kafka's `ClientMetricsManager`; the words are its.

What is wanted stands in configs (`telemetry_config.py`); a client that matches several subscriptions pushes all that
any of them wants, at the shortest of the intervals. Pushed metrics are read at once: the latest pushes are kept as they
came, and what they say together is on the metrics page (`latest.py`).
"""

from __future__ import annotations

import logging
import re
from collections import deque
from collections.abc import Callable, Mapping
from typing import NamedTuple

from kbroker.telemetry import otlp
from kbroker.telemetry.latest import Latest
from kbroker.telemetry_config import TABLE
from wire.compression import GZIP, LZ4, NONE, SNAPPY, ZSTD, decompress
from wire.crc import crc32c
from wire.errors import ErrorCode, KafkaError, ProtocolError
from wire.primitives import uuid_text

log = logging.getLogger("kbroker.telemetry")

EVERYTHING = "*"
ACCEPTED = (ZSTD, LZ4, GZIP, SNAPPY)  # the one that is liked best first
DEFAULT_INTERVAL_MS = 300_000
RESERVED = frozenset((bytes(16), bytes(15) + b"\x01"))

_MOST_CLIENTS = 16_384
_MOST_PUSHES = 100
_MOST_METRICS = 20_000
_MOST_UNFOLDED = 16  # times telemetry.max.bytes


class Subscription(NamedTuple):
    id: int
    interval_ms: int
    metrics: tuple[str, ...]


class Push(NamedTuple):
    """What one push has brought. `client` is what is known of who sent it, by the names of `telemetry_config`."""

    client: Mapping[str, str]
    time_ms: int
    terminating: bool
    metrics: list[otlp.Metric]


class _Client:
    """One client instance, as long as its subscription stays the same."""

    __slots__ = ("asked_ms", "error", "is_terminating", "pushed_ms", "subscription")

    def __init__(self, subscription: Subscription) -> None:
        self.subscription = subscription
        self.asked_ms = self.pushed_ms = 0
        self.error = ErrorCode.NONE
        self.is_terminating = False

    def may_ask(self, now: int) -> bool:
        if now - max(self.asked_ms, self.pushed_ms) >= self.subscription.interval_ms:
            self.asked_ms = now
            return True
        return self.error in (ErrorCode.UNKNOWN_SUBSCRIPTION_ID, ErrorCode.UNSUPPORTED_COMPRESSION_TYPE)

    def may_push(self, now: int) -> bool:
        """Right after the question always: clients begin somewhere between half and one and a half intervals."""
        if self.asked_ms > self.pushed_ms or now - self.pushed_ms >= self.subscription.interval_ms:
            self.pushed_ms = now
            return True
        return False


class Telemetry:
    """`wanted` tells the configs of all subscriptions by name, and is asked each time. Times are milliseconds."""

    def __init__(self, wanted: Callable[[], Mapping[str, Mapping[str, str]]], max_bytes: int) -> None:
        self._wanted = wanted
        self.max_bytes = max_bytes
        self.received: deque[Push] = deque(maxlen=_MOST_PUSHES)
        """The latest pushes, the oldest first."""
        self.latest = Latest()
        self._clients: dict[bytes, _Client] = {}

    def subscribe(self, instance_id: bytes, known: Mapping[str, str], now: int) -> Subscription:
        """What this client is to push; `known` is what is known of it. Raises KafkaError."""
        client = self._client(instance_id, known)
        if not client.may_ask(now):
            raise _too_soon(instance_id)
        client.error = ErrorCode.NONE
        return client.subscription

    def push(
        self,
        instance_id: bytes,
        known: Mapping[str, str],
        subscription_id: int,
        codec: int,
        data: bytes | memoryview,
        terminating: bool,
        now: int,
    ) -> None:
        """Take what a client has pushed. Raises KafkaError."""
        if instance_id in RESERVED:
            who = uuid_text(instance_id)
            raise _refused("INVALID_REQUEST", f"Invalid request from the client [{who}], invalid client instance id")
        client = self._client(instance_id, known)
        try:
            self._check(client, instance_id, subscription_id, codec, len(data), terminating, now)
            if len(data):
                self._take(known, codec, data, terminating, now, client.subscription.interval_ms)
            if terminating:
                self.latest.ended(known["client_instance_id"])
        except KafkaError as error:
            client.error = error.code
            raise
        finally:
            client.is_terminating = terminating
        client.error = ErrorCode.NONE

    def _check(
        self,
        client: _Client,
        instance_id: bytes,
        subscription_id: int,
        codec: int,
        size: int,
        terminating: bool,
        now: int,
    ) -> None:
        who = uuid_text(instance_id)
        if client.is_terminating:
            raise _refused(
                "INVALID_REQUEST",
                f"Client [{who}] sent the previous request with state terminating to TRUE, can not accept"
                "any requests after that",
            )
        if not client.may_push(now) and not terminating:
            raise _too_soon(instance_id)
        if subscription_id != client.subscription.id:
            raise _refused("UNKNOWN_SUBSCRIPTION_ID", f"Unknown client subscription id for the client [{who}]")
        if codec not in (NONE, *ACCEPTED):
            reason = f"Unknown compression type [{codec}] is received in telemetry request from [{who}]"
            raise _refused("UNSUPPORTED_COMPRESSION_TYPE", reason)
        if size > self.max_bytes:
            reason = f"Telemetry request from [{who}] is larger than the maximum allowed size [{self.max_bytes}]"
            raise _refused("TELEMETRY_TOO_LARGE", reason)

    def _take(
        self,
        known: Mapping[str, str],
        codec: int,
        data: bytes | memoryview,
        terminating: bool,
        now: int,
        interval_ms: int,
    ) -> None:
        try:
            unfolded = decompress(codec, data, self.max_bytes * _MOST_UNFOLDED) if codec != NONE else bytes(data)
            metrics = otlp.metrics(unfolded)
        except (ProtocolError, ValueError) as error:
            log.warning("metrics of client %s cannot be read: %s", known["client_id"], error)
            raise _refused("INVALID_RECORD", "The metrics cannot be read.") from None
        self.latest.take(known, metrics, interval_ms, now)
        self.received.append(Push(known, now, terminating, metrics))
        while len(self.received) > 1 and sum(len(push.metrics) for push in self.received) > _MOST_METRICS:
            self.received.popleft()
        log.info("client %s (%s) pushed %d metrics", known["client_id"], known["client_instance_id"], len(metrics))
        if log.isEnabledFor(logging.DEBUG):
            for one in metrics:
                log.debug("%s %s of client %s: %g", one.name, one.attributes or "", known["client_id"], one.value)

    def _client(self, instance_id: bytes, known: Mapping[str, str]) -> _Client:
        """One that is asked for something else than before begins anew."""
        subscription = subscription_of(self._wanted(), instance_id, known)
        client = self._clients.pop(instance_id, None)
        if client is None or client.subscription != subscription:
            client = _Client(subscription)
        self._clients[instance_id] = client
        if len(self._clients) > _MOST_CLIENTS:
            del self._clients[next(iter(self._clients))]
        return client


def subscription_of(
    wanted: Mapping[str, Mapping[str, str]], instance_id: bytes, known: Mapping[str, str]
) -> Subscription:
    """All that this client is to push."""
    names: set[str] = set()
    interval_ms = DEFAULT_INTERVAL_MS
    for texts in wanted.values():
        if _matches(texts.get("match", ""), known):
            names.update(filter(None, texts.get("metrics", "").split(",")))
            interval_ms = min(interval_ms, int(texts.get("interval.ms", TABLE["interval.ms"].default)))
    metrics = (EVERYTHING,) if EVERYTHING in names else tuple(sorted(names))
    crc = crc32c(f"[{', '.join(metrics)}]{interval_ms}".encode()) ^ crc32c(instance_id)
    return Subscription(crc - (1 << 32) if crc >> 31 else crc, interval_ms, metrics)


def _matches(patterns: str, known: Mapping[str, str]) -> bool:
    """Whether the client matches every pattern: what=expression."""
    for pattern in filter(None, patterns.split(",")):
        what, _, expression = pattern.partition("=")
        if re.fullmatch(expression.strip(), known.get(what.strip(), "")) is None:
            return False
    return True


def _too_soon(instance_id: bytes) -> KafkaError:
    reason = f"Request from the client [{uuid_text(instance_id)}] arrived before the next push interval time"
    return _refused("THROTTLING_QUOTA_EXCEEDED", reason)


def _refused(code: str, reason: str) -> KafkaError:
    return KafkaError(ErrorCode[code], reason)
