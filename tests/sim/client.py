"""A small Kafka client for the simulation, on `wire.conversation`: it knows the protocol, and no tricks.

`Connection.ask` sends one request and awaits its answer. What a real client does by itself (reconnect, retry with the
same sequence, rejoin) is written out by the actors, because that is what a life is about.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Any, TypeVar, cast

from wire.conversation import ClientConversation
from wire.frame import Buffer
from wire.records import Record, build_batch
from wire.schema import Request, Response

R = TypeVar("R", bound=Response)

Address = tuple[str, int]


class Gone(ConnectionError):
    """The connection went before the answer came: whether the request was heard is unknown."""


class Connection(asyncio.Protocol):
    """One connection to one broker; answers come in the order of the questions."""

    def __init__(self, client_id: str) -> None:
        self.name = client_id
        self.conversation = ClientConversation(client_id)
        self.transport: asyncio.Transport | None = None
        self.waiting: deque[asyncio.Future[Response]] = deque()
        self.is_gone = False

    @classmethod
    async def to(cls, address: Address, client_id: str) -> "Connection":
        loop = asyncio.get_running_loop()
        try:
            _, connection = await loop.create_connection(lambda: cls(client_id), *address)
        except OSError as error:
            raise Gone(str(error)) from error
        return connection

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: Buffer) -> None:
        for _, response in self.conversation.receive_data(data):
            future = self.waiting.popleft()
            if not future.done():
                future.set_result(response)

    def connection_lost(self, error: Exception | None) -> None:
        self.is_gone = True
        for future in self.waiting:
            if not future.done():
                future.set_exception(Gone("the connection was lost"))
        self.waiting.clear()

    def send(self, request: Request, version: int) -> "asyncio.Future[Response]":
        """Ask without awaiting: requests may be pipelined."""
        future: asyncio.Future[Response] = asyncio.get_running_loop().create_future()
        future.add_done_callback(lambda done: done.cancelled() or done.exception())  # an answer may find nobody waiting
        if self.is_gone or self.transport is None:
            future.set_exception(Gone("the connection was lost"))
            return future
        self.transport.writelines(self.conversation.send(request, version))
        if getattr(request, "acks", 1) == 0:
            future.set_result(cast(Any, None))
        else:
            self.waiting.append(future)
        return future

    async def ask(self, request: Request, version: int, kind: type[R]) -> R:
        response = await self.send(request, version)
        assert isinstance(response, kind)
        return response

    def close(self) -> None:
        if self.transport is not None:
            self.transport.close()

    def take_nothing(self, seconds: float) -> None:
        """A slow client: for a while it does not read what it is answered."""
        if self.transport is not None and not self.is_gone:
            self.transport.pause_reading()
            asyncio.get_running_loop().call_later(seconds, self.transport.resume_reading)


def batch_of(
    values: Sequence[bytes],
    timestamp_ms: int,
    *,
    producer_id: int = -1,
    producer_epoch: int = -1,
    base_sequence: int = -1,
    compression: int = 0,
) -> bytes:
    records = [Record(value=value, timestamp=timestamp_ms) for value in values]
    return bytes(
        build_batch(
            records,
            compression=compression,
            producer_id=producer_id,
            producer_epoch=producer_epoch,
            base_sequence=base_sequence,
        )
    )
