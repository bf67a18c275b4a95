"""One question, asked in either way: `broker.groups()` blocks and answers, `await broker.groups.aio()` does not block.

Both are made of one method, which says what is asked:

    @verb
    def groups(self) -> Ask[list[Group]]:
        return self._ask(list[Group], "groups.list")
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar

from kbroker.control.plain import from_plain
from kbroker.testing.link import Line

P = ParamSpec("P")
T = TypeVar("T")


class Ask(Generic[T]):
    """A question that has not been asked yet. `read` makes the answer of what `from_plain` has made."""

    def __init__(
        self, link: Line, type_: Any, verb: str, arguments: Mapping[str, Any], read: Callable[[Any], T] | None = None
    ) -> None:
        self._link = link
        self._type = type_
        self._verb = verb
        self._arguments = arguments
        self._read = read

    def now(self) -> T:
        """Ask, and wait for the answer."""
        number, future = self._link.ask(self._verb, self._arguments)
        try:
            return self._answer(future.result())
        except BaseException:
            if not future.done():  # Ctrl-C
                self._link.forget(number)
            raise

    async def later(self) -> T:
        """Ask, and let the loop go on until the answer comes."""
        number, future = self._link.ask(self._verb, self._arguments)
        try:
            return self._answer(await asyncio.wrap_future(future))
        except asyncio.CancelledError:
            self._link.forget(number)
            raise

    def _answer(self, plain: Any) -> T:
        answer: Any = None if self._type is None else from_plain(self._type, plain)
        if self._read is not None:
            return self._read(answer)
        typed: T = answer
        return typed


class Known(Ask[T]):
    """A question whose answer is there already."""

    def __init__(self, answer: T) -> None:
        self._known = answer

    def now(self) -> T:
        return self._known

    async def later(self) -> T:
        return self._known


class Bound(Generic[P, T]):
    """A verb of one object."""

    def __init__(self, make: Callable[P, Ask[T]]) -> None:
        self._make = make
        self.__doc__ = make.func.__doc__ if isinstance(make, partial) else make.__doc__

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> T:
        return self._make(*args, **kwargs).now()

    async def aio(self, *args: P.args, **kwargs: P.kwargs) -> T:
        """The same, to be awaited."""
        return await self._make(*args, **kwargs).later()


class verb(Generic[P, T]):
    """Makes a method that says what to ask one that asks it."""

    def __init__(self, make: Callable[Concatenate[Any, P], Ask[T]]) -> None:
        self._make = make
        self.__doc__ = make.__doc__
        self.__wrapped__ = make

    def __get__(self, owner: Any, kind: type) -> Bound[P, T]:
        return Bound(partial(self._make, owner))


class Asker(ABC):
    """Whoever has a link to ask by."""

    @property
    @abstractmethod
    def _link(self) -> Line: ...

    def _ask(self, type_: Any, verb: str, read: Callable[[Any], Any] | None = None, /, **arguments: Any) -> Ask[Any]:
        return Ask(self._link, type_, verb, arguments, read)
