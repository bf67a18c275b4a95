"""The HTTP server, on the broker's own event loop.

uvicorn's `serve` takes signals and looks at the clock ten times a second; a broker has its own way with signals, and
none of it needs a clock. So its `startup` and `shutdown` are called, and nothing between them.
"""

from __future__ import annotations

import socket
from importlib.util import find_spec
from typing import TYPE_CHECKING

from kbroker.http.guard import ANY, LOCAL, Guard, is_loopback
from kbroker.listeners import place

if TYPE_CHECKING:
    import uvicorn
    from starlette.applications import Starlette

    from kbroker.broker import Broker
    from kbroker.control.control import Control
    from kbroker.metrics import Metrics

STOPPING_SECONDS = 2


class NoDoor(Exception):
    """Why there can be no HTTP door, in one sentence."""


class Door:
    """A socket for HTTP, bound when it is made: `place` is its HOST:PORT."""

    def __init__(self, address: tuple[str, int], token: str | None) -> None:
        host, port = address
        if token is None and not is_loopback(host):
            raise NoDoor(f"kbroker.http listens on {host}, where others can reach it: set kbroker.http.token, too")
        for package in ("starlette", "uvicorn"):
            if find_spec(package) is None:
                raise NoDoor(f"kbroker.http needs the Python package {package}: pip install 'kbroker[http]'")
        self._token = token
        self._hosts = LOCAL if is_loopback(host) else ANY
        self._socket = _bound(host, port)
        self.place = place(host, self._socket.getsockname()[1])
        self._server: uvicorn.Server | None = None

    async def serve(self, application: Starlette) -> None:
        """From here on it answers."""
        import uvicorn

        guarded = Guard(application, hosts=self._hosts, token=self._token)
        config = uvicorn.Config(
            guarded,
            lifespan="off",
            log_config=None,
            access_log=False,
            date_header=False,
            server_header=False,
            http="h11",
            ws="none",
            proxy_headers=False,
            timeout_graceful_shutdown=STOPPING_SECONDS,
        )
        config.load()
        self._server = server = uvicorn.Server(config)
        server.lifespan = config.lifespan_class(config)
        await server.startup(sockets=[self._socket])

    async def close(self) -> None:
        if self._server is not None:
            self._server.should_exit = True
            await self._server.shutdown(sockets=[self._socket])
        self._socket.close()


class HttpDoor(Door):
    """That of a broker."""

    def __init__(self, broker: Broker, metrics: Metrics, address: tuple[str, int], token: str | None) -> None:
        super().__init__(address, token)
        self._broker, self._metrics = broker, metrics

    async def open(self, control: Control | None) -> None:
        """From here on it answers; `control` is what its verbs act on, None leaves them out."""
        from kbroker.http.app import app

        await self.serve(app(self._broker, self._metrics, control))


def _bound(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((host, port))
    except OSError as error:
        sock.close()
        raise NoDoor(f"kbroker.http cannot listen on {host}:{port}: {(error.strerror or str(error)).lower()}") from None
    return sock
