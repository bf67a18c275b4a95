"""What was wanted of each figure, and whether it is reached.

A row of `WANTED` holds a figure of the harness against another broker of the same run (a ratio: steadier than what it
is made of), or against a number where no other broker has anything to compare. The ratios are those of the figures that
were wanted to those that the other broker had on a quiet machine: small Produce in 14 us of CPU, where Apache Kafka
took 24, is 0.58. CPU is held against Apache Kafka, which users would otherwise run; latencies against kfake, which is
quicker there.
"""

from __future__ import annotations

import re
import statistics
from collections.abc import Mapping, Sequence
from typing import NamedTuple

KAFKA, KFAKE, ITSELF = "kafka", "kfake", ""
OURS = "kbroker"

Figures = Mapping[str, Sequence[float]]


class Wanted(NamedTuple):
    """`figure` is a pattern of whole names. Of a rate `more` is better, of a cost less. `bound` is a ratio to `beside`,
    or a number where that is ITSELF."""

    figure: str
    beside: str
    bound: float
    more: bool = False


OUTSIDE = "outside the kernel CPU-s/GB"

WANTED = (
    Wanted(r"W1 exec to first Metadata s", KAFKA, 0.042),  # 0.20 s; 4.8
    Wanted(r"W2 RSS idle after start MiB", KAFKA, 0.115),  # 45; 391
    Wanted(r"W2 idle CPU %", ITSELF, 0),
    Wanted(r"W2 RSS after bulk, anonymous MiB", ITSELF, 90),
    Wanted(r"W3 produce acks=all idem=yes none MB/s", KAFKA, 1.5, more=True),
    Wanted(rf"W3 produce acks=all idem=yes none {OUTSIDE}", KAFKA, 0.35),  # 0.35; 1.0
    Wanted(r"W3 raw produce .* CPU-s/GB", KAFKA, 0.5),
    Wanted(r"W4 consume \w+ broker CPU-s/GB", KAFKA, 1.0),
    Wanted(r"W4 consume \w+ MB/s", KAFKA, 1.0, more=True),
    Wanted(r"W4 raw fetch .* CPU-s/GB", KAFKA, 0.79),  # 0.22; 0.26 to 0.30
    Wanted(r"W5 100 B produce broker CPU-s/M", KAFKA, 0.44),  # 0.35; 0.68 to 0.92
    Wanted(r"W5 100 B consume broker CPU-s/M", KAFKA, 1.07),  # 0.08; 0.06 to 0.09
    Wanted(r"W6 produce acks=all one record p50 us", KFAKE, 1.18),  # 100; 85
    Wanted(r"W6 produce acks=all one record p99 us", KFAKE, 0.77),  # 400; 522
    Wanted(r"W6 produce-to-consume p50 us", KFAKE, 1.39),  # 150; 108
    Wanted(r"W6 produce-to-consume p99 us", KFAKE, 0.98),  # 500; 508
    Wanted(r"W7 produce broker CPU us", KAFKA, 0.58),  # 14; 24
    Wanted(r"W7 produce depth 5 broker CPU us", KAFKA, 0.55),  # 9.5; 17.4
    Wanted(r"W7 metadata broker CPU us", KAFKA, 0.41),  # 9; 22
    Wanted(r"W7 fetch empty tail broker CPU us", KAFKA, 0.5),  # 12; 24
    Wanted(r"W8 accept 2000 .* s", KAFKA, 0.62),  # 0.2; 0.32
    Wanted(r"W8 RSS per idle connection KiB", ITSELF, 12),
    Wanted(r"W9 create up to 10,000 partitions, ListOffsets answers s", KAFKA, 0.036),  # 1; 28
    Wanted(r"W9 restart to ListOffsets answers for all s", KAFKA, 0.022),  # 1; 46
    Wanted(r"W9 RSS per partition KiB", ITSELF, 6),
    Wanted(r"W10 (create|delete) topic p50 ms", KFAKE, 1.25),  # 1; 0.8
    Wanted(r"W12 one-record transactions/s", ITSELF, 600, more=True),
    Wanted(r"W12 transaction broker CPU us", ITSELF, 400),
    Wanted(r"W12 committed records not read back n", ITSELF, 0),
    Wanted(r"W13 ready after kill -9 s", KAFKA, 0.038),  # 0.5; 13
    Wanted(r"W13 (acknowledged records lost|duplicates) n", ITSELF, 0),
    Wanted(r"W14 kafka-python produce records/s", KAFKA, 1.22, more=True),  # 45,000; 37,000
    Wanted(r"W14 aiokafka produce records/s", KAFKA, 2.05, more=True),  # 45,000; 22,000
)


def with_derived(figures: Figures) -> dict[str, Sequence[float]]:
    """And what follows from two of them: the CPU of bulk writes but for the kernel's, which is a matter of luck."""
    found: dict[str, Sequence[float]] = {}
    for name, values in figures.items():
        found[name] = values
        kernel = figures.get(name.replace(" broker CPU-s/GB", " of it in the kernel CPU-s/GB"))
        if name.endswith(" broker CPU-s/GB") and kernel:
            outside = [whole - part for whole, part in zip(values, kernel, strict=False)]
            found[name.replace("broker CPU-s/GB", OUTSIDE)] = outside
    return found


def median(figures: Figures, name: str) -> float | None:
    values = figures.get(name)
    return statistics.median(values) if values else None


def verdict(figure: str, measured: Mapping[str, Figures]) -> tuple[str, str]:
    """What was wanted of it, and whether it is reached; twice nothing where nothing was."""
    row = next((row for row in WANTED if re.fullmatch(row.figure, figure)), None)
    if row is None:
        return "", ""
    sign = "≥" if row.more else "≤"
    said = f"{sign} {row.bound:g}" + (f" of {row.beside}" if row.beside else "")
    found = median(measured.get(OURS, {}), figure)
    if found is not None and row.beside:
        other = median(measured.get(row.beside, {}), figure)
        found = found / other if other and found is not None else None
    if found is None:
        return said, "not measured"
    reached = found >= row.bound if row.more else found <= row.bound
    return said, "yes" if reached else f"**no**: {found:.2g}"
