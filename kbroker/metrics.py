"""What is counted while requests are served, and only while somebody may ask for it (`--http`).

Counters are plain numbers, added to by `server/metered.py`; whoever reads them calls `settle` first. All else that a
metrics page shows is looked up when it is asked for (`http/exposition.py`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable

LATENCY_S = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""The upper ends of the buckets; the last one, without an end, is not listed."""


class ApiCounts:
    """One API in one version. `buckets` are not cumulative; `seconds` runs from the last byte in to the answer; `fine`
    are the places that could have had an error code and had none."""

    __slots__ = ("buckets", "bytes_in", "bytes_out", "fine", "seconds")

    def __init__(self) -> None:
        self.fine = 0
        self.seconds = 0.0
        self.bytes_in = 0
        self.bytes_out = 0
        self.buckets = [0] * (len(LATENCY_S) + 1)

    @property
    def requests(self) -> int:
        return sum(self.buckets)


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
        """Error codes told, by API key and code; `told` has the places without any, too."""
        self.topics: defaultdict[str, TopicCounts] = defaultdict(TopicCounts)
        self.aside: list[Callable[[], object]] = []
        """What counts the answers that have been put aside (`server/metered.py`)."""

    def settle(self) -> None:
        """Count everything, for who wants to read."""
        for count in self.aside:
            count()

    def told(self) -> dict[tuple[int, int], int]:
        """Error codes by API key and code, 0 among them."""
        told = defaultdict(int, self.errors)
        for (key, _), counts in self.apis.items():
            if counts.fine:
                told[key, 0] += counts.fine
        return told
