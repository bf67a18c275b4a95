"""A wire with an ear: what goes through is kept, both ways, as it went."""

from __future__ import annotations

import socket
import threading
from types import TracebackType


class Relay:
    """Listens at once; `to` says where connections are to go. `heard` are the bytes of each direction of each
    connection, in the order in which connections were made: what was asked, then what was answered."""

    def __init__(self) -> None:
        self._server = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._server.getsockname()[1]}"
        self._upstream = ("", 0)
        self.heard: list[bytearray] = []
        self._thread = threading.Thread(target=self._accept)

    def to(self, address: str) -> None:
        host, _, port = address.rpartition(":")
        self._upstream = (host, int(port))

    def __enter__(self) -> Relay:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self._thread.join(10)

    def _accept(self) -> None:
        threads, sockets = [], []
        while True:
            try:
                client, _ = self._server.accept()
            except OSError:
                break
            broker = socket.create_connection(self._upstream)
            sockets += [client, broker]
            asked, answered = bytearray(), bytearray()
            self.heard += [asked, answered]
            for source, sink, ear in ((client, broker, asked), (broker, client, answered)):
                threads.append(threading.Thread(target=_pass_on, args=(source, sink, ear)))
                threads[-1].start()
        for thread in threads:
            thread.join(10)
        for each in sockets:
            each.close()


def _pass_on(source: socket.socket, sink: socket.socket, ear: bytearray) -> None:
    """Until the source ends; then the sink hears so."""
    try:
        while data := source.recv(1 << 16):
            ear += data
            sink.sendall(data)
    except OSError:
        pass
    try:
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        pass
