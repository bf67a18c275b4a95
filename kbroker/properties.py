"""Java properties files, as Kafka's own tools and brokers read them.

NAME=VALUE, NAME:VALUE or NAME VALUE in a line; # and ! begin remarks; a backslash at the end of a line goes on in the
next one; elsewhere it takes the next character as it is (\\t, \\n, \\r, \\uXXXX are what they are in Java).
"""

from __future__ import annotations

import re

_PAIR = re.compile(r"((?:\\.|[^\\\s:=])+)\s*[:=\s]?\s*(.*)", re.DOTALL)
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
_MEANINGS = {"t": "\t", "n": "\n", "r": "\r", "f": "\f"}


def parse_properties(text: str) -> dict[str, str]:
    """Names and values; of a name that comes twice the last one counts."""
    found: dict[str, str] = {}
    for line in re.sub(r"(?<!\\)((?:\\\\)*)\\\r?\n[ \t\f]*", r"\1", text).splitlines():
        line = line.lstrip()
        if line and line[0] not in "#!" and (pair := _PAIR.fullmatch(line)):
            found[_plain(pair[1])] = _plain(pair[2]).strip()
    return found


def _plain(text: str) -> str:
    return _ESCAPE.sub(_character, text)


def _character(found: re.Match[str]) -> str:
    what = found[1]
    return chr(int(what[1:], 16)) if len(what) > 1 else _MEANINGS.get(what, what)
