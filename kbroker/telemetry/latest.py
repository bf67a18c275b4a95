"""The metrics of clients as they stand now, for the metrics page: what many pushes have said, one series for each.

A series is a metric of one client instance with its attributes. A gauge is what was said last; a sum that clients push
as what has come since the last push (they are asked for deltas) is added up, as Prometheus counts.

There are at most `MOST_SERIES` of all clients together and `MOST_OF_ONE` of one, so that clients cannot fill the memory
with names; what is beyond is counted and left out. A client's series go when it says that it ends, and when it has been
silent for three of its intervals. Times are milliseconds.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from kbroker.telemetry.otlp import Metric

MOST_SERIES = 20_000
MOST_OF_ONE = 1_000
_SILENT_INTERVALS = 3

CLIENT_LABELS = ("client_instance_id", "client_id", "client_software_name", "client_software_version")
_NOT_IN_A_NAME = re.compile(r"[^a-zA-Z0-9_]")


class Family(NamedTuple):
    """All series of one name, as Prometheus has them: labels and value."""

    name: str
    kind: str
    words: str
    samples: list[tuple[Mapping[str, str], float]]


Key = tuple[str, str, tuple[tuple[str, str], ...]]
"""Name, kind and labels, as the page has them."""
WORDS = "What clients say of themselves (KIP-714)."


class _Client:
    __slots__ = ("interval_ms", "pushed_ms", "series")

    def __init__(self) -> None:
        self.pushed_ms = self.interval_ms = 0
        self.series: dict[Key, float] = {}


class Latest:
    """What each client has said last."""

    def __init__(self) -> None:
        self._clients: dict[str, _Client] = {}
        self.left_out = 0
        """Data points for which there was no place."""

    def take(self, known: Mapping[str, str], metrics: Sequence[Metric], interval_ms: int, now: int) -> None:
        """A push of the client that is known by this."""
        self._forget_silent(now)
        client = self._clients.setdefault(known["client_instance_id"], _Client())
        client.pushed_ms, client.interval_ms = now, interval_ms
        free = MOST_SERIES - sum(len(each.series) for each in self._clients.values())
        for metric in metrics:
            key = _key(known, metric)
            if key not in client.series:
                if free <= 0 or len(client.series) >= MOST_OF_ONE:
                    self.left_out += 1
                    continue
                free -= 1
            before = client.series.get(key, 0.0) if metric.is_delta else 0.0
            client.series[key] = before + metric.value

    def ended(self, instance_id: str) -> None:
        self._clients.pop(instance_id, None)

    def families(self, now: int) -> Iterator[Family]:
        """All names in order."""
        self._forget_silent(now)
        found: dict[str, Family] = {}
        for client in self._clients.values():
            for (name, kind, labels), value in client.series.items():
                family = found.setdefault(name, Family(name, kind, WORDS, []))
                family.samples.append((dict(labels), value))
        yield from (found[name] for name in sorted(found))

    def _forget_silent(self, now: int) -> None:
        for instance_id, client in list(self._clients.items()):
            if now - client.pushed_ms > _SILENT_INTERVALS * client.interval_ms:
                del self._clients[instance_id]


def _key(known: Mapping[str, str], metric: Metric) -> Key:
    """Labels of the client go before attributes of the same name."""
    labels = {_label(name): text for name, text in metric.attributes.items()}
    labels |= {name: known.get(name, "") for name in CLIENT_LABELS}
    counts = metric.kind == "sum" and metric.is_monotonic
    return _name(metric.name, counts), "counter" if counts else "gauge", tuple(sorted(labels.items()))


def _name(text: str, counts: bool) -> str:
    """What is not Kafka's own gets a prefix, and cannot be taken for a metric of ours. What counts ends with _total."""
    word = _NOT_IN_A_NAME.sub("_", text).removesuffix("_total" if counts else "\n")
    word = word if word.startswith("org_apache_kafka_") else f"client_{word}"
    return f"{word}_total" if counts else word


def _label(name: str) -> str:
    word = _NOT_IN_A_NAME.sub("_", name)
    return word if word[:1].isalpha() else f"attribute_{word}"
