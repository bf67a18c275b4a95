"""A run's work, done by a process of its own (`hand.py`): what is large is not walked through beside the clients.

The engine stays here: it tells the other process where pieces lie and what file to fill, and adopts the file. So a run
looks the same from here, and if the other process ends before its work is done, nothing has changed but what was
swapped before.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from storage.engine import Corrupt, Engine, LogFailed, Rewrite

from .sieve import Rules
from .work import Sifted

if TYPE_CHECKING:
    from kbroker.world import Servant


class Outside:
    """See the file's story; the methods are those of `Work`."""

    def __init__(self, engine: Engine, log: str, servant: Servant) -> None:
        self._engine = engine
        self._log = log
        self._servant = servant

    async def open(self, most_keys: int, max_bytes: int) -> None:
        await self._ask(do="open", log=self._log, most_keys=most_keys, max_bytes=max_bytes)

    async def survey(self, start: int, end: int) -> None:
        await self._ask(do="survey", **self._where(), start=start, end=end)

    async def learn(self, start: int, end: int) -> int:
        answer = await self._ask(do="learn", **self._where(), start=start, end=end)
        return int(answer["end"])

    async def begin(self, rules: Rules) -> None:
        plain = [rules.end, rules.now, rules.delete_retention_ms, rules.max_bytes]
        await self._ask(do="begin", rules=plain, last=[[key, *last] for key, last in rules.last.items()])

    async def sift(self, start: int, end: int, rewrite: Rewrite, alone: bool) -> Sifted:
        answer = await self._ask(do="sift", start=start, end=end, spot=rewrite.elsewhere(), alone=alone)
        sifted = Sifted(*answer["sifted"])
        if not sifted.same:
            rewrite.adopt()
        return sifted

    async def close(self) -> None:
        await self._servant.close()

    def _where(self) -> dict[str, Any]:
        return {"pieces": self._engine.pieces(self._log), "log_start": self._engine.bounds(self._log).start}

    async def _ask(self, **order: Any) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(await self._servant.ask(json.dumps(order).encode()))
        if "corrupt" in answer:
            raise Corrupt(answer["corrupt"])
        if "failed" in answer:
            raise LogFailed(answer["failed"])
        return answer
