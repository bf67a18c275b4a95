"""The log of a broker process: lines on stderr. stdout belongs to the line that says ready.

text   time LEVEL name: what              json   {"time": ..., "level": ..., "logger": ..., "message": ...} a line
"""

from __future__ import annotations

import logging
import sys

LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


class _Text(logging.Formatter):
    """Names without the package: `connections`, not `kbroker.connections`."""

    def format(self, record: logging.LogRecord) -> str:
        record.short = record.name.rpartition(".")[2]
        return super().format(record)


class _Json(logging.Formatter):
    """One object in each line, with the traceback in it where there is one."""

    def format(self, record: logging.LogRecord) -> str:
        import json

        fields = {
            "time": self.formatTime(record),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            fields["exception"] = self.formatException(record.exc_info)
        return json.dumps(fields, ensure_ascii=False)


def to_stderr(level: int = logging.INFO, *, as_json: bool = False) -> None:
    """Send all logging of the process to stderr. Thread and process are not shown, so they are not looked up either."""
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Json() if as_json else _Text("%(asctime)s %(levelname)s %(short)s: %(message)s"))
    logging.basicConfig(level=level, handlers=[handler])
