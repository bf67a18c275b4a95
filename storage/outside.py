"""What another process has to know to do a part of an engine's work: plain values, which can be sent.

`Engine.pieces` and `Rewrite.elsewhere` tell them, `disk/elsewhere.py` is what the other process does with them.
"""

from __future__ import annotations

from typing import NamedTuple


class Piece(NamedTuple):
    """Where an extent lies: the path of its file, without the last suffix."""

    path: str
    base: int
    end: int
    size: int
    sealed: bool


class Spot(NamedTuple):
    """What file is to be filled."""

    prefix: str
    base: int
    generation: int
