"""What is counted while requests are served, and only while somebody may ask for it (`--http`).

Counters are plain numbers, added to once for each request (`server/metered.py`); whoever reads them takes them as
they are. All else that a metrics page shows is looked up when it is asked for (`http/exposition.py`).
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict

LATENCY_S = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""The upper ends of the buckets; the last one, without an end, is not listed."""


class ApiCounts:
    """One API in one version. `buckets` are not cumulative; `seconds` runs from the last byte in to the answer."""

    __slots__ = ("buckets", "bytes_in", "bytes_out", "requests", "seconds")

    def __init__(self) -> None:
        self.requests = 0
        self.seconds = 0.0
        self.bytes_in = 0
        self.bytes_out = 0
        self.buckets = [0] * (len(LATENCY_S) + 1)

    def add(self, seconds: float, bytes_in: int, bytes_out: int) -> None:
        self.requests += 1
        self.seconds += seconds
        self.bytes_in += bytes_in
        self.bytes_out += bytes_out
        self.buckets[bisect_left(LATENCY_S, seconds)] += 1


class TopicCounts:
    """One topic. Bytes are those of batches as they came or went; records those that producers had acknowledged."""

    __slots__ = ("bytes_in", "bytes_out", "failed_fetches", "failed_produces", "fetches", "produces", "records_in")

    def __init__(self) -> None:
        self.records_in = 0
        self.bytes_in = 0
        self.bytes_out = 0
        self.produces = 0
        self.fetches = 0
        self.failed_produces = 0
        self.failed_fetches = 0


class Metrics:
    """All counters of a process."""

    def __init__(self) -> None:
        self.apis: defaultdict[tuple[int, int], ApiCounts] = defaultdict(ApiCounts)
        self.errors: defaultdict[tuple[int, int], int] = defaultdict(int)
        """Error codes told, by API key and code; 0 for each place that could have had one and did not."""
        self.topics: defaultdict[str, TopicCounts] = defaultdict(TopicCounts)
        self.refused = 0
        """Requests that cost their connection."""
