"""The stages in order, and how they are run."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from typing import Any, NamedTuple

from kbroker.check.peer import Peer, Wrong
from wire.messages.api_versions import ApiVersionsRequest, ApiVersionsResponse
from wire.registry import APIS

PAUSE_S = 0.02


class Kept(dict[str, Any]):
    """What an earlier promise has found out; without it a later one cannot be asked for."""

    def __missing__(self, name: str) -> Any:
        raise Wrong(f"an earlier promise has to hold first: there is no {name}")


class Bench:
    """What the promises share: where the broker is, which versions it has, names that nobody has used before."""

    def __init__(self, address: tuple[str, int], timeout: float) -> None:
        self.address = address
        self.timeout = timeout
        self.stem = f"check-{secrets.token_hex(4)}"
        self.versions: dict[int, tuple[int, int]] = {}
        self.kept = Kept()

    def peer(self) -> Peer:
        return Peer(self.address, self.timeout)

    def name(self, what: str) -> str:
        return f"{self.stem}-{what}"

    def patiently(self) -> Iterator[None]:
        """Turns of somebody who asks again, as a client would, until the time is up."""
        end = time.monotonic() + self.timeout
        while True:
            yield
            if time.monotonic() > end:
                return
            time.sleep(PAUSE_S)

    def newest(self, key: int, most: int = 1 << 15) -> int:
        """The newest version of an API that both have."""
        api = APIS[key]
        if not self.versions:
            with self.peer() as peer:
                told = peer.ask(
                    ApiVersionsRequest(client_software_name="", client_software_version=""), 0, ApiVersionsResponse
                )
                self.versions = {one.api_key: (one.min_version, one.max_version) for one in told.api_keys}
        if key not in self.versions:
            raise Wrong(f"it has no {api.kafka_name} (key {key})")
        low, high = self.versions[key]
        version = min(high, api.max_version, most)
        if version < max(low, api.min_version):
            raise Wrong(f"it has {api.kafka_name} v{low} to v{high}, of which none is known here")
        return version

    def each(self, key: int, most: int = 1 << 15) -> range:
        """All versions of an API that both have."""
        newest = self.newest(key, most)
        return range(max(self.versions[key][0], APIS[key].min_version), newest + 1)


Promise = Callable[[Bench], None]


class Stage(NamedTuple):
    number: int
    title: str
    promises: Sequence[Promise]


class Outcome(NamedTuple):
    """`wrong` is None where the promise holds."""

    stage: int
    title: str
    promise: str
    wrong: Wrong | None


def stages() -> list[Stage]:
    """All of them."""
    found: list[Stage] = []
    for module in ("first", "records", "groups", "transactions"):
        for title, promises in import_module(f"kbroker.check.{module}").STAGES:
            found.append(Stage(len(found) + 1, title, promises))
    return found


def run(bench: Bench, only: int | None = None) -> Iterator[Outcome]:
    """What became of each promise, as it is known; a stage ends with the first that does not hold."""
    for stage in stages():
        if only is not None and stage.number > only:
            return
        for promise in stage.promises:
            words = (promise.__doc__ or promise.__name__).strip().rstrip(".")
            try:
                promise(bench)
            except Wrong as wrong:
                yield Outcome(stage.number, stage.title, words, wrong)
                break
            yield Outcome(stage.number, stage.title, words, None)
