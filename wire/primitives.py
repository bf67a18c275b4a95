"""The smallest pieces of the wire: variable-length integers and uuids.

An unsigned varint carries seven bits a byte, lowest first; the top bit says that more follow. Lengths and tags use it
as it is; records use the zigzag form, which folds the sign into the lowest bit, so that small negative numbers stay
short. A length or tag has at most 5 bytes, a 64-bit value at most 10.

A uuid is its 16 raw bytes everywhere. In text it is Kafka's 22 characters of URL-safe base64.
"""

from __future__ import annotations

from binascii import Error, a2b_base64, b2a_base64

from .errors import MalformedMessage

Buffer = bytes | bytearray | memoryview

ZERO_UUID = bytes(16)
METADATA_TOPIC_UUID = bytes(15) + b"\x01"

_ONE_BYTE = tuple(bytes((n,)) for n in range(128))


def uvarint(value: int) -> bytes:
    """The bytes of an unsigned varint."""
    if 0 <= value < 128:
        return _ONE_BYTE[value]
    if value < 0:
        raise ValueError(f"an unsigned varint cannot hold {value}")
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def varint(value: int) -> bytes:
    """The bytes of a signed (zigzag) varint, for 32 and 64 bits alike."""
    if 0 <= value < 64:
        return _ONE_BYTE[value << 1]
    return uvarint(value << 1 if value >= 0 else (-value << 1) - 1)


def more_of_uvarint(data: Buffer, offset: int, first: int) -> tuple[int, int]:
    """Go on with a 32-bit varint whose first byte, already read, had its top bit set."""
    value = first & 127
    shift = 7
    while True:
        byte = data[offset]
        offset += 1
        value |= (byte & 127) << shift
        if byte < 128:
            if value > 0xFFFFFFFF:
                raise MalformedMessage("a varint is larger than 32 bits")
            return value, offset
        shift += 7
        if shift > 28:
            raise MalformedMessage("a varint has more than 5 bytes")


def read_uvarint(data: Buffer, offset: int) -> tuple[int, int]:
    """An unsigned 32-bit varint, and the offset behind it. Bytes that end too early raise IndexError."""
    byte = data[offset]
    return (byte, offset + 1) if byte < 128 else more_of_uvarint(data, offset + 1, byte)


def read_varint(data: Buffer, offset: int) -> tuple[int, int]:
    """A zigzag 32-bit varint, and the offset behind it."""
    value, offset = read_uvarint(data, offset)
    return (value >> 1) ^ -(value & 1), offset


def read_varlong(data: Buffer, offset: int) -> tuple[int, int]:
    """A zigzag 64-bit varint, and the offset behind it."""
    value = shift = 0
    while True:
        byte = data[offset]
        offset += 1
        value |= (byte & 127) << shift
        if byte < 128:
            if value > 0xFFFFFFFFFFFFFFFF:
                raise MalformedMessage("a varint is larger than 64 bits")
            return (value >> 1) ^ -(value & 1), offset
        shift += 7
        if shift > 63:
            raise MalformedMessage("a varint has more than 10 bytes")


def uuid_text(uuid: bytes) -> str:
    return b2a_base64(uuid, newline=False)[:22].translate(_TO_URL).decode("ascii")


def uuid_bytes(text: str) -> bytes:
    """The 16 bytes of a uuid in text; ValueError if it is none."""
    try:
        uuid = a2b_base64(text.encode("ascii").translate(_FROM_URL) + b"==")
    except (Error, UnicodeEncodeError):
        uuid = b""
    if len(uuid) != 16 or len(text) != 22:
        raise ValueError(f"{text!r} is not a uuid in 22 characters of URL-safe base64")
    return uuid


_TO_URL = bytes.maketrans(b"+/", b"-_")
_FROM_URL = bytes.maketrans(b"-_", b"+/")
