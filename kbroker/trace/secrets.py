"""What nobody who looks at the wire is to see: passwords, proofs, tokens.

They are in the bytes of SaslAuthenticate, in what follows an old SaslHandshake without being a request, in salted
passwords and in delegation tokens. In their place stand as many zero bytes, so that sizes stay what they were.
"""

from __future__ import annotations

from wire.errors import ProtocolError
from wire.header import decode_request_header, decode_response_header, response_header_version
from wire.registry import APIS

SASL_AUTHENTICATE, ALTER_USER_SCRAM, CREATE_TOKEN, RENEW_TOKEN, EXPIRE_TOKEN, DESCRIBE_TOKEN = 36, 51, 38, 39, 40, 41
SECRET = frozenset((SASL_AUTHENTICATE, ALTER_USER_SCRAM, CREATE_TOKEN, RENEW_TOKEN, EXPIRE_TOKEN, DESCRIBE_TOKEN))


def without_secrets(request: bytes, reply: bytes | None) -> tuple[bytes, bytes | None]:
    """Both frames with zeros where a secret was. What cannot be read at all may be one as a whole."""
    try:
        key, version, _, _, offset = decode_request_header(request)
    except ProtocolError:
        return bytes(len(request)), _zeros(reply, 0)
    if key not in SECRET and key in APIS:
        return request, reply
    bare = request[:offset] + bytes(len(request) - offset)
    if reply is None or key not in APIS:
        return bare, _zeros(reply, 0)
    try:
        _, head = decode_response_header(reply, response_header_version(key, version))
    except ProtocolError:
        head = 0
    return bare, _zeros(reply, head)


def _zeros(reply: bytes | None, head: int) -> bytes | None:
    return None if reply is None else reply[:head] + bytes(len(reply) - head)
