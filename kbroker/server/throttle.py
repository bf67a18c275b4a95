"""Throttling (KIP-219): whoever has used more than its quota is answered at once, told to wait, and not read meanwhile.

There is a `Throttle` only while anybody has a quota; the dispatcher asks it about every reply that it has made. Produce
counts the bytes of its request; Fetch those of its reply, which is put back and answered empty when it is too much: the
client keeps its place and asks again. Every request counts the time that it took of this process, in per cent of one
second, if there are quotas for that (KIP-124): the time until its handler has returned.

Who has which quota is looked up once for each principal and client id; a request that nobody limits is let go at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from kbroker.quotas.limits import MUTATION, REQUEST, Limits
from kbroker.quotas.rates import Windows

if TYPE_CHECKING:
    from kbroker.config import Config
    from kbroker.context import Context
    from kbroker.quotas.entities import Entity
    from kbroker.server.dispatch import Call

_PRODUCE_KEY, _FETCH_KEY = 0, 1
_FULL_FETCH_EPOCHS = (0, -1)


class Throttle:
    """`clock` is the finest there is, in seconds. `timed` is the request whose handler is at work."""

    def __init__(self, limits: Limits, clock: Callable[[], float]) -> None:
        self.limits = limits
        self.clock = clock
        self.meters_time = False
        self.timed: Call | None = None

    def changed(self, quotas: Mapping[Entity, Mapping[str, float]]) -> None:
        """These are all quotas from now on."""
        self.limits.changed(quotas)
        self.meters_time = REQUEST in self.limits.kinds

    @property
    def limits_mutations(self) -> bool:
        return MUTATION in self.limits.kinds

    def returned(self, call: Call) -> None:
        """The handler has returned, and is not done with the request: what is answered later has taken its time
        already."""
        who = call.connection.principal, call.client_id
        meter = (self.limits.allowances.get(who) or self.limits.allowance(*who)).request
        if meter is not None:
            percent = (self.clock() - call.began_s) * 100
            meter.rate.charge(percent, meter.bound, call.cluster.world.time_ms())
        self.timed = None

    def finishing(self, call: Call, response: Any, size: int) -> Any:
        """The response that has to be sent in place of this one, whose reply has so many bytes, because the client has
        to wait; None, as nearly always, if it goes out as it is, or nothing is sent at all."""
        key = call.api_key
        who = call.connection.principal, call.client_id
        produce, fetch, request = self.limits.allowances.get(who) or self.limits.allowance(*who)
        now = wait_ms = 0
        if request is not None:
            now, percent = call.cluster.world.time_ms(), 0.0
            if self.timed is call:
                self.timed = None
                percent = (self.clock() - call.began_s) * 100
            if wait_ms := request.rate.charge(percent, request.bound, now):
                wait_ms = min(wait_ms, self.limits.windows.length_ms)
        if key == _PRODUCE_KEY:
            if produce is not None:
                pending = produce.pending + len(call.frame)
                if pending < produce.grain:
                    produce.pending = pending
                else:
                    produce.pending, now = 0, now or call.cluster.world.time_ms()
                    if produce_ms := produce.rate.charge(pending, produce.bound, now):
                        wait_ms = max(wait_ms, produce_ms)
        elif key == _FETCH_KEY and fetch is not None:
            pending = fetch.pending + size
            if pending < fetch.grain and not wait_ms:
                fetch.pending = pending
                return None
            fetch.pending, now = 0, now or call.cluster.world.time_ms()
            fetch_ms = fetch.rate.charge(pending, fetch.bound, now)
            if wait_ms or fetch_ms:
                wait_ms = max(wait_ms, fetch_ms)
                fetch.rate.record(-size, now)  # it does not happen after all
                response = _empty(call.request, response)
        if not wait_ms:
            return None
        call.throttle(wait_ms)
        if hasattr(response, "throttle_time_ms"):
            response.throttle_time_ms = call.throttle_ms
        return response

    def most_bytes(self, ctx: Context, max_bytes: int) -> int:
        """What one Fetch may bring: more than fits into all windows would never be let through. Asked only about more
        than `limits.surely` says."""
        who = ctx.connection.principal, ctx.client_id
        meter = (self.limits.allowances.get(who) or self.limits.allowance(*who)).fetch
        return max_bytes if meter is None or meter.most > max_bytes else meter.most

    def mutate(self, ctx: Context, count: int, *, strict: bool) -> bool:
        """Whether so many partitions may be made or deleted now; the answer tells how long to wait if not."""
        user, client_id = ctx.connection.principal.removeprefix("User:"), ctx.client_id or ""
        admitted, wait_ms = self.limits.mutate(user, client_id, count, ctx.cluster.world.time_ms(), strict=strict)
        if wait_ms:
            ctx.throttle(wait_ms)
        return admitted


def made(config: Config, clock: Callable[[], float]) -> Throttle:
    """With windows as the configs say."""
    windows = Windows(config["quota.window.num"], config["quota.window.size.seconds"] * 1000)
    controller_windows = Windows(
        config["controller.quota.window.num"], config["controller.quota.window.size.seconds"] * 1000
    )
    return Throttle(Limits(windows, controller_windows), clock)


def _empty(request: Any, response: Any) -> Any:
    """Nothing at all, which is no answer to a full fetch: the client asks the same again."""
    from wire.messages.fetch import FetchResponse

    session_id = 0 if request.session_epoch in _FULL_FETCH_EPOCHS else response.session_id
    return FetchResponse(throttle_time_ms=0, error_code=0, session_id=session_id, responses=[])
