"""Which records are wanted: by a text, a regular expression or a JSON path, in key, value or headers.

A regular expression is Python's where somebody runs a command, and one that cannot take forever where others share the
loop (`in_bounded_time`: RE2's syntax, `kbroker/patterns.py`).

A path goes into JSON: `.order.items[0].price` is there, `.order.state=paid` has this value (as text, or as JSON:
`.order.paid=true`). In front of a filter `key:`, `value:` or `header.NAME:` says where to look; without, a text or an
expression is looked for everywhere, a path in the value.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from kbroker.records.read import NotUnderstood, Read

Filter = Callable[[Read], bool]

_WHERE = re.compile(r"(key|value|header\.[^:]+):(.*)", re.DOTALL)
_STEP = re.compile(r"\.([^.\[\]=]+)|\[(\d+)\]")
_PATH = re.compile(r"\$?((?:\.[^.\[\]=]+|\[\d+\])+)(?:=(.*))?", re.DOTALL)
_NOTHING = object()


def containing(text: str) -> Filter:
    where, wanted = _split(text)
    needle = wanted.encode()
    return lambda read: any(needle in content for content in _contents(read, where))


def matching(pattern: str, expression: Callable[[str], Callable[[bytes], object]] | None = None) -> Filter:
    where, wanted = _split(pattern)
    search = (expression or python_s)(wanted)
    return lambda read: any(search(content) for content in _contents(read, where))


def python_s(pattern: str) -> Callable[[bytes], object]:
    """Finds what Python's `re` finds, in whatever time it takes."""
    try:
        return re.compile(pattern.encode()).search
    except re.error as error:
        raise NotUnderstood(f"{pattern!r} is no regular expression: {error}") from None


def in_bounded_time(pattern: str) -> Callable[[bytes], bool]:
    """Finds what RE2 finds, in a time bounded by the length of what it looks through."""
    from kbroker.patterns import InvalidPattern, Pattern

    try:
        found_in = Pattern(pattern).found_in
    except InvalidPattern as error:
        raise NotUnderstood(f"{pattern!r} is no regular expression: {error}") from None
    return lambda content: found_in(content.decode("utf-8", "replace"))


def having(path: str) -> Filter:
    where, wanted = _split(path)
    found = _PATH.fullmatch(wanted)
    if found is None:
        raise NotUnderstood(f"{wanted!r} is no path; .order.items[0] or .order.state=paid would be")
    steps = [name or int(index) for name, index in _STEP.findall(found[1])]
    expected = found[2]

    def test(read: Read) -> bool:
        for content in _contents(read, where or "value"):
            try:
                there = _walk(json.loads(content), steps)
            except ValueError:
                continue
            if there is not _NOTHING and (expected is None or _same(there, expected)):
                return True
        return False

    return test


def _split(text: str) -> tuple[str | None, str]:
    found = _WHERE.fullmatch(text)
    return (found[1], found[2]) if found else (None, text)


def _contents(read: Read, where: str | None) -> Iterator[bytes]:
    if where in (None, "key") and read.key is not None:
        yield read.key
    if where in (None, "value") and read.value is not None:
        yield read.value
    for name, content in read.headers:
        if where in (None, f"header.{name}") and content is not None:
            yield content


def _walk(value: Any, steps: list[str | int]) -> Any:
    for step in steps:
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            return _NOTHING
    return value


def _same(there: Any, expected: str) -> bool:
    if isinstance(there, str):
        return there == expected
    try:
        return bool(there == json.loads(expected))
    except ValueError:
        return False
