"""The log of a broker process: lines on stderr, `time level name: what`. stdout belongs to the line that says ready."""

from __future__ import annotations

import logging
import sys


class _Formatter(logging.Formatter):
    """Names without the package: `connections`, not `kbroker.connections`."""

    def format(self, record: logging.LogRecord) -> str:
        record.short = record.name.rpartition(".")[2]
        return super().format(record)


def to_stderr(level: int = logging.INFO) -> None:
    """Send all logging of the process to stderr. Thread and process are not shown, so they are not looked up either."""
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Formatter("%(asctime)s %(levelname)s %(short)s: %(message)s"))
    logging.basicConfig(level=level, handlers=[handler])
