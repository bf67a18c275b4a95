"""Which planted bugs a run has found, by what, and after how many seeds: printed at its end, so that CI shows it.

A checker is believed after it has caught bugs (docs/simulation.md, docs/storage.md). The tests that plant them say what
was found with the `planted` fixture; the table has a row for each, whoever ran them.

And no property test minds how long an example takes: that is the machine's business.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("kbroker", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("kbroker")

PLANTED = "planted bug"
COLUMNS = ("planted bug", "found by", "after seeds")

Planted = Callable[[str, str, int], None]


@pytest.fixture
def planted(record_property: Callable[[str, Any], None]) -> Planted:
    """Tell the table: the name of the bug, what found it, and how many seeds that took."""

    def tell(name: str, by: str, seeds: int) -> None:
        record_property(PLANTED, [name.replace("_", " "), by, str(seeds)])

    return tell


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    rows = sorted(rows_of(terminalreporter.getreports("passed")))
    if rows:
        terminalreporter.section("planted bugs, and after how many seeds they were found")
        for line in table([COLUMNS, *rows]):
            terminalreporter.write_line(line)


def rows_of(reports: list[Any]) -> Iterator[tuple[str, ...]]:
    for report in reports:
        if getattr(report, "when", "") == "call":
            yield from (tuple(row) for name, row in report.user_properties if name == PLANTED)


def table(rows: list[tuple[str, ...]]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
