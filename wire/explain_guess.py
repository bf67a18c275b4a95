"""explain.py, before the first byte: what are these bytes?

A request says so itself: key, version and client id stand at the front, after the size or without it. A record batch
has its magic and a checksum. A response says nothing about itself, so its API and version have to be told; then the
readings that are possible (with size and header, with header, the body alone) are tried, and the one that gets furthest
is shown. Bytes may hold several frames, as a recorded connection does.
"""

from collections.abc import Callable, Iterator

from .crc import crc32c
from .explain import (
    ERROR,
    Cursor,
    Note,
    Wrong,
    guarded,
    read_message,
    read_request,
    read_response,
    read_response_body,
)
from .explain_inside import read_records
from .registry import APIS, Api, find, message
from .schema import Message

RECORDS = "records"  # what `api` may be, too: plain record batches, such as a log's file

_SIZE_BYTES = 4
_NEWEST_VERSION = 50  # a version above is more likely not a version
_LONGEST_CLIENT_ID = 4096

Reading = Callable[[Cursor], Iterator[Note]]


class CannotTell(ValueError):
    """It cannot be told what the bytes are, or what was told about them makes no sense."""


def find_api(name: int | str) -> Api | type[Message] | str:
    """An API by key or name, any message by its name, or "records"."""
    text = str(name).strip()
    if text.lower() == RECORDS:
        return RECORDS
    if text.lstrip("-").isdigit():
        if int(text) not in APIS:
            raise CannotTell(f"Kafka has no API key {text}")
        return APIS[int(text)]
    api = find(text)
    if api is not None:
        return api
    try:
        return message(text)
    except KeyError:
        raise CannotTell(f"Kafka has neither an API nor a message called {text!r}") from None


def notes(cursor: Cursor, name: int | str | None, version: int | None, response: bool | None) -> Iterator[Note]:
    if not cursor.left:
        raise CannotTell("there are no bytes to explain")
    told = None if name is None else find_api(name)
    if told == RECORDS:
        return read_records(cursor, "", 0)
    if isinstance(told, type):
        return _single_message(cursor, told, version)
    api = told if isinstance(told, Api) else None
    if not response:
        if api is None and _is_batch(cursor, whole=True):
            return read_records(cursor, "", 0)
        framed = _request_frame(cursor, api)
        if framed is not None:
            return _frames(cursor, read_request) if framed else guarded(cursor, read_request(cursor))
        if api is None and _is_batch(cursor, whole=False):
            return read_records(cursor, "", 0)
    if api is None or version is None:
        what = (
            "a response does not say what it answers" if response else "these bytes are no request and no record batch"
        )
        raise CannotTell(f"{what}: tell their API and version")
    return _best(cursor, api, version, response)


def _single_message(cursor: Cursor, cls: type[Message], version: int | None) -> Iterator[Note]:
    if version is None:
        if cls.__versions__.low != cls.__versions__.high:
            raise CannotTell(f"{cls.__name__} has versions {cls.__versions__}: tell which one")
        version = cls.__versions__.low
    if version not in cls.__versions__:
        raise CannotTell(f"{cls.__name__} has versions {cls.__versions__}, not {version}")
    return guarded(cursor, read_message(cursor, cls, version))


# --- requests and batches know themselves


def _request_frame(cursor: Cursor, api: Api | None) -> bool | None:
    """True if a request begins after a size, False if it begins at once, None if there is no request."""
    at_once = _likeness(cursor, 0, api)
    after_size = _likeness(cursor, _SIZE_BYTES, api)
    if at_once == after_size:
        return _size(cursor) + _SIZE_BYTES <= cursor.left if at_once else None
    return after_size > at_once


def _size(cursor: Cursor) -> int:
    return int.from_bytes(cursor.data[cursor.at : cursor.at + _SIZE_BYTES], "big", signed=True)


