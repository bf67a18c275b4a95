"""The syntax of patterns: from the text that a client gave to a tree, or a refusal in RE2's words.

`Parser(text).parse()` gives nested tuples: what `patterns.py` makes a program of. Its page lists what is understood.
"""

from __future__ import annotations

from typing import Any

Ranges = tuple[tuple[int, int], ...]

_LAST = 0x10FFFF
_MOST_REPEATS = 1000
_DEEPEST = 200

_DIGIT: Ranges = ((48, 57),)
WORD: Ranges = ((48, 57), (65, 90), (95, 95), (97, 122))
_SPACE: Ranges = ((9, 10), (12, 13), (32, 32))
_CLASSES = {"d": _DIGIT, "w": WORD, "s": _SPACE}
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
    "word": WORD,
    "xdigit": ((48, 57), (65, 70), (97, 102)),
}
_CONTROLS = {"a": 7, "f": 12, "t": 9, "n": 10, "r": 13, "v": 11}
_CATEGORIES = frozenset(
    (
        *("C", "Cc", "Cf", "Co", "Cs", "L", "Ll", "Lm", "Lo", "Lt", "Lu", "M", "Mc", "Me", "Mn"),
        *("N", "Nd", "Nl", "No", "P", "Pc", "Pd", "Pe", "Pf", "Pi", "Po", "Ps"),
        *("S", "Sc", "Sk", "Sm", "So", "Z", "Zl", "Zp", "Zs"),
    )
)


class InvalidPattern(Exception):
    """RE2 would not take it; the message says why in RE2's words."""


def within(code: int, ranges: Ranges) -> bool:
    return any(low <= code <= high for low, high in ranges)


class Parser:
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
        if end < 0 or not name or not all(within(ord(each), WORD) for each in name):
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
