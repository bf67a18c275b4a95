"""Who may come in, decided before anything else is looked at.

A web page that somebody happens to visit can send requests to loopback. It cannot set an application/json content
type without being asked first (CORS), and its browser names the page in Origin; a name that was made to point to
127.0.0.1 (DNS rebinding) stands in Host. So:

    every request   Host is an address that we listen on           else 421
    changes         Content-Type: application/json, no foreign Origin   else 415, 403
    off loopback    a token as `Authorization: Bearer ...` on everything but health   else 401
"""

from __future__ import annotations

import ipaddress
from collections.abc import Awaitable, Callable, MutableMapping
from hmac import compare_digest
from typing import Any

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

HEALTH = frozenset(("/healthz", "/readyz"))
SAFE = frozenset(("GET", "HEAD"))
LOCAL = frozenset(("localhost", "127.0.0.1", "[::1]"))
ANY = frozenset("*")


def is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class Guard:
    """ASGI middleware. `hosts` are our names in Host headers, without a port; "*" takes any of them, which a door off
    loopback may do, because there the token protects."""

    def __init__(self, app: App, *, hosts: frozenset[str], token: str | None) -> None:
        self.app = app
        self.hosts = hosts
        self.token = token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            refusal = self.refusal(scope["method"], scope["path"], dict(scope["headers"]))
            if refusal is not None:
                await _answer(send, *refusal)
                return
        await self.app(scope, receive, send)

    def refusal(self, method: str, path: str, headers: dict[bytes, bytes]) -> tuple[int, str] | None:
        """The status and the sentence for a request that may not come in."""
        host = _without_port(headers.get(b"host", b"").decode("latin-1"))
        if "*" not in self.hosts and host not in self.hosts:
            return 421, f"this door is not called {host}"
        if self.token is not None and path not in HEALTH:
            said = headers.get(b"authorization", b"")
            if not compare_digest(said, b"Bearer " + self.token.encode()):
                return 401, "a token is needed: Authorization: Bearer TOKEN"
        if method in SAFE:
            return None
        content_type = headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
        if content_type != b"application/json":
            return 415, "changes need Content-Type: application/json"
        origin = headers.get(b"origin")
        if origin is not None and _without_port(origin.decode("latin-1").partition("://")[2]) != host:
            return 403, "changes from another origin are not taken"
        return None


def _without_port(host: str) -> str:
    if host.startswith("["):
        return host.partition("]")[0] + "]"
    return host.partition(":")[0].lower()


async def _answer(send: Send, status: int, sentence: str) -> None:
    headers = [(b"content-type", b"text/plain; charset=utf-8")]
    if status == 401:
        headers.append((b"www-authenticate", b"Bearer"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": sentence.encode() + b"\n"})
