"""What `kbroker learn` says, as values: on the terminal, as JSON, and through the control door."""

from __future__ import annotations

from typing import NamedTuple


class Mistake(NamedTuple):
    """`offset` counts from the first byte of the frame, which is the first of its size; -1 is no byte in particular.
    `found` are the bytes there, in hex, and `path` is the field. `repair` says more where more is known; `answered` is
    the error that it was answered with, where that is how one knows of the mistake.
    """

    offset: int
    path: str
    found: str
    expected: str
    rule: str
    repair: str = ""
    answered: str = ""


class Told(NamedTuple):
    """A request that something is wrong with; `number` is the history's, or the recording's."""

    number: int
    connection: str
    api: str
    version: int
    client_id: str | None
    mistakes: list[Mistake]


class Step(NamedTuple):
    """One thing that an exercise asks for. `state` is "done", "wrong" or "to do"; `number` is the request that did it,
    or that has the mistakes; 0 where there is none yet. `hint` is what is still missing.
    """

    words: str
    state: str
    number: int = 0
    hint: str = ""
    mistakes: list[Mistake] = []  # noqa: RUF012 - nobody changes it


class Checked(NamedTuple):
    """An exercise, and how far somebody has come with it."""

    number: int
    title: str
    task: str
    done: bool
    steps: list[Step]
