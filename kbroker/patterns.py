"""Regular expressions of clients, in RE2's syntax: a subscription by pattern (KIP-848), a filter (KIP-1152).

Python's own `re` will not do: it knows things that RE2 refuses (back references, look-around), and a pattern can be
made for which it takes forever. So this is Thompson's construction: a pattern becomes a small program, and all the
places where a match may have come to are followed at once, one character after the other. The time is bounded by
the length of the text times that of the program. What has been found out about a set of places is kept, so that a
pattern that is held against many names becomes a table.

    pattern --> parse --> node (a tree of tuples) --> emit --> program: CHAR, SPLIT, ASSERT, MATCH

Refused in RE2's words: `InvalidPattern`. Only whether the whole text matches is ever asked, so what a group captures
and whether a repetition is greedy does not matter.

    literals  .  [a-z]  [^a]  [[:alpha:]]  \\d \\w \\s and their opposites  \\pL \\p{Lu}  \\t \\n \\x41 \\x{41} \\101  \\Q...\\E
    ab  a|b  a* a+ a? a{2} a{2,} a{2,3} (at most 1000)  (a)  (?:a)  (?P<name>a)  (?i) (?s) (?m) (?U)  ^ $ \\A \\z \\b \\B
"""

from __future__ import annotations

from typing import Any

Ranges = tuple[tuple[int, int], ...]

_LAST = 0x10FFFF
_MOST_REPEATS = 1000
_MOST_STEPS = 20_000  # of a program, when its repetitions are written out
_DEEPEST = 200
_MOST_KEPT = 4096

_DIGIT: Ranges = ((48, 57),)
_WORD: Ranges = ((48, 57), (65, 90), (95, 95), (97, 122))
_SPACE: Ranges = ((9, 10), (12, 13), (32, 32))
_CLASSES = {"d": _DIGIT, "w": _WORD, "s": _SPACE}
_POSIX: dict[str, Ranges] = {
    "alnum": ((48, 57), (65, 90), (97, 122)),
    "alpha": ((65, 90), (97, 122)),
    "ascii": ((0, 127),),
    "blank": ((9, 9), (32, 32)),
    "cntrl": ((0, 31), (127, 127)),
    "digit": _DIGIT,
    "graph": ((33, 126),),
    "lower": ((97, 122),),
    "print": ((32, 126),),
    "punct": ((33, 47), (58, 64), (91, 96), (123, 126)),
    "space": ((9, 13), (32, 32)),
    "upper": ((65, 90),),
    "word": _WORD,
    "xdigit": ((48, 57), (65, 70), (97, 102)),
}
_CONTROLS = {"a": 7, "f": 12, "t": 9, "n": 10, "r": 13, "v": 11}
_CATEGORIES = frozenset(
    "C Cc Cf Co Cs L Ll Lm Lo Lt Lu M Mc Me Mn N Nd Nl No P Pc Pd Pe Pf Pi Po Ps S Sc Sk Sm So Z Zl Zp Zs".split()
)


class InvalidPattern(Exception):
    """RE2 would not take it; the message says why in RE2's words."""


