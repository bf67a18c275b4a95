"""Faults, from the test's side.

    broker.faults.fail("Produce", "NOT_LEADER_OR_FOLLOWER", topic="orders", times=1)
    with broker.faults.install(api="Fetch", hold=True) as fault:
        fault.wait()                    # until one is held
        fault.release()
    @broker.faults.on("Produce")
    def look(request): return "NOT_ENOUGH_REPLICAS" if request.client_id == "a" else None

Every condition and effect is a keyword here; `kbroker/control/shapes.py` tells what each means (Match, When, Effect).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Self, TypeAlias

from kbroker.control.plain import from_plain, hints
from kbroker.control.shapes import Effect, Fault, Held, Hit, Match, When
from kbroker.testing.ask import Ask, Asker, Known, verb
from kbroker.testing.link import Line, Stream

Callback = Callable[[Held], "str | dict[str, Any] | None"]
"""Called with a request that waits. It answers None (the request goes on), the name of an error, or a response in JSON
form; what it raises is noted, and the request goes on."""


_FAULTS: TypeAlias = list[Fault]  # the class below has a method of that name


class Handle(Asker):
    """An installed fault. As a context manager it is removed at the end of the block."""

    def __init__(self, faults: Faults, fault: Fault) -> None:
        self._faults = faults
        self.id = fault.id
        self._last = fault
        self._removed = False

    @property
    def _link(self) -> Line:
        return self._faults.link()

    @verb
    def look(self) -> Ask[Fault]:
        """How it stands now."""
        return self._ask(Fault, "faults.get", id=self.id)

    @property
    def hits(self) -> list[Hit]:
        """The requests that it has met."""
        return (self._last if self._removed else self.look()).hits

    @property
    def problems(self) -> list[str]:
        """What its callbacks did wrong."""
        return (self._last if self._removed else self.look()).problems

    @verb
    def wait(self, hits: int = 1, *, timeout: float = 10.0) -> Ask[Fault]:
        """Wait until it has met so many requests."""
        return self._ask(Fault, "faults.wait", id=self.id, hits=hits, timeout=float(timeout))

    @verb
    def release(self) -> Ask[int]:
        """Let go of all requests that it holds now."""
        return self._ask(int, "faults.release_all", id=self.id)

    @verb
    def remove(self) -> Ask[Fault]:
        """Take it out; what it has met. Harmless twice."""
        if self._removed:
            return Known(self._last)
        return self._ask(Fault, "faults.remove", self._taken_out, id=self.id)

    def _taken_out(self, fault: Fault) -> Fault:
        self._last, self._removed = fault, True
        return fault

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.remove()


class Faults(Asker):
    """The faults of one broker."""

    def __init__(self, link: Callable[[], Line]) -> None:
        self.link = link
        self._callbacks: dict[int, Callback] = {}
        self._stream: Stream | None = None

    @property
    def _link(self) -> Line:
        return self.link()

    @verb
    def install(self, /, api: str | Sequence[str] | None = None, **words: Any) -> Ask[Handle]:
        """Install a fault for one API, several, or all of them. Keywords are the fields of Match (client_id, topic,
        partition, group ...), When (times, nth, skip, probability, seed ...) and Effect (errors, delay_ms, hold, drop
        ...); and `name`, for reports."""
        return self._install(api, words)

    def _install(self, api: str | Sequence[str] | None, words: dict[str, Any]) -> Ask[Handle]:
        name = words.pop("name", "")
        apis = [api] if isinstance(api, str) else None if api is None else list(api)
        match, when, effect = _sort(words)
        return self._handle("faults.install", match={"api": apis, **match}, when=when, effect=effect, name=name)

    def _handle(self, verb: str, **arguments: Any) -> Ask[Handle]:
        return self._ask(Fault, verb, lambda fault: Handle(self, fault), **arguments)

    @verb
    def list(self) -> Ask[_FAULTS]:
        """What is installed, and what each has met."""
        return self._ask(_FAULTS, "faults.list")

    @verb
    def remove(self, id: int) -> Ask[Fault]:
        """Take a fault out."""
        return self._ask(Fault, "faults.remove", id=id)

    @verb
    def clear(self) -> Ask[None]:
        """Take all faults out."""
        self._callbacks.clear()
        return self._ask(None, "faults.clear")

    @verb
    def mark(self, name: str) -> Ask[None]:
        """Set a mark, at which faults begin (`after=`) or end (`until=`)."""
        return self._ask(None, "faults.mark", name=name)

    @verb
    def chaos(self, seed: int = 0, level: int = 1) -> Ask[_FAULTS]:
        """A mix of faults that a correct client survives, at level 1, 2 or 3; `clear()` ends it."""
        return self._ask(_FAULTS, "faults.chaos", seed=seed, level=level)

    # --- in fewer words -----------------------------------------------------------------------------------------------

    @verb
    def fail(self, /, api: str | Sequence[str], *errors: str, **words: Any) -> Ask[Handle]:
        """Answer with an error: always, or with several in their order, one for each request."""
        return self._install(api, {"errors": [*errors], **words})

    @verb
    def delay(self, /, api: str | Sequence[str] | None = None, delay_ms: int = 100, **words: Any) -> Ask[Handle]:
        """Let requests wait before they are handled; `jitter_ms` is up to how much longer."""
        return self._install(api, {"delay_ms": delay_ms, **words})

    @verb
    def hold(self, /, api: str | Sequence[str] | None = None, **words: Any) -> Ask[Handle]:
        """Hold requests until `release()` or `remove()`."""
        return self._install(api, {"hold": True, **words})

    @verb
    def disconnect(
        self, /, api: str | Sequence[str] | None = None, *, after: bool = False, **words: Any
    ) -> Ask[Handle]:
        """Close the connection in place of an answer: before the request is handled, or `after`."""
        return self._install(api, {"drop": "after" if after else "before", **words})

    @verb
    def blackhole(self, /, client_id: str | None = None, **words: Any) -> Ask[Handle]:
        """Never answer this client again, or anybody; its connections stay open."""
        return self._install(None, {"client_id": client_id, "blackhole": True, **words})

    @verb
    def loading(
        self,
        *,
        group: str | None = None,
        transactional_id: str | None = None,
        error: str = "COORDINATOR_LOAD_IN_PROGRESS",
        for_ms: int | None = None,
        times: int | None = None,
    ) -> Ask[Handle]:
        """The coordinator of a group or a transactional id is still reading its log; or, with another error, elsewhere
        (NOT_COORDINATOR, COORDINATOR_NOT_AVAILABLE). Until `remove()`, for a time, or so many times."""
        return self._handle(
            "faults.loading",
            group=group,
            transactional_id=transactional_id,
            error=error,
            for_ms=for_ms,
            times=times,
        )

    @verb
    def unstable_offsets(
        self, group: str, topic: str = "*", *, for_ms: int | None = None, times: int | None = None
    ) -> Ask[Handle]:
        """The group's offsets are those of a transaction that has not ended (KIP-447)."""
        return self._handle("faults.unstable_offsets", group=group, topic=topic, for_ms=for_ms, times=times)

    @verb
    def metadata_lag(
        self, topic: str | None = None, *, for_ms: int | None = None, times: int | None = None
    ) -> Ask[Handle]:
        """Metadata says from now on what is true now, whatever changes: ids of topics that are made again, leaders,
        brokers."""
        return self._handle("faults.metadata_lag", topic=topic, for_ms=for_ms, times=times)

    def on(self, api: str | Sequence[str] | None = None, **words: Any) -> Callable[[Callback], Handle]:
        """Decorate a function that is asked what to do with each request; see `Callback`. What it says within 5 seconds
        counts (`callback_ms`)."""

        def install(callback: Callback) -> Handle:
            if self._stream is None or self._stream.is_over:
                self._stream = self._link.stream("faults.held", {}, self._heard)
            handle = self.install(api, callback=True, name=getattr(callback, "__name__", ""), **words)
            self._callbacks[handle.id] = callback
            return handle

        return install

    def _heard(self, plain: Any) -> None:
        """In the thread that reads: a callback may ask the broker, so it has a thread of its own."""
        held = from_plain(Held, plain)
        threading.Thread(target=self._decide, args=(held,), name="kbroker-callback", daemon=True).start()

    def _decide(self, held: Held) -> None:
        callback = self._callbacks.get(held.fault)
        verdict: dict[str, Any] = {}
        if callback is not None:
            try:
                said = callback(held)
            except Exception as error:
                verdict = {"problem": f"the callback raised {type(error).__name__}: {error}"}
            else:
                verdict = {"error": said} if isinstance(said, str) else {} if said is None else {"answer": said}
        self._link.ask("faults.release", {"id": held.id, "verdict": verdict})


def _sort(words: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """Keywords by the object that each belongs to."""
    known = [hints(shape) for shape in (Match, When, Effect)]
    unknown = [name for name in words if not any(name in names for names in known)]
    if unknown:
        words_known = ", ".join(name for names in known for name in names)
        raise TypeError(f"a fault has no {', '.join(unknown)}; there are {words_known}")
    match, when, effect = [{name: words[name] for name in names if name in words} for names in known]
    return match, when, effect
