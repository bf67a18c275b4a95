"""The loggers of this process as Kafka's tools see them: names, and levels in log4j's words (KIP-412).

A level that is set lasts until the process ends, as in Kafka. `root` is there in both worlds.
"""

from __future__ import annotations

import logging

ROOT = "root"
OURS = "kbroker"
LEVELS = {
    "DEBUG": logging.DEBUG,
    "ERROR": logging.ERROR,
    "FATAL": logging.CRITICAL,
    "INFO": logging.INFO,
    "TRACE": logging.DEBUG // 2,
    "WARN": logging.WARNING,
}


def names() -> list[str]:
    """The root, then ours."""
    known = logging.root.manager.loggerDict
    return [ROOT, *sorted(name for name in known if name == OURS or name.startswith(OURS + "."))]


def level(name: str) -> str:
    """The level in force: the highest one of log4j's that the logger lets through."""
    number = _logger(name).getEffectiveLevel()
    let_through = [word for word, least in LEVELS.items() if least <= number]
    return max(let_through, key=LEVELS.__getitem__, default="TRACE")


def set_level(name: str, word: str | None) -> None:
    """None: whatever the logger above it has."""
    _logger(name).setLevel(logging.NOTSET if word is None else LEVELS[word])


def _logger(name: str) -> logging.Logger:
    return logging.getLogger(None if name == ROOT else name)
