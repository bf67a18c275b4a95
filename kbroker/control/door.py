"""The first door: JSON lines over a socket, for one asker. What stands on a line:

    {"id": 7, "verb": "topics.create", "arguments": {"name": "orders"}}   a question, with a number of the asker's
    {"id": 9, "verb": ..., "broker": 2}                                   of another broker of the process than number 0
    {"id": 7, "answer": ...}                                              its answer
    {"id": 7, "error": {"kind": "refused", "message": "..."}}             or why there is none (`table.ControlError`)
    {"id": 8, "event": ...}                                               one of a stream; then {"id": 8, "end": true}
    {"cancel": 8}                                                         the asker has enough, or waits no more

Questions are carried out side by side. The door closes when the asker's end does; what was under way is given up.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable
from inspect import isawaitable
from typing import Any, cast

from kbroker.control.control import Control, refusal
from kbroker.control.house import FIRST, House
from kbroker.control.plain import to_plain
from kbroker.control.table import ControlError, Verb, find
from wire.errors import KafkaError

log = logging.getLogger("kbroker.control")

LONGEST_LINE = 256 << 20


class Door(asyncio.Protocol):
    """`closed` is called once, when nobody is there any more."""

    def __init__(self, house: House, closed: Callable[[], object]) -> None:
        self.house = house
        self._closed = closed
        self._transport: asyncio.Transport = cast(asyncio.Transport, None)
        self._rest = bytearray()
        self._tasks: dict[int, asyncio.Task[None]] = {}

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: BaseException | None) -> None:
        for task in self._tasks.values():
            task.cancel()
        self._closed()

    def data_received(self, data: bytes) -> None:
        self._rest += data
        if b"\n" not in data:
            if len(self._rest) > LONGEST_LINE:
                log.error("a line of more than %d bytes: the door closes", LONGEST_LINE)
                self._transport.close()
            return
        *lines, self._rest = self._rest.split(b"\n")
        for line in lines:
            self._hear(bytes(line))

    def say(self, **line: Any) -> None:
        """One line to the asker."""
        if not self._transport.is_closing():
            self._transport.write(json.dumps(to_plain(line), separators=(",", ":")).encode() + b"\n")

    def _hear(self, line: bytes) -> None:
        number = None
        try:
            said = json.loads(line)
            if "cancel" in said:
                self._cancel(said["cancel"])
                return
            number = int(said["id"])
            control = self.house.find(int(said.get("broker", FIRST)))
            self._begin(number, control, find(said["verb"]), said.get("arguments") or {})
        except ControlError as error:
            self._refuse(number, error)
        except (ValueError, TypeError, KeyError, AttributeError):
            self._refuse(number, ControlError("argument", f"this is no question: {line[:200]!r}"))

    def _begin(self, number: int, control: Control, verb: Verb, arguments: dict[str, Any]) -> None:
        bound = verb.bind(arguments)
        carry_out = self._stream if verb.streams else self._answer
        work = carry_out(number, control, verb, bound)
        task = self._tasks[number] = asyncio.get_running_loop().create_task(work)
        task.add_done_callback(lambda _: self._tasks.pop(number, None))

    def _cancel(self, number: Any) -> None:
        task = self._tasks.get(number)
        if task is not None:
            task.cancel()

    async def _answer(self, number: int, control: Control, verb: Verb, arguments: dict[str, Any]) -> None:
        try:
            answer = verb.run(control, **arguments)
            self.say(id=number, answer=await answer if isawaitable(answer) else answer)
        except Exception as error:
            self._refuse(number, error)

    async def _stream(self, number: int, control: Control, verb: Verb, arguments: dict[str, Any]) -> None:
        try:
            async for event in verb.run(control, **arguments):
                self.say(id=number, event=event)
            self.say(id=number, end=True)
        except Exception as error:
            self._refuse(number, error)

    def _refuse(self, number: int | None, error: Exception) -> None:
        self.say(id=number, error=told(error))


def told(error: Exception) -> dict[str, str]:
    """Why a verb was not done, as both doors tell it; what nobody foresaw is logged."""
    if isinstance(error, KafkaError):
        error = refusal(error.code, error.message)
    elif not isinstance(error, ControlError):
        log.error("a verb failed in a way that nobody foresaw", exc_info=error)
        error = ControlError("failed", f"{type(error).__name__}: {error}")
    return {"kind": error.kind, "message": str(error)}
