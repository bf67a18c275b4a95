"""Mistakes and exercises as text for a terminal.

14:30:05.123   #3 > 127.0.0.1:9092   learner   Metadata v9   32 > no answer   0.1 ms
    byte 21, header.tags: 02
      expected  with request header v1 all of it reads well: put 00 here, the number of tagged fields
      because   Metadata is flexible from v9 on, and this is v9. So request header v2 belongs to it ...
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from textwrap import wrap

from kbroker.learn.mistakes import around
from kbroker.learn.shapes import Checked, Mistake
from kbroker.trace.exchange import Exchange
from wire.explain_text import lines

WIDTH = 110
LONGEST_BYTES = 16
RED, GREEN, DIM, PLAIN = "\x1b[1;31m", "\x1b[32m", "\x1b[2m", "\x1b[0m"
MARKS = {"done": "ok   ", "wrong": "WRONG", "to do": "to do"}
COLOURS = {"done": GREEN, "wrong": RED, "to do": DIM}


def mistakes(exchange: Exchange | None, found: Sequence[Mistake], *, colour: bool = False) -> Iterator[str]:
    """What is wrong with a request; with the request itself also the bytes up to there."""
    for mistake in found:
        where = "no byte in particular" if mistake.offset < 0 else f"byte {mistake.offset}"
        place = ", ".join(part for part in (where, mistake.path) if part)
        head = f"{place}: {mistake.found}" if mistake.found else place
        yield f"    {RED}{head}{PLAIN}" if colour else f"    {head}"
        if exchange is not None and mistake.offset >= 0:
            for line in lines(around(exchange, mistake), colour=colour, longest=LONGEST_BYTES):
                yield f"      {line}"
        yield from _said("answered", mistake.answered)
        yield from _said("expected", mistake.expected)
        yield from _said("because", mistake.rule)
        yield from _said("and", mistake.repair)


def _said(label: str, words: str) -> Iterator[str]:
    for number, line in enumerate(wrap(words, WIDTH - 16)):
        yield f"      {label if number == 0 else '':9} {line}"


def checked(exercise: Checked, *, colour: bool = False) -> Iterator[str]:
    """An exercise with its steps."""
    yield f"{exercise.number}. {exercise.title}"
    yield f"   {exercise.task}"
    for step in exercise.steps:
        mark = f"{COLOURS[step.state]}{MARKS[step.state]}{PLAIN}" if colour else MARKS[step.state]
        at = f"  (request {step.number})" if step.number else ""
        yield f"   {mark}  {step.words}{at}"
        if step.hint:
            yield from (f"          {line}" for line in wrap(step.hint, WIDTH - 10))
        yield from (f"      {line}" for line in mistakes(None, step.mistakes, colour=colour))
