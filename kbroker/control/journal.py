"""The broker's log, kept in memory for whoever asks: a test's own output stays the test's. What nobody foresaw goes to
stderr as well.
"""

from __future__ import annotations

import logging
import sys
from collections import deque

from kbroker.control.shapes import LogLine

MOST_LINES = 1000

_FORMAT = logging.Formatter()


class Journal(logging.Handler):
    """The newest lines."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: deque[LogLine] = deque(maxlen=MOST_LINES)

    def since(self, at_ms: int) -> list[LogLine]:
        """Those of this time and later: who has begun then is not concerned by what was before."""
        return [line for line in self.lines if line.at_ms >= at_ms]

    def emit(self, record: logging.LogRecord) -> None:
        text = record.getMessage()
        if record.exc_info:
            text += "\n" + _FORMAT.formatException(record.exc_info)
            print(f"kbroker: {text}", file=sys.stderr, flush=True)
        name = record.name.removeprefix("kbroker.")
        self.lines.append(LogLine(int(record.created * 1000), record.levelname, name, text))


def keep() -> Journal:
    """Keep all logging of the process."""
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    journal = Journal()
    root = logging.getLogger()
    root.addHandler(journal)
    root.setLevel(logging.INFO)
    return journal
