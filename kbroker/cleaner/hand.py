"""The other end of `outside.py`: a process that compacts for the broker. One order, one answer, both JSON.

    {"do": "open", "log": ..., "most_keys": ..., "max_bytes": ...}                   {}
    {"do": "survey", "pieces": [...], "log_start": ..., "start": ..., "end": ...}    {}
    {"do": "learn", the same}                                                        {"end": all keys are known to here}
    {"do": "begin", "rules": [...], "last": [[producer id, epoch, offset], ...]}     {}
    {"do": "sift", "start": ..., "end": ..., "spot": [...], "alone": ...}            {"sifted": [before, after, same]}

or {"corrupt": sentence} or {"failed": sentence}. What was sifted lies at its spot when it is answered, whole and
synced; where nothing changes, nothing lies there.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

from storage.engine import Corrupt, Files, StorageError
from storage.outside import Piece, Spot

from .sieve import Rules
from .work import Pause, Work


def hand(files: Files, pause: Pause) -> Callable[[bytes], Awaitable[bytes]]:
    """What carries out orders: see `kbroker/servant.py`."""
    doer = Hand(files, pause)

    async def answer(order: bytes) -> bytes:
        return json.dumps(await doer.do(json.loads(order))).encode()

    return answer


class Hand:
    """See the file's story."""

    def __init__(self, files: Files, pause: Pause) -> None:
        from storage.disk.elsewhere import Filling, Pieces

        self._files = files
        self._pause = pause
        self._pieces, self._filling = Pieces, Filling
        self._reader = Pieces(files, "", 0, ())
        self._log = ""
        self._work: Work | None = None

    async def do(self, order: dict[str, Any]) -> dict[str, Any]:
        """Carry out one order."""
        try:
            answer: dict[str, Any] = await getattr(self, "_" + order.pop("do"))(**order)
            return answer
        except Corrupt as error:
            return {"corrupt": str(error)}
        except (StorageError, OSError) as error:
            return {"failed": str(error)}

    async def _open(self, log: str, most_keys: int, max_bytes: int) -> dict[str, Any]:
        self._log = log
        self._work = Work(self._reader, log, most_keys, max_bytes, self._pause)
        return {}

    def _over(self, pieces: list[Any], log_start: int) -> Work:
        """The log is these pieces from now on."""
        assert self._work is not None, "open comes first"
        self._reader.close()
        self._reader = self._work.reader = self._pieces(
            self._files, self._log, log_start, [Piece(*piece) for piece in pieces]
        )
        return self._work

    async def _survey(self, pieces: list[Any], log_start: int, start: int, end: int) -> dict[str, Any]:
        await self._over(pieces, log_start).survey(start, end)
        return {}

    async def _learn(self, pieces: list[Any], log_start: int, start: int, end: int) -> dict[str, Any]:
        return {"end": await self._over(pieces, log_start).learn(start, end)}

    async def _begin(self, rules: list[int], last: list[list[int]]) -> dict[str, Any]:
        assert self._work is not None, "open comes first"
        end, now, delete_retention_ms, max_bytes = rules
        known = {producer_id: (epoch, offset) for producer_id, epoch, offset in last}
        await self._work.begin(Rules(end, now, delete_retention_ms, known, max_bytes))
        return {}

    async def _sift(self, start: int, end: int, spot: list[Any], alone: bool) -> dict[str, Any]:
        assert self._work is not None, "open comes first"
        filling = self._filling(self._files, Spot(*spot))
        try:
            sifted = await self._work.sift(start, end, filling, alone)
            if sifted.same:
                filling.abandon()
            else:
                filling.finish(end)
        except BaseException:
            filling.abandon()
            raise
        return {"sifted": sifted}
