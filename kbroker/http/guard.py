"""Who may come in, decided before anything else is looked at.

A web page that somebody happens to visit can send requests to loopback. It cannot set an application/json content
type without being asked first (CORS), and its browser names the page in Origin, and in Sec-Fetch-Site what the page is
to us; a name that was made to point to 127.0.0.1 (DNS rebinding) stands in Host. So:

    every request   Host is an address that we listen on                              else 421
                    no foreign Origin; another site may only lead here by a link      else 403
    changes         Content-Type: application/json                                    else 415
    off loopback    a token as `Authorization: Bearer ...` on everything but health
                    and the files of the console, which asks for it                   else 401

Every answer forbids that another site's page embeds it, or that a browser takes it for something else.
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
FILES = "/console/"
SAFE = frozenset(("GET", "HEAD"))
ELSEWHERE = frozenset((b"cross-site", b"same-site"))
"""What Sec-Fetch-Site says of a page that is not ours; another port of this machine is the same site."""
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
            send = _closed_to_others(send)
        await self.app(scope, receive, send)

    def refusal(self, method: str, path: str, headers: dict[bytes, bytes]) -> tuple[int, str] | None:
        """The status and the sentence for a request that may not come in."""
        named = headers.get(b"host", b"").decode("latin-1").lower()
        host = _without_port(named)
        if "*" not in self.hosts and host not in self.hosts:
            return 421, f"this door is not called {host}"
        if _is_foreign(named, headers):
            return 403, "requests from another origin are not taken"
        if self.token is not None and not (path in HEALTH or path == "/" or path.startswith(FILES)):
            said = headers.get(b"authorization", b"")
            if not compare_digest(said, b"Bearer " + self.token.encode()):
                return 401, "a token is needed: Authorization: Bearer TOKEN"
        if method in SAFE:
            return None
        content_type = headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
        if content_type != b"application/json":
            return 415, "changes need Content-Type: application/json"
        return None


def _is_foreign(host: str, headers: dict[bytes, bytes]) -> bool:
    """Whether a page that did not come from here asks. Whoever follows a link to us comes from elsewhere, and may."""
    origin = headers.get(b"origin")
    if origin is not None and origin.decode("latin-1").lower().partition("://")[2] != host:
        return True
    return headers.get(b"sec-fetch-site") in ELSEWHERE and headers.get(b"sec-fetch-mode") != b"navigate"


def _closed_to_others(send: Send) -> Send:
    async def closed(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [
                *message.get("headers", ()),
                (b"cross-origin-resource-policy", b"same-origin"),
                (b"x-content-type-options", b"nosniff"),
            ]
        await send(message)

    return closed


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
