"""What quotas count with: a rate over the last windows, and a bucket of tokens. Pure; times in milliseconds.

A rate is Kafka's `Rate` over a `WindowedSum`: what was recorded falls into windows of one length; a window counts until
it has seen nothing for as long as all of them together. The sum is divided by the time since the oldest window began,
but by no less than all windows but one: so the first seconds may bring in a burst of that many seconds.

A bucket is Kafka's `TokenBucket` (KIP-599): tokens come in at the quota's rate, up to what all windows together would
bring. Whoever finds any may take more than there are; the debt has to be paid off before the next one.
"""

from __future__ import annotations

from typing import NamedTuple


class Windows(NamedTuple):
    """How the past is cut: `number` windows of this length."""

    number: int
    length_ms: int

    @property
    def span_ms(self) -> int:
        return self.number * self.length_ms


class _Sample:
    __slots__ = ("began_ms", "last_ms", "total")

    def __init__(self, now: int) -> None:
        self.reset(now)

    def reset(self, now: int) -> None:
        self.began_ms = self.last_ms = now
        self.total = 0.0


class Rate:
    """How much per second."""

    __slots__ = ("_at", "_ends_ms", "_least_seconds", "_sample", "_samples", "_total", "windows")

    def __init__(self, windows: Windows) -> None:
        self.windows = windows
        self._samples: list[_Sample] = []
        self._sample = _Sample(0)  # the one that is open
        self._ends_ms = -1
        self._at = 0
        self._total = 0.0  # of all samples, also of those that count no more
        self._least_seconds = (windows.number - 1) * windows.length_ms / 1000

    def record(self, amount: float, now: int) -> None:
        samples = self._samples
        if not samples:
            samples.append(_Sample(now))
        sample = samples[self._at]
        if now - sample.began_ms >= self.windows.length_ms:
            self._at = (self._at + 1) % (self.windows.number + 1)
            if self._at == len(samples):
                samples.append(_Sample(now))
            else:
                self._total -= samples[self._at].total
                samples[self._at].reset(now)
            sample = samples[self._at]
        self._sample, self._ends_ms = sample, sample.began_ms + self.windows.length_ms
        sample.total += amount
        self._total += amount
        sample.last_ms = now

    def charge(self, amount: float, bound: float, now: int) -> int:
        """Record, and say how long to do nothing until the rate is back at the bound. Nearly always the window is still
        open and far from full: then nothing else is looked at."""
        if now < self._ends_ms:
            sample = self._sample
            sample.total += amount
            sample.last_ms = now
            self._total += amount
        else:
            self.record(amount, now)
        return 0 if self._total <= bound * self._least_seconds else self.excess_ms(bound, now)

    def measure(self, now: int) -> tuple[float, float]:
        """The rate, and the seconds that it is taken over."""
        windows = self.windows
        total, oldest = 0.0, now
        for sample in self._samples:
            if now - sample.last_ms >= windows.span_ms:
                self._total -= sample.total
                sample.reset(now)
                self._ends_ms = -1  # if it is the open one, it begins anew
            total += sample.total
            oldest = min(oldest, sample.began_ms)
        elapsed = now - oldest
        missing = windows.number - 1 - elapsed // windows.length_ms
        seconds = (elapsed + max(0, missing) * windows.length_ms) / 1000
        return (total / seconds if seconds else 0.0), seconds

    def excess_ms(self, bound: float, now: int) -> int:
        """How long to do nothing until the rate is back at the bound, by Kafka's `QuotaUtils.throttleTime`."""
        if self._total <= bound * self._least_seconds:
            return 0  # whatever the windows are
        rate, seconds = self.measure(now)
        return int((rate - bound) / bound * seconds * 1000 + 0.5) if rate > bound else 0


class Bucket:
    """Tokens at a rate per second."""

    __slots__ = ("_tokens", "_updated_ms", "windows")

    def __init__(self, windows: Windows, rate: float, now: int) -> None:
        self.windows = windows
        self._tokens = self._most(rate)
        self._updated_ms = now

    def _most(self, rate: float) -> float:
        return rate * self.windows.span_ms / 1000

    def take(self, count: float, rate: float, now: int) -> None:
        self._refill(rate, now)
        self._tokens = min(self._most(rate), self._tokens - count)

    def debt_ms(self, rate: float, now: int) -> int:
        """How long until nothing is owed any more."""
        self._refill(rate, now)
        return int(-self._tokens / rate * 1000 + 0.5) if self._tokens < 0 else 0

    def _refill(self, rate: float, now: int) -> None:
        self._tokens = min(self._most(rate), self._tokens + rate * (now - self._updated_ms) / 1000)
        self._updated_ms = now
