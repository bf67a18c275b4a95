"""The newest version of each API in the releases of Apache Kafka since 2.8, as ApiVersions of a broker tells them.

Each release is the one before it and what it changed. 4.0 dropped old versions, so of an older
release a broker of today can show the part that it still serves: up to that version, and from its own lowest one on.
"""

from __future__ import annotations

from collections.abc import Mapping

_FIRST: Mapping[int, int] = {
    0: 9, 1: 12, 2: 6, 3: 11, 8: 8, 9: 7, 10: 3, 11: 7, 12: 4, 13: 4, 14: 5, 15: 5, 16: 4, 17: 1, 18: 3, 19: 7,
    20: 6, 21: 2, 22: 4, 23: 4, 24: 3, 25: 3, 26: 3, 27: 1, 28: 3, 29: 2, 30: 2, 31: 2, 32: 4, 33: 2, 34: 2, 35: 2,
    36: 2, 37: 3, 38: 2, 39: 2, 40: 2, 41: 2, 42: 2, 43: 2, 44: 1, 45: 0, 46: 0, 47: 0, 48: 1, 49: 1, 50: 0, 51: 0,
    57: 0, 60: 0, 61: 0,
}  # fmt: skip

_CHANGES: Mapping[str, Mapping[int, int]] = {
    "2.8": {},
    "3.0": {2: 7, 9: 8, 10: 4, 65: 0, 66: 0},
    "3.1": {1: 13, 3: 12},
    "3.2": {11: 9, 13: 5, 35: 3},
    "3.3": {29: 3, 30: 3, 31: 3, 35: 4, 38: 3, 41: 3, 55: 1, 57: 1, 64: 0},
    "3.4": {},
    "3.5": {1: 15, 2: 8},
    "3.6": {24: 4},
    "3.7": {0: 10, 1: 16, 8: 9, 9: 9, 60: 1, 68: 0, 71: 0, 72: 0, 74: 0},
    "3.8": {0: 11, 10: 5, 16: 5, 22: 5, 24: 5, 25: 4, 26: 4, 28: 4, 66: 1, 69: 0, 75: 0},
    "3.9": {1: 17, 2: 9, 10: 6, 18: 4},
    "4.0": {0: 12, 2: 10, 3: 13, 15: 6, 26: 5, 28: 5, 55: 2, 57: 2, 60: 2, 68: 1, 69: 1, 80: 0, 81: 0},
    "4.1": {
        0: 13, 1: 18, 45: 1, 66: 2, 74: 1, 76: 1, 77: 1, 78: 1, 79: 1, 83: 0, 84: 0, 85: 0, 86: 0, 87: 0, 88: 0, 89: 0,
        90: 0, 91: 0, 92: 0,
    },
    "4.2": {2: 11, 8: 10, 9: 10, 27: 2, 78: 2, 79: 2, 80: 1, 85: 1, 87: 1, 90: 1},
    "4.3": {35: 5},
}  # fmt: skip

RELEASES = tuple(_CHANGES)


def newest_versions(release: str) -> dict[int, int]:
    """By API key. KeyError: no such release is known."""
    found = dict(_FIRST)
    for name in RELEASES[: RELEASES.index(release) + 1] if release in _CHANGES else [release]:
        found.update(_CHANGES[name])
    return found