class Pattern:
    """`matches` says whether the whole text does. Raises `InvalidPattern` when it is made."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._program: list[tuple[Any, ...]] = []
        start = _emit(self._program, _Parser(text).parse(), _emit_one(self._program, ("match",)))
        self._start = frozenset([start])
        self._closed: dict[tuple[frozenset[int], int, int], tuple[frozenset[int], bool]] = {}
        self._stepped: dict[tuple[frozenset[int], str], frozenset[int]] = {}

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

    def _step(self, places: frozenset[int], code: int) -> frozenset[int]:
        program = self._program
        return frozenset([program[at][2] for at in places if _within(code, program[at][1])])

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


_NOTHING, _NEWLINE, _WORDLIKE, _OTHER = range(4)


def _kind(character: str) -> int:
    if character == "\n":
        return _NEWLINE
    return _WORDLIKE if _within(ord(character), _WORD) else _OTHER


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


def _within(code: int, ranges: Ranges) -> bool:
    return any(low <= code <= high for low, high in ranges)


# --- a program of a tree ------------------------------------------------------------------------------------------------


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


# --- a tree of a pattern ------------------------------------------------------------------------------------------------


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.depth = 0
        self.flags: frozenset[str] = frozenset()
        self.names: set[str] = set()

    def parse(self) -> tuple[Any, ...]:
        node = self._alternatives()
        if self.at < len(self.text):
            raise InvalidPattern("unexpected )")
        return node

    def _peek(self, ahead: str) -> bool:
        return self.text.startswith(ahead, self.at)

    def _next(self) -> str:
        character = self.text[self.at]
        self.at += 1
        return character

    def _alternatives(self) -> tuple[Any, ...]:
        choices = [self._sequence()]
        while self._peek("|"):
            self.at += 1
            choices.append(self._sequence())
        return choices[0] if len(choices) == 1 else ("alt", choices)

    def _sequence(self) -> tuple[Any, ...]:
        parts: list[tuple[Any, ...]] = []
        while self.at < len(self.text) and not self._peek("|") and not self._peek(")"):
            if self._peek(r"\Q"):
                end = self.text.find(r"\E", self.at)
                quoted = self.text[self.at + 2 : end if end >= 0 else None]
                self.at = end + 2 if end >= 0 else len(self.text)
                parts += [self._literal(ord(character)) for character in quoted]
            else:
                found = self._atom()
                if found is not None:
                    parts.append(found)
            self._repetitions(parts)
        return ("cat", parts)

    def _repetitions(self, parts: list[tuple[Any, ...]]) -> None:
        repeated = False
        while True:
            start = self.at
            times = self._times()
            if times is None:
                return
            if not parts:
                raise InvalidPattern("missing argument to repetition operator")
            if repeated:
                raise InvalidPattern("invalid nested repetition operator")
            if self._peek("?"):
                self.at += 1
            repeated = True
            assert self.at > start
            parts[-1] = ("repeat", parts[-1], *times)

    def _times(self) -> tuple[int, int | None] | None:
        """How often: `*`, `+`, `?` or braces with numbers. Other braces are ordinary characters."""
        for sign, times in (("*", (0, None)), ("+", (1, None)), ("?", (0, 1))):
            if self._peek(sign):
                self.at += 1
                return times
        end = self.text.find("}", self.at)
        if not self._peek("{") or end < 0:
            return None
        least, comma, most = self.text[self.at + 1 : end].partition(",")
        if not _is_number(least) or (most and not _is_number(most)):
            return None
        self.at = end + 1
        bounds = int(least), (int(most) if most else None) if comma else int(least)
        if bounds[0] > _MOST_REPEATS or (bounds[1] is not None and not bounds[0] <= bounds[1] <= _MOST_REPEATS):
            raise InvalidPattern("invalid repeat count")
        return bounds

    def _atom(self) -> tuple[Any, ...] | None:
        character = self._next()
        if character == "(":
            return self._group()
        if character == "[":
            return ("char", self._class())
        if character == "\\":
            return self._escape()
        if character == ".":
            return ("char", ((0, _LAST),) if "s" in self.flags else _opposite(((10, 10),)))
        if character == "^":
            return ("assert", "line begin" if "m" in self.flags else "begin")
        if character == "$":
            return ("assert", "line end" if "m" in self.flags else "end")
        if character in "*+?":
            raise InvalidPattern("missing argument to repetition operator")
        return self._literal(ord(character))

    def _literal(self, code: int) -> tuple[Any, ...]:
        return ("char", self._fold(((code, code),)))

    def _fold(self, ranges: Ranges) -> Ranges:
        """With the flag i, also the other case of every letter. What is asked about are names in ASCII."""
        if "i" not in self.flags:
            return ranges
        others = []
        for low, high in ranges:
            for first, last, shift in ((65, 90, 32), (97, 122, -32)):
                if low <= last and high >= first:
                    others.append((max(low, first) + shift, min(high, last) + shift))
        return (*ranges, *others)

    # --- groups -----------------------------------------------------------------------------------------------------

    def _group(self) -> tuple[Any, ...] | None:
        before = self.flags
        if self._peek("?P<") or self._peek("?<"):
            self._name()
        elif self._peek("?"):
            self.at += 1
            if self._flags():
                return None  # they count from here to the end of the group around
        self.depth += 1
        if self.depth > _DEEPEST:
            raise InvalidPattern("expression nests too deeply")
        node = self._alternatives()
        self.depth -= 1
        if not self._peek(")"):
            raise InvalidPattern("missing closing )")
        self.at += 1
        self.flags = before
        return node

    def _name(self) -> None:
        if self.text[self.at : self.at + 3] in ("?<=", "?<!"):
            raise InvalidPattern("invalid or unsupported Perl syntax")
        start = self.text.index("<", self.at) + 1
        end = self.text.find(">", start)
        name = self.text[start:end]
        if end < 0 or not name or not all(_within(ord(each), _WORD) for each in name):
            raise InvalidPattern("invalid named capture")
        if name in self.names:
            raise InvalidPattern("duplicate capture group name")
        self.names.add(name)
        self.at = end + 1

    def _flags(self) -> bool:
        """After `(?`: flags for the rest (true), or for a group that begins here (false)."""
        flags, off, said = set(self.flags), False, False
        while self.at < len(self.text):
            character = self._next()
            if character in "imsU":
                said = True
                (flags.discard if off else flags.add)(character)
            elif character == "-" and not off:
                off, said = True, False
            elif character in ":)" and (said or not off):
                if character == ")" and not said:
                    break
                self.flags = frozenset(flags)
                return character == ")"
            else:
                break
        raise InvalidPattern("invalid or unsupported Perl syntax")

    # --- escapes and classes ----------------------------------------------------------------------------------------

    def _escape(self) -> tuple[Any, ...]:
        if self.at == len(self.text):
            raise InvalidPattern("trailing backslash at end of expression")
        character = self.text[self.at]
        assertion = {"A": "begin", "z": "end", "b": "border", "B": "no border"}.get(character)
        if assertion is not None:
            self.at += 1
            return ("assert", assertion)
        ranges = self._class_escape()
        return self._literal(self._code()) if ranges is None else ("char", self._fold(ranges))

    def _class_escape(self) -> Ranges | None:
        r"""After a backslash: \d, \W, \pL, \p{Lu} and so on."""
        character = self.text[self.at]
        found = _CLASSES.get(character.lower())
        if found is not None:
            self.at += 1
            return found if character.islower() else _opposite(found)
        if character not in "pP":
            return None
        name, self.at = self.text[self.at + 1 : self.at + 2], self.at + 2
        if name == "{":
            end = self.text.find("}", self.at)
            name, self.at = self.text[self.at : max(end, self.at)], end + 1
        negated = (character == "P") != name.startswith("^")
        ranges = _category(name.removeprefix("^"))
        return _opposite(ranges) if negated else ranges

    def _code(self) -> int:
        """After a backslash: one character."""
        character = self._next()
        if character in _CONTROLS:
            return _CONTROLS[character]
        if character == "x":
            return self._hexadecimal()
        if character in "01234567" and (character == "0" or _is_octal(self.text[self.at : self.at + 1])):
            digits = character
            while len(digits) < 3 and _is_octal(self.text[self.at : self.at + 1]):
                digits += self._next()
            return int(digits, 8)
        if ord(character) < 128 and not character.isalnum():
            return ord(character)
        raise InvalidPattern("invalid escape sequence")

    def _hexadecimal(self) -> int:
        if self._peek("{"):
            end = self.text.find("}", self.at)
            digits, self.at = self.text[self.at + 1 : max(end, 0)], end + 1
        else:
            digits, self.at = self.text[self.at : self.at + 2], self.at + 2
            if len(digits) < 2:
                digits = ""
        if not digits or any(digit not in "0123456789abcdefABCDEF" for digit in digits) or int(digits, 16) > _LAST:
            raise InvalidPattern("invalid escape sequence")
        return int(digits, 16)

    def _class(self) -> Ranges:
        negated = self._peek("^")
        self.at += negated
        ranges: list[tuple[int, int]] = []
        first = True
        while first or not self._peek("]"):
            if self.at >= len(self.text):
                raise InvalidPattern("missing closing ]")
            ranges += self._class_part()
            first = False
        self.at += 1
        folded = self._fold(tuple(ranges))
        return _opposite(folded) if negated else folded

    def _class_part(self) -> Ranges:
        if self._peek("[:"):
            end = self.text.find(":]", self.at)
            if end >= 0:
                name, self.at = self.text[self.at + 2 : end], end + 2
                found = _POSIX.get(name.removeprefix("^"))
                if found is None:
                    raise InvalidPattern("invalid character class range")
                return _opposite(found) if name.startswith("^") else found
        if self._peek("\\") and self.at + 1 < len(self.text):
            self.at += 1
            ranges = self._class_escape()
            if ranges is not None:
                return ranges
            self.at -= 1
        low = self._class_character()
        if not self._peek("-") or self._peek("-]"):
            return ((low, low),)
        self.at += 1
        high = self._class_character()
        if high < low:
            raise InvalidPattern("invalid character class range")
        return ((low, high),)

    def _class_character(self) -> int:
        if self.at >= len(self.text):
            raise InvalidPattern("missing closing ]")
        character = self._next()
        if character != "\\":
            return ord(character)
        if self.at >= len(self.text):
            raise InvalidPattern("trailing backslash at end of expression")
        return self._code()


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 9


def _is_octal(text: str) -> bool:
    return bool(text) and text in "01234567"


def _opposite(ranges: Ranges) -> Ranges:
    rest, start = [], 0
    for low, high in sorted(ranges):
        if low > start:
            rest.append((start, low - 1))
        start = max(start, high + 1)
    if start <= _LAST:
        rest.append((start, _LAST))
    return tuple(rest)


def _category(name: str) -> Ranges:
    """A general category of Unicode. Scripts (`\\p{Greek}`) are not known here."""
    if name == "Any":
        return ((0, _LAST),)
    if name not in _CATEGORIES:
        raise InvalidPattern("invalid character class range")
    from unicodedata import category

    ranges: list[tuple[int, int]] = []
    for code in range(0x3000):  # further than any name of a topic, a group or a transaction goes
        if category(chr(code)).startswith(name):
            if ranges and ranges[-1][1] == code - 1:
                ranges[-1] = (ranges[-1][0], code)
            else:
                ranges.append((code, code))
    return tuple(ranges)