def _likeness(cursor: Cursor, skip: int, api: Api | None) -> int:
    """How much the bytes look like a request's header: a key that exists and a client id that is text make 1, a version
    that exists makes 2. Whoever tells the API is believed: then its key is enough."""
    at = cursor.at + skip
    head = cursor.data[at : at + 10]
    if len(head) < 10:
        return 0
    key, version = (int.from_bytes(head[n : n + 2], "big", signed=True) for n in (0, 2))
    if key not in APIS or (api is not None and key != api.key) or not 0 <= version <= _NEWEST_VERSION:
        return 0
    length = int.from_bytes(head[8:10], "big", signed=True)
    if not _is_client_id(length, cursor.data[at + 10 : min(cursor.end, at + 10 + max(length, 0))]):
        return int(api is not None)
    newest = APIS[key].unstable_version or APIS[key].max_version
    return 1 + (APIS[key].min_version <= version <= newest)


def _is_client_id(length: int, text: bytes) -> bool:
    """Whether text could be a client id, also one that is cut off."""
    if not -1 <= length <= _LONGEST_CLIENT_ID:
        return False
    try:
        return text.decode(errors="strict" if len(text) >= length else "ignore").isprintable()
    except UnicodeDecodeError:
        return False


def _is_batch(cursor: Cursor, whole: bool) -> bool:
    """Whether a record batch begins here: for certain, by its checksum, or by its magic if it is not whole."""
    data = cursor.data[cursor.at : cursor.end]
    length = int.from_bytes(data[8:12], "big", signed=True) + 12
    if len(data) < 61 or data[16] != 2 or length < 61:
        return False
    if length > len(data):
        return not whole
    return not whole or crc32c(data[21:length]) == int.from_bytes(data[17:21], "big")


# --- frames


def _frames(cursor: Cursor, read: Reading) -> Iterator[Note]:
    """Frame after frame, until the bytes end or one is wrong."""
    number = 0
    while cursor.left:
        number += 1
        if number > 1:
            yield cursor.heading("", f"frame {number}")
        for note in guarded(cursor, _frame(cursor, read)):
            yield note
            if note.type == ERROR:
                return


def _frame(cursor: Cursor, read: Reading) -> Iterator[Note]:
    start = cursor.at
    size = int.from_bytes(cursor.take(_SIZE_BYTES, "the size of a frame", "size"), "big", signed=True)
    if size <= 0:
        raise Wrong(start, f"the size of a frame, not {size}", "size")
    missing = size - cursor.left
    said = f"{size} bytes follow" if missing <= 0 else f"{size} bytes should follow, {missing} of them are missing"
    yield cursor.note(start, "size", "int32", size, said)
    inside = cursor.within(min(size, cursor.left))
    for note in guarded(inside, read(inside)):
        yield note
        if note.type == ERROR:
            return
    cursor.at = inside.end
    if missing > 0:
        raise Wrong(cursor.at, f"{missing} more bytes of the frame")


# --- what does not know itself


def _best(cursor: Cursor, api: Api, version: int, response: bool | None) -> Iterator[Note]:
    """Try what it could be; the first reading without an error, or else the one that gets furthest."""
    readings: list[Reading] = []
    if response is not False:
        readings += [
            lambda part: _frames(part, lambda inside: read_response(inside, api, version)),
            lambda part: read_response(part, api, version),
            lambda part: read_response_body(part, api, version),
        ]
    if not response:
        readings.append(lambda part: read_message(part, api.request_class(), version))
    if response and _size(cursor) == cursor.left - _SIZE_BYTES:
        del readings[1:]
    best = max(readings, key=lambda reading: _reach(cursor, reading))
    part = cursor.within(cursor.left)
    return guarded(part, best(part))


def _reach(cursor: Cursor, reading: Reading) -> int:
    """How far a reading gets; one that explains everything gets past the end."""
    part = cursor.within(cursor.left)
    for note in guarded(part, reading(part)):
        if note.type == ERROR:
            return note.offset
    return part.end + 1
