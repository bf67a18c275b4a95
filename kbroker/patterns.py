"""Regular expressions of clients, in RE2's syntax: a subscription by pattern (KIP-848), a filter (KIP-1152).

Python's own `re` will not do: it knows things that RE2 refuses (back references, look-around), and a pattern can be
made for which it takes forever. So this is Thompson's construction: a pattern becomes a small program, and all the
places where a match may have come to are followed at once, one character after the other. The time is bounded by
the length of the text times that of the program. What has been found out about a set of places is kept, so that a
pattern that is held against many names becomes a table.

    pattern --> parse --> node (a tree of tuples) --> emit --> program: CHAR, SPLIT, ASSERT, MATCH

Refused in RE2's words: `InvalidPattern`. Only whether the whole text matches, or any part of it, is ever asked, so what
a group captures and whether a repetition is greedy does not matter.

    literals  .  [a-z]  [^a]  [[:alpha:]]  \\d \\w \\s and their opposites  \\pL \\p{Lu}
    \\t \\n \\x41 \\x{41} \\101  \\Q...\\E
    ab  a|b  a* a+ a? a{2} a{2,} a{2,3} (at most 1000)  (a)  (?:a)  (?P<name>a)  (?i) (?s) (?m) (?U)
    ^ $ \\A \\z \\b \\B
"""

from __future__ import annotations

from typing import Any

from kbroker.pattern_syntax import WORD, InvalidPattern, Parser, within

__all__ = ["InvalidPattern", "Pattern"]

_MOST_STEPS = 20_000  # of a program, when its repetitions are written out
_MOST_KEPT = 4096


class Pattern:
    """`matches` says whether the whole text does, `found_in` whether a part of it does. Raises `InvalidPattern` when it
    is made."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._program: list[tuple[Any, ...]] = []
        start = _emit(self._program, Parser(text).parse(), _emit_one(self._program, ("match",)))
        self._start = frozenset([start])
        self._closed: dict[tuple[frozenset[int], int, int], tuple[frozenset[int], bool]] = {}
        self._stepped: dict[tuple[frozenset[int], str], frozenset[int]] = {}
        self._rows: dict[tuple[frozenset[int], int], _Row] = {}
        self._entries = 0

    def matches(self, text: str) -> bool:
        places, before = self._start, _NOTHING
        for character in text:
            after = _kind(character)
            places, _ = self._close(places, before, after)
            if not places:
                return False
            key = (places, character)
            stepped = self._stepped.get(key)
            if stepped is None:
                if len(self._stepped) >= _MOST_KEPT:
                    self._stepped.clear()
                stepped = self._stepped[key] = self._step(places, ord(character))
            places, before = stepped, after
        return self._close(places, before, _NOTHING)[1]

    def found_in(self, text: str) -> bool:
        """For long texts: each set of places is a row of a table, and most characters are one look into it."""
        row: _Row | None = self._row(self._start, _NOTHING)
        for character in text:
            assert row is not None
            row = row[character]
            if row is None:
                return True
        assert row is not None
        return self._close(row.places, row.before, _NOTHING)[1]

    def _row(self, places: frozenset[int], before: int) -> _Row:
        key = (places, before)
        found = self._rows.get(key)
        if found is None:
            found = self._rows[key] = _Row(self, places, before)
        return found

    def _after(self, row: _Row, character: str) -> _Row | None:
        """The row behind this character, where a match may begin, too; None if one has ended before it."""
        after = _kind(character)
        places, ends = self._close(row.places, row.before, after)
        if self._entries >= _MOST_KEPT:
            for each in self._rows.values():
                each.clear()
            self._rows.clear()
            self._entries = 0
        self._entries += 1
        return None if ends else self._row(self._step(places, ord(character)) | self._start, after)

    def _step(self, places: frozenset[int], code: int) -> frozenset[int]:
        program = self._program
        return frozenset([program[at][2] for at in places if within(code, program[at][1])])

    def _close(self, places: frozenset[int], before: int, after: int) -> tuple[frozenset[int], bool]:
        """The places that wait for a character, and whether the end is reached, between these two neighbours."""
        key = (places, before, after)
        known = self._closed.get(key)
        if known is None:
            if len(self._closed) >= _MOST_KEPT:
                self._closed.clear()
            known = self._closed[key] = self._follow(places, before, after)
        return known

    def _follow(self, places: frozenset[int], before: int, after: int) -> tuple[frozenset[int], bool]:
        seen: set[int] = set()
        waiting: set[int] = set()
        ends = False
        todo = list(places)
        while todo:
            at = todo.pop()
            if at in seen:
                continue
            seen.add(at)
            step = self._program[at]
            if step[0] == "char":
                waiting.add(at)
            elif step[0] == "split":
                todo += step[1:]
            elif step[0] == "match":
                ends = True
            elif _holds(step[1], before, after):
                todo.append(step[2])
        return frozenset(waiting), ends


class _Row(dict[str, "_Row | None"]):
    """What comes behind each character, found out when it is first met. None: a match has been found."""

    __slots__ = ("before", "pattern", "places")

    def __init__(self, pattern: Pattern, places: frozenset[int], before: int) -> None:
        self.pattern = pattern
        self.places = places
        self.before = before

    def __missing__(self, character: str) -> _Row | None:
        following = self[character] = self.pattern._after(self, character)
        return following


_NOTHING, _NEWLINE, _WORDLIKE, _OTHER = range(4)


def _kind(character: str) -> int:
    if character == "\n":
        return _NEWLINE
    return _WORDLIKE if within(ord(character), WORD) else _OTHER


def _holds(assertion: str, before: int, after: int) -> bool:
    if assertion == "begin":
        return before == _NOTHING
    if assertion == "end":
        return after == _NOTHING
    if assertion == "line begin":
        return before in (_NOTHING, _NEWLINE)
    if assertion == "line end":
        return after in (_NOTHING, _NEWLINE)
    at_border = (before == _WORDLIKE) != (after == _WORDLIKE)
    return at_border == (assertion == "border")


def _emit_one(program: list[tuple[Any, ...]], step: tuple[Any, ...]) -> int:
    if len(program) >= _MOST_STEPS:
        raise InvalidPattern("expression too large")
    program.append(step)
    return len(program) - 1


def _emit(program: list[tuple[Any, ...]], node: tuple[Any, ...], then: int) -> int:
    """Where to begin, so that this node is matched and `then` goes on."""
    kind = node[0]
    if kind in ("char", "assert"):
        return _emit_one(program, (kind, node[1], then))
    if kind == "cat":
        for part in reversed(node[1]):
            then = _emit(program, part, then)
        return then
    if kind == "alt":
        begin = _emit(program, node[1][-1], then)
        for part in reversed(node[1][:-1]):
            begin = _emit_one(program, ("split", _emit(program, part, then), begin))
        return begin
    _, part, least, most = node
    if most is None:
        loop = _emit_one(program, ("split", then, then))
        program[loop] = ("split", _emit(program, part, loop), then)
        then = loop
    else:
        end = then
        for _ in range(most - least):
            then = _emit_one(program, ("split", _emit(program, part, then), end))
    for _ in range(least):
        then = _emit(program, part, then)
    return then
