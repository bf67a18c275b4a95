"""Futures that are done when they are made: the usual answer of an engine that did not have to wait."""

from __future__ import annotations

import asyncio
from typing import TypeVar

T = TypeVar("T")


def done(value: T) -> asyncio.Future[T]:
    future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
    future.set_result(value)
    return future


def failed(error: BaseException) -> asyncio.Future[T]:
    future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
    future.set_exception(error)
    return future


def after(first: asyncio.Future[None], value: T) -> asyncio.Future[T]:
    """The value, once another future is done; its error, if it fails."""
    future: asyncio.Future[T] = asyncio.get_running_loop().create_future()

    def settle(first: asyncio.Future[None]) -> None:
        error = first.exception()
        if future.done():
            return
        if error is None:
            future.set_result(value)
        else:
            future.set_exception(error)

    first.add_done_callback(settle)
    return future
