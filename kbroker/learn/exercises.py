"""How an exercise is checked: what somebody's program has sent, held against a list of steps.

A step is done as soon as one request has done it. One that is not is told with the newest request that tried: what is
wrong with it, byte by byte, or what is still missing. Steps look at requests that are well made and were answered; they
are functions of all that was seen, and pure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any, NamedTuple

from kbroker.learn.mistakes import frame_of, mistakes, notes_of
from kbroker.learn.scram import Login
from kbroker.learn.shapes import Checked, Mistake, Step, Told
from kbroker.trace.exchange import Exchange, Reading, read
from wire.errors import ProtocolError
from wire.header import decode_request_header, decode_response_header, response_header_version
from wire.registry import APIS

OUR_OWN = "kbroker"
"""Client ids that begin with this are our tools': they are nobody's exercise."""

DONE, WRONG, TO_DO = "done", "wrong", "to do"


class Sent:
    """A request and its answer, read when somebody looks."""

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        self.number = exchange.number
        self.login: Mistake | None = None

    @cached_property
    def reading(self) -> Reading:
        return read(self.exchange.request, self.exchange.reply)

    @cached_property
    def mistakes(self) -> list[Mistake]:
        found = mistakes(self.exchange)
        return found if self.login is None else [self.login]

    @property
    def api(self) -> str:
        return self.reading.api

    @property
    def asked(self) -> dict[str, Any]:
        """The request, in Kafka's JSON."""
        return self.reading.request or {}

    @property
    def told(self) -> dict[str, Any]:
        """The response; empty where there is none."""
        return self.reading.response or {}

    @property
    def is_good(self) -> bool:
        """Well made, and answered without an error."""
        return bool(self.reading.response) and not self.reading.errors and not self.mistakes

    @property
    def message(self) -> Any:
        """The request as an object: bytes and records stay what they are."""
        _, version, _, _, offset = decode_request_header(self.exchange.request)
        return APIS[self.reading.key].request_class().decode_from(self.exchange.request, offset, version)[0]

    @property
    def answer(self) -> Any:
        reply, key, version = self.exchange.reply or b"", self.reading.key, self.reading.version
        _, offset = decode_response_header(reply, response_header_version(key, version))
        return APIS[key].response_class().decode(memoryview(reply)[offset:], version)


Look = Callable[[Sent, Sequence[Sent]], bool | str]
"""Whether this request, after all that came before, has done it; in words, what it lacks."""


class Wanted(NamedTuple):
    """A step: what it asks for, the API that it is about, and how one sees that it is done."""

    words: str
    api: str
    look: Look


class Exercise(NamedTuple):
    number: int
    title: str
    task: str
    steps: Sequence[Wanted]


def seen(exchanges: Iterable[Exchange], passwords: Mapping[str, str]) -> list[Sent]:
    """What is somebody's own, in its order. `passwords` of the lesson's users."""
    found = [Sent(exchange) for exchange in exchanges]
    found = [one for one in found if not (one.reading.client_id or "").startswith(OUR_OWN)]
    _look_into_logins(found, passwords)
    return found


def check(exercise: Exercise, life: Sequence[Sent]) -> Checked:
    """How far somebody has come."""
    steps = [_step(wanted, life) for wanted in exercise.steps]
    return Checked(exercise.number, exercise.title, exercise.task, all(one.state == DONE for one in steps), steps)


def _step(wanted: Wanted, life: Sequence[Sent]) -> Step:
    hint, tried = "", 0
    for at, one in enumerate(life):
        if one.api != wanted.api or not one.is_good:
            continue
        found = wanted.look(one, life[:at])
        if found is True:
            return Step(wanted.words, DONE, one.number)
        if found:
            hint, tried = str(found), one.number
    for one in reversed(life):
        if one.number < tried:
            break
        if one.mistakes and (one.api == wanted.api or not _is_known(one)):
            return Step(wanted.words, WRONG, one.number, "", one.mistakes)
    return Step(wanted.words, TO_DO, tried, hint)


def _is_known(one: Sent) -> bool:
    """Whether it can be told of which API it is."""
    return one.reading.key in APIS and not one.exchange.lacking


def told(one: Sent) -> Told | None:
    """What is wrong with a request, if anything is."""
    if not one.mistakes:
        return None
    reading = one.reading
    return Told(one.number, one.exchange.connection, reading.api, reading.version, reading.client_id, one.mistakes)


def _look_into_logins(life: Sequence[Sent], passwords: Mapping[str, str]) -> None:
    """The messages of SASL belong together by their connection, from its handshake on."""
    mechanisms: dict[str, str] = {}
    tokens: dict[str, list[Sent]] = {}
    for one in life:
        where = one.exchange.connection
        if one.api == "SaslHandshake" and one.asked:
            mechanisms[where] = str(one.asked["mechanism"])
            tokens[where] = []
        elif one.api == "SaslAuthenticate" and one.asked:
            tokens.setdefault(where, []).append(one)
    for where, sent in tokens.items():
        login = Login(
            mechanisms.get(where, ""), [one.message.auth_bytes for one in sent], [_token(one) for one in sent]
        )
        found = login.mistake(passwords)
        if found is not None:
            one = sent[found[0]]
            one.login = found[1]._replace(offset=found[1].offset + _token_at(one))


def _token(one: Sent) -> bytes:
    try:
        return bytes(one.answer.auth_bytes)
    except ProtocolError:
        return b""


def _token_at(one: Sent) -> int:
    """Where in its frame the bytes of a SaslAuthenticate begin."""
    note = next(note for note in notes_of(frame_of(one.exchange)) if note.path == "auth_bytes" and note.type == "bytes")
    is_length = isinstance(note.value, int)
    return note.offset + (len(note.raw) if is_length else 0)
