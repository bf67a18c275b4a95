"""Throttling (KIP-219): whoever has used more than its quota is answered at once, told to wait, and not read meanwhile.

There is a `Throttle` only while anybody has a quota; the dispatcher asks it about every response just before it is
written. Produce counts the bytes of its request; Fetch those of its response, which is put back and answered empty
when it is too much: the client keeps its place and asks again. Every request counts the time that it took of this
process, in per cent of one second, if there are quotas for that (KIP-124): the time until its handler has returned.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kbroker.quotas.limits import FETCH, MUTATION, PRODUCE, REQUEST, Limits
from kbroker.quotas.rates import Windows

if TYPE_CHECKING:
    from kbroker.config import Config
    from kbroker.context import Context
    from kbroker.server.dispatch import Call

_PRODUCE_KEY, _FETCH_KEY = 0, 1
_FULL_FETCH_EPOCHS = (0, -1)
_AROUND_A_RESPONSE, _AROUND_A_PARTITION = 20, 45


class Throttle:
    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._began_s: float | None = None

    @property
    def meters_time(self) -> bool:
        return REQUEST in self.limits.kinds

    @property
    def limits_mutations(self) -> bool:
        return MUTATION in self.limits.kinds

    def starting(self, now_s: float) -> None:
        """A request's handler is about to be called."""
        self._began_s = now_s

    def started(self, call: Call) -> None:
        """It has returned. What is answered later has taken its time already."""
        if self._began_s is not None:
            self._spent(call)

    def forget(self) -> None:
        """Whatever became of that request, the next one begins anew."""
        self._began_s = None

    def finishing(self, call: Call, response: Any) -> Any:
        """The response, or the one that stands in for it. None where nothing is sent."""
        user, client_id = _who(call)
        now = call.cluster.world.time_ms()
        wait_ms = self._spent(call) if self._began_s is not None else 0
        if call.api_key == _PRODUCE_KEY:
            wait_ms = max(wait_ms, self.limits.record(PRODUCE, user, client_id, len(call.frame), now))
        elif call.api_key == _FETCH_KEY and self.limits.limit(FETCH, user, client_id) is not None:
            size = _size(response)
            fetch_ms = self.limits.record(FETCH, user, client_id, size, now)
            wait_ms = max(wait_ms, fetch_ms)
            if wait_ms:
                self.limits.unrecord(FETCH, user, client_id, size, now)
                response = _empty(call.request, response)
        if wait_ms:
            call.throttle(wait_ms)
        return response

    def most_bytes(self, ctx: Context, max_bytes: int) -> int:
        """What one Fetch may bring: more than fits into all windows would never be let through."""
        most = self.limits.most_in_windows(FETCH, *_who(ctx))
        return max_bytes if most is None else min(max_bytes, int(most))

    def mutate(self, ctx: Context, count: int, *, strict: bool) -> bool:
        """Whether so many partitions may be made or deleted now; the answer tells how long to wait if not."""
        user, client_id = _who(ctx)
        admitted, wait_ms = self.limits.mutate(user, client_id, count, ctx.cluster.world.time_ms(), strict=strict)
        if wait_ms:
            ctx.throttle(wait_ms)
        return admitted

    def _spent(self, call: Call) -> int:
        began_s, self._began_s = self._began_s, None
        assert began_s is not None
        world = call.cluster.world
        percent = (world.loop_time() - began_s) * 100
        wait_ms = self.limits.record(REQUEST, *_who(call), percent, world.time_ms())
        return min(wait_ms, self.limits.windows.length_ms)


def made(config: Config) -> Throttle:
    """With windows as the configs say."""
    windows = Windows(config["quota.window.num"], config["quota.window.size.seconds"] * 1000)
    controller_windows = Windows(
        config["controller.quota.window.num"], config["controller.quota.window.size.seconds"] * 1000
    )
    return Throttle(Limits(windows, controller_windows))


def _size(response: Any) -> int:
    """The bytes of a fetch's answer: its records, and about what stands around them."""
    size = _AROUND_A_RESPONSE
    for topic in response.responses:
        for partition in topic.partitions:
            records = partition.records or ()
            size += _AROUND_A_PARTITION
            size += sum(map(len, records)) if isinstance(records, list | tuple) else len(records)
    return size


def _who(ctx: Context) -> tuple[str, str]:
    return ctx.connection.principal.removeprefix("User:"), ctx.client_id or ""


def _empty(request: Any, response: Any) -> Any:
    """Nothing at all, which is no answer to a full fetch: the client asks the same again."""
    from wire.messages.fetch import FetchResponse

    session_id = 0 if request.session_epoch in _FULL_FETCH_EPOCHS else response.session_id
    return FetchResponse(throttle_time_ms=0, error_code=0, session_id=session_id, responses=[])
