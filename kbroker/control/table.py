"""What a verb is, and where all of them are.

    @verb
    async def create(control: Control, name: str, partitions: int = 1) -> Topic:
        '''Make a topic.'''

stands in `verbs/topics.py` and is called `topics.create`. Its arguments are typed by its annotations, in types that
`plain.py` can carry; one without a default must be given. It may be a plain function, a coroutine or, for a stream of
events, an async generator: then the annotation is `AsyncIterator[Event]`, and `streams` is true.

A door finds a verb by its name, turns the plain arguments into typed ones (`bind`, which says what is wrong with them)
and calls `run(control, **arguments)`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from importlib import import_module
from inspect import Parameter, signature
from os import listdir
from typing import Any, NamedTuple, TypeVar, get_args, get_origin, get_type_hints

from kbroker.control import verbs
from kbroker.control.plain import Misfit, from_plain, name_of

F = TypeVar("F", bound=Callable[..., Any])

REQUIRED = object()


class ControlError(Exception):
    """Why a verb was not done. `kind` is a word for programs: "argument", "unknown", "missing", "timeout", "refused"
    (Kafka's own error, whose name comes first in the message) or "failed"."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class Argument(NamedTuple):
    """`default` is REQUIRED where there is none."""

    type: Any
    default: Any

    @property
    def required(self) -> bool:
        return self.default is REQUIRED


class Verb(NamedTuple):
    """One row of the table. `answer` is the type of the answer, or of each event of a stream."""

    name: str
    run: Callable[..., Any]
    arguments: Mapping[str, Argument]
    answer: Any
    streams: bool
    doc: str

    def bind(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """The typed arguments of plain ones."""
        unknown = [name for name in given if name not in self.arguments]
        if unknown:
            raise ControlError("argument", f"{self.name} has no argument {unknown[0]}; it has {_list(self.arguments)}")
        bound: dict[str, Any] = {}
        for name, argument in self.arguments.items():
            if name in given:
                try:
                    bound[name] = from_plain(argument.type, given[name])
                except Misfit as error:
                    raise ControlError("argument", f"{name} of {self.name} {error}") from None
            elif argument.required:
                raise ControlError("argument", f"{self.name} needs the argument {name} ({name_of(argument.type)})")
        return bound


def verb(function: F) -> F:
    """Mark a function as a verb."""
    function.is_verb = True  # type: ignore[attr-defined]
    return function


_found: dict[str, Verb] = {}


def nouns() -> list[str]:
    """The files that hold verbs."""
    names = {name.removesuffix(".py") for path in verbs.__path__ for name in listdir(path) if name.endswith(".py")}
    return sorted(names - {"__init__"})


def find(name: str) -> Verb:
    """The verb of that name; ControlError("unknown") says what there is."""
    if name not in _found:
        noun, _, _ = name.partition(".")
        if noun in nouns():
            _load(noun)
    if name not in _found:
        raise ControlError("unknown", f"there is no verb {name}; there are {_list([each.name for each in every()])}")
    return _found[name]


def every() -> list[Verb]:
    """All verbs, by name."""
    for noun in nouns():
        _load(noun)
    return [_found[name] for name in sorted(_found)]


def _load(noun: str) -> None:
    module = import_module(f"{verbs.__name__}.{noun}")
    for name, function in vars(module).items():
        if getattr(function, "is_verb", False) and function.__module__ == module.__name__:
            made = row(f"{noun}.{name.rstrip('_')}", function)
            _found[made.name] = made


def row(name: str, function: Callable[..., Any]) -> Verb:
    """The verb that a function is; its first argument is whom it acts on or for."""
    types = get_type_hints(function)
    _, *parameters = signature(function).parameters.values()
    arguments = {
        each.name: Argument(types[each.name], REQUIRED if each.default is Parameter.empty else each.default)
        for each in parameters
    }
    answer = types["return"]
    streams = get_origin(answer) is AsyncIterator
    doc = " ".join((function.__doc__ or "").split())
    return Verb(name, function, arguments, get_args(answer)[0] if streams else answer, streams, doc)


def _list(names: Any) -> str:
    return ", ".join(names) or "none"
