"""The keys that sign OAUTHBEARER tokens: a JSON Web Key Set (RFC 7517) from a file or an address.

    file:/path, /path     read at the start, and again when a token names a key that is not there
    http:, https:         fetched beside the event loop, every ...jwks.endpoint.refresh.ms; an unknown key asks for a
                          fetch at once, at most one every ...jwks.endpoint.retry.backoff.max.ms

An address that does not answer yet keeps nobody from starting: until it does, all tokens are refused, and the log says
why.
"""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from urllib.request import url2pathname, urlopen

from kbroker.config import Config, ConfigError

if TYPE_CHECKING:
    from kbroker.world import Handle, World

log = logging.getLogger("kbroker.security")

URL = "sasl.oauthbearer.jwks.endpoint.url"
_MOST_BYTES = 1 << 20
_SECONDS = 10.0


class KeySet:
    """The keys by id. Ask `of` for those that a token may have been signed with."""

    def __init__(self, world: World, config: Config, listener: str) -> None:
        def of(name: str) -> Any:
            return config.of_listener(listener, f"sasl.oauthbearer.jwks.endpoint.{name}", "OAUTHBEARER")

        self._world = world
        self._name = config.nearest(listener, URL, "OAUTHBEARER")
        self._url: str = config[self._name]
        self._refresh_seconds: float = of("refresh.ms") / 1000
        self._pause_seconds: float = of("retry.backoff.max.ms") / 1000
        self._is_remote = urlsplit(self._url).scheme in ("http", "https")
        self._keys: list[Any] = []
        self._timer: Handle | None = None
        self._asked_at = float("-inf")
        self._fetching = False
        if self._is_remote:
            self._fetch_soon()
        else:
            try:
                self._keys = _read_file(self._url)
            except (OSError, ValueError) as error:
                reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
                raise ConfigError(f"Invalid value {self._url} for configuration {self._name}: {reason}") from None

    def of(self, key_id: str | None) -> list[Any]:
        """The keys with this id; without one, all."""
        found = self._with(key_id)
        if not found and self._may_ask():
            if self._is_remote:
                self._fetch_soon()
            else:
                self._read_again()
                found = self._with(key_id)
        return found

    def _with(self, key_id: str | None) -> list[Any]:
        return [key for key in self._keys if key_id is None or key.key_id == key_id]

    def _may_ask(self) -> bool:
        now = self._world.loop_time()
        if now - self._asked_at < self._pause_seconds:
            return False
        self._asked_at = now
        return True

    def _read_again(self) -> None:
        try:
            self._keys = _read_file(self._url)
        except (OSError, ValueError) as error:
            log.warning("the keys of %s cannot be read: %s", self._url, error)

    def _fetch_soon(self) -> None:
        if not self._fetching:
            self._fetching = True
            self._world.spawn(self._fetch())

    async def _fetch(self) -> None:
        import asyncio

        seconds = self._refresh_seconds
        try:
            self._keys = await asyncio.to_thread(_download, self._url)
        except (OSError, ValueError) as error:
            log.warning("the keys of %s cannot be fetched: %s", self._url, error)
            seconds = min(seconds, self._pause_seconds)
        finally:
            self._fetching = False
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._world.later(seconds, self._fetch_soon)


def _read_file(url: str) -> list[Any]:
    path = url2pathname(urlsplit(url).path) if url.startswith("file:") else url
    with open(path, "rb") as file:
        return _parse(file.read(_MOST_BYTES))


def _download(url: str) -> list[Any]:
    with urlopen(url, timeout=_SECONDS) as answer:  # its scheme is http or https: see above
        return _parse(answer.read(_MOST_BYTES))


def _parse(data: bytes) -> list[Any]:
    """The keys of the set that can be used; ValueError if there are none."""
    from jwt import PyJWKSet, PyJWTError

    try:
        return list(PyJWKSet.from_dict(json.loads(data)).keys)
    except (PyJWTError, AttributeError, TypeError) as error:
        raise ValueError(f"it is no set of keys: {type(error).__name__}") from None
