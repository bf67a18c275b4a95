"""Ranges of versions, as the definitions write them: "3+" from 3 on, "2-5" both included, "4" alone, "none" never."""

from __future__ import annotations

from typing import ClassVar

_NEWEST = 32767


class Versions:
    """An inclusive range of versions, written as "3+", "2-5", "4" or "none"."""

    __slots__ = ("high", "low")
    _known: ClassVar[dict[str, Versions]] = {}

    def __init__(self, low: int, high: int) -> None:
        self.low = low
        self.high = high

    @classmethod
    def of(cls, text: str) -> Versions:
        found = cls._known.get(text)
        if found is None:
            low, _, high = text.partition("-")
            if text == "none":
                found = cls(0, -1)
            elif text.endswith("+"):
                found = cls(int(text[:-1]), _NEWEST)
            else:
                found = cls(int(low), int(high or low))
            cls._known[text] = found
        return found

    def __contains__(self, version: int) -> bool:
        return self.low <= version <= self.high

    def __bool__(self) -> bool:
        return self.low <= self.high

    def __str__(self) -> str:
        if not self:
            return "none"
        if self.high == _NEWEST:
            return f"{self.low}+"
        return str(self.low) if self.low == self.high else f"{self.low}-{self.high}"

    __repr__ = __str__
