"""The subject of a certificate as Java writes it: RFC 2253, since ACLs name clients so.

    CN=client,OU=Dev,O=Example\\, Inc.,C=DE

The last attribute comes first. Attributes that RFC 2253 has no word for are their number and their bytes in hex
(`1.2.840.113549.1.9.1=#16...`), and characters with a meaning bear a backslash: `X500Principal.getName()`.

Only as much of ASN.1 is read as leads to the subject: tag, length, value. The bytes come from a certificate that the
TLS library has verified already.
"""

from __future__ import annotations

from collections.abc import Iterator

_WORDS = {
    "2.5.4.3": "CN", "2.5.4.6": "C", "2.5.4.7": "L", "2.5.4.8": "ST", "2.5.4.9": "STREET", "2.5.4.10": "O",
    "2.5.4.11": "OU", "0.9.2342.19200300.100.1.25": "DC", "0.9.2342.19200300.100.1.1": "UID",
}  # fmt: skip
_TEXTS = {0x0C: "utf-8", 0x13: "ascii", 0x14: "latin-1", 0x16: "ascii", 0x1B: "ascii", 0x1E: "utf-16-be"}
_EXPLICIT_VERSION = 0xA0
_MEANINGFUL = frozenset(',=+<>#;"\\')

# What stands before the subject: serial number, algorithm, issuer, validity.
_BEFORE_SUBJECT = 4


def subject(certificate: bytes) -> str:
    """The subject of a DER certificate; "" if it has none. Raises ValueError for what is no certificate."""
    try:
        ((_, _, outer),) = _read(certificate)
        fields = list(_read(next(_read(outer))[2]))
        if fields[0][0] == _EXPLICIT_VERSION:
            del fields[0]
        return _name(fields[_BEFORE_SUBJECT][2])
    except (IndexError, StopIteration, ValueError) as error:
        raise ValueError("these bytes are no certificate") from error


def _name(sequence: bytes) -> str:
    parts = []
    for _, _, attributes in _read(sequence):
        pairs = []
        for _, _, pair in _read(attributes):
            (_, _, oid), (tag, whole, value) = _read(pair)
            pairs.append(_attribute(_number(oid), tag, whole, value))
        parts.append("+".join(pairs))
    return ",".join(reversed(parts))


def _attribute(oid: str, tag: int, whole: bytes, value: bytes) -> str:
    word = _WORDS.get(oid)
    if word is None or tag not in _TEXTS:
        return f"{word or oid}=#{whole.hex()}"
    return f"{word}={_escaped(value.decode(_TEXTS[tag], 'replace'))}"


def _escaped(text: str) -> str:
    head = len(text) - len(text.lstrip(" \r"))
    tail = len(text.rstrip(" \r"))
    return "".join(
        "\\00" if char == "\0" else f"\\{char}" if char in _MEANINGFUL or not head <= at < tail else char
        for at, char in enumerate(text)
    )


def _number(oid: bytes) -> str:
    first = min(oid[0] // 40, 2)
    numbers = [first, oid[0] - 40 * first]
    number = 0
    for byte in oid[1:]:
        number = number << 7 | byte & 0x7F
        if byte < 0x80:
            numbers.append(number)
            number = 0
    return ".".join(map(str, numbers))


def _read(data: bytes) -> Iterator[tuple[int, bytes, bytes]]:
    """The values that lie side by side: tag, the whole of it, its content."""
    at = 0
    while at < len(data):
        start, tag, size = at, data[at], data[at + 1]
        at += 2
        if size >= 0x80:
            count = size & 0x7F
            size = int.from_bytes(data[at : at + count], "big")
            at += count
        if at + size > len(data):
            raise IndexError(at)
        yield tag, data[start : at + size], data[at : at + size]
        at += size
