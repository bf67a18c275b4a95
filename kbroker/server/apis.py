"""Which APIs this broker has: those with a file in `kbroker/handlers`. A file is imported at its first request."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from os import listdir
from struct import Struct as Packing
from typing import Any

from kbroker import handlers
from kbroker.context import Context
from wire.header import response_header_version
from wire.registry import APIS, BROKER, Api
from wire.schema import Request, Response

Handler = Callable[[Any, Context], Any]
Tally = Callable[[Any, Any, int], None]
"""Told of a request that has its reply, of the response (None: nothing is sent) and of the reply's bytes."""

_SIZE_BYTES = 4
_HEAD = Packing(">ii")  # size of the frame, correlation id
_HEAD_FLEXIBLE = Packing(">iix")


class Entry:
    """What the dispatcher needs of one API. A wrapper may stand in place of the handler.

    `heads` has for each version how the head of a reply is packed, and how many of its bytes the frame's size counts;
    `readers` and `writers` what has been compiled for it. Where `parks` is true, nothing of a connection starts behind
    a request that has not been answered. `tally` counts the replies, while they are counted.
    """

    __slots__ = ("api", "handler", "heads", "max_version", "min_version", "parks", "readers", "request_class",
                 "response_class", "tally", "writers")  # fmt: skip

    def __init__(
        self, api: Api, handler: Handler, request_class: type[Request], response_class: type[Response]
    ) -> None:
        self.api = api
        self.handler = handler
        self.min_version = api.min_version
        self.max_version = api.max_version
        self.parks = False
        self.tally: Tally | None = None
        self.request_class = request_class
        self.response_class = response_class
        self.readers = request_class.__readers__
        self.writers = response_class.__writers__
        self.heads = {version: _head(api.key, version) for version in range(api.min_version, api.max_version + 1)}


def _head(key: int, version: int) -> tuple[Callable[[int, int], bytes], int]:
    head = _HEAD_FLEXIBLE if response_header_version(key, version) else _HEAD
    return head.pack, head.size - _SIZE_BYTES


class Apis:
    """The APIs of this broker by key."""

    def __init__(self) -> None:
        names = {name.removesuffix(".py") for path in handlers.__path__ for name in listdir(path)}
        self._apis = {key: api for key, api in APIS.items() if api.name in names and BROKER in api.listeners}
        self._entries: dict[int, Entry] = {}
        self._limits: dict[int, tuple[int, int]] = {}
        self.edition = 0
        """Another number whenever something else is advertised."""
        self.on_first_use: Callable[[Entry], object] | None = None
        """Told of an entry when it is made."""
        self.tally_of: Callable[[Entry], Tally] | None = None
        """Makes what counts its replies."""

    def __contains__(self, key: object) -> bool:
        return key in self._apis

    def advertised(self) -> list[tuple[int, int, int]]:
        """Key, lowest and highest version, as ApiVersions tells them."""
        rows = [
            (key, *self._limits.get(key, (api.advertised_min, api.max_version)))
            for key, api in sorted(self._apis.items())
        ]
        return [(key, low, high) for key, low, high in rows if high >= 0]

    def all_keys(self) -> list[int]:
        """Of all APIs that this broker has, be they limited or not."""
        return sorted(self._apis)

    def limit(self, key: int, low: int, high: int) -> None:
        """Serve these versions of an API and no others; a `high` below 0 takes it away."""
        self._limits[key] = (low, high)
        self._limited()

    def lift_limits(self) -> None:
        self._limits.clear()
        self._limited()

    def _limited(self) -> None:
        self.edition += 1
        for entry in self._entries.values():
            self._bound(entry)

    def _bound(self, entry: Entry) -> None:
        """An API that was taken away has no version at all."""
        api = entry.api
        entry.min_version, entry.max_version = self._limits.get(api.key, (api.min_version, api.max_version))

    def entries(self) -> list[Entry]:
        """Those that have been used."""
        return list(self._entries.values())

    def row(self, key: int) -> Api:
        """What is known of an API that this broker has."""
        return self._apis[key]

    def entry(self, key: int) -> Entry | None:
        """The API, ready to be called; None if this broker does not have it."""
        entry = self._entries.get(key)
        if entry is None and key in self._apis:
            api = self._apis[key]
            handler = getattr(import_module(f"kbroker.handlers.{api.name}"), api.name)
            entry = self._entries[key] = Entry(api, handler, api.request_class(), api.response_class())
            if self._limits:
                self._bound(entry)
            if self.tally_of is not None:
                entry.tally = self.tally_of(entry)
            if self.on_first_use is not None:
                self.on_first_use(entry)
        return entry
