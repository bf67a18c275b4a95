"""What stands before the body of each message.

    request   v1  api_key int16, api_version int16, correlation_id int32, client_id nullable string
              v2  the same and a section of tagged fields; client_id keeps its int16 length
    response  v0  correlation_id int32        v1  the same and a section of tagged fields

A request has header 2, a response header 1, exactly when its version is flexible (KIP-482). The one exception is
ApiVersions: its response always has header 0, so that a client that does not know the broker yet can read it
(KIP-511).

The definitions below are for explaining and for tests; a broker reads and writes headers by the functions.
"""

from __future__ import annotations

from struct import Struct as Packing
from struct import error as StructError

from .errors import MalformedMessage
from .primitives import Buffer, read_uvarint
from .registry import APIS
from .schema import Data, int16, int32, string

_API_VERSIONS = 18

_REQUEST = Packing(">hhih")
_CORRELATION = Packing(">i")


class RequestHeader(Data, versions="1-2", flexible="2+"):
    request_api_key: int = int16()
    request_api_version: int = int16()
    correlation_id: int = int32()
    client_id: str | None = string(versions="1+", nullable="1+", flexible="none")


class ResponseHeader(Data, versions="0-1", flexible="1+"):
    correlation_id: int = int32()


def request_header_version(api_key: int, api_version: int) -> int:
    """An unknown key counts as one that is never flexible."""
    api = APIS.get(api_key)
    return 2 if api is not None and api.is_flexible(api_version) else 1


def response_header_version(api_key: int, api_version: int) -> int:
    api = APIS.get(api_key)
    return 1 if api is not None and api.is_flexible(api_version) and api_key != _API_VERSIONS else 0


def decode_request_header(buffer: Buffer) -> tuple[int, int, int, str | None, int]:
    """Key, version, correlation id, client id, and where the body begins.

    An unknown key or version still yields the first four: their place never changes. What follows them is then taken
    as it lies, except that the tagged fields of a newer version of a known, flexible API are skipped.
    """
    try:
        api_key, api_version, correlation_id, length = _REQUEST.unpack_from(buffer)
        end = 10 + length
        if length < 0:
            if length != -1:
                raise MalformedMessage(f"a length of {length}", 8, "RequestHeader.client_id")
            client_id, end = None, 10
        elif end > len(buffer):
            raise MalformedMessage(
                f"a length of {length} with {len(buffer) - 10} bytes left", 10, "RequestHeader.client_id"
            )
        else:
            raw = buffer[10:end]
            client_id = str(raw, "utf-8") if type(raw) is memoryview else raw.decode()
        api = APIS.get(api_key)
        if api is not None and api_version >= api.first_flexible:
            if buffer[end]:
                end = _skip_tags(buffer, end)
            else:
                end += 1
    except (StructError, IndexError):
        raise MalformedMessage("the bytes end too early", len(buffer), "RequestHeader") from None
    except UnicodeDecodeError:
        raise MalformedMessage("a string is not UTF-8", 10, "RequestHeader.client_id") from None
    return api_key, api_version, correlation_id, client_id, end


def encode_request_header(api_key: int, api_version: int, correlation_id: int, client_id: str | None) -> bytes:
    header = RequestHeader(
        request_api_key=api_key,
        request_api_version=api_version,
        correlation_id=correlation_id,
        client_id=client_id,
    )
    return header.encode(request_header_version(api_key, api_version))


def response_head(correlation_id: int, header_version: int) -> bytes:
    """The header of a response; we never have anything to tag it with."""
    head = _CORRELATION.pack(correlation_id)
    return head + b"\0" if header_version else head


def decode_response_header(buffer: Buffer, header_version: int) -> tuple[int, int]:
    """The correlation id, and where the body begins."""
    try:
        (correlation_id,) = _CORRELATION.unpack_from(buffer)
        end = 4
        if header_version:
            end = _skip_tags(buffer, end)
    except (StructError, IndexError):
        raise MalformedMessage("the bytes end too early", len(buffer), "ResponseHeader") from None
    return correlation_id, end


def _skip_tags(buffer: Buffer, offset: int) -> int:
    """Where the section of tagged fields ends; all of them are unknown to us."""
    count, offset = read_uvarint(buffer, offset)
    last = -1
    for _ in range(count):
        tag, offset = read_uvarint(buffer, offset)
        size, offset = read_uvarint(buffer, offset)
        if tag <= last:
            raise MalformedMessage(f"tag {tag} comes after tag {last}", offset, "header")
        if size > len(buffer) - offset:
            raise MalformedMessage(
                f"tagged field {tag} has {size} bytes with {len(buffer) - offset} left", offset, "header"
            )
        last = tag
        offset += size
    return offset
