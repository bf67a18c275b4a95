"""TLS and SASL from the client's end.

    PLAIN           RFC 4616: both names and the password in one message; only TLS makes it a secret
    SCRAM-SHA-...   RFC 5802: who knows the password proves it without saying it, and so must the broker
    OAUTHBEARER     RFC 7628: a token that somebody else has signed

Each mechanism is a generator: what it yields goes to the broker in SaslAuthenticate, what the broker answers comes
back.
"""

from __future__ import annotations

import hmac
import ssl
from base64 import b64decode, b64encode
from collections.abc import Callable, Generator
from hashlib import pbkdf2_hmac
from secrets import token_urlsafe
from typing import TYPE_CHECKING, Any, NamedTuple

from kbroker.client.errors import LoginFailed
from wire.errors import ErrorCode
from wire.messages.sasl_authenticate import SaslAuthenticateRequest, SaslAuthenticateResponse
from wire.messages.sasl_handshake import SaslHandshakeRequest, SaslHandshakeResponse
from wire.schema import Request

if TYPE_CHECKING:
    from kbroker.client.connection import Connection

Exchange = Generator[bytes, bytes, None]

_HASHES = {"SCRAM-SHA-256": "sha256", "SCRAM-SHA-512": "sha512"}


class Security(NamedTuple):
    """How a connection is protected. Without a mechanism nobody logs in; without `tls` anybody on the way can read."""

    tls: bool = False
    ca_file: str | None = None
    certificate_file: str | None = None
    key_file: str | None = None
    key_password: str | None = None
    check_hostname: bool = True
    verify: bool = True
    mechanism: str | None = None
    username: str = ""
    password: str = ""
    token: str = ""
    by_delegation_token: bool = False
    """Whether name and password are the id and the secret of a delegation token (KIP-48)."""

    def context(self) -> ssl.SSLContext | None:
        """The TLS settings; None for a plain connection. Raises OSError where a file cannot be read."""
        if not self.tls:
            return None
        context = ssl.create_default_context(cafile=self.ca_file)
        context.check_hostname = self.check_hostname and self.verify
        if not self.verify:
            context.verify_mode = ssl.CERT_NONE
        if self.certificate_file is not None:
            context.load_cert_chain(self.certificate_file, self.key_file, self.key_password)
        return context

    def __repr__(self) -> str:
        return f"<Security tls={self.tls} mechanism={self.mechanism} username={self.username!r}>"


def authenticate(connection: Connection, security: Security) -> None:
    """Log in; LoginFailed says why not, in the broker's words where it has some."""
    steps = login(security, connection.place)
    request = next(steps)
    while True:
        connection.send(request)
        try:
            request = steps.send(connection.receive())
        except StopIteration:
            return


def login(security: Security, place: str) -> Generator[Request, Any, None]:
    """The requests of a login at the broker in that place, each of which wants its response sent back."""
    mechanism = security.mechanism or ""
    start = MECHANISMS.get(mechanism)
    if start is None:
        raise LoginFailed(f"{mechanism} is not spoken here; there are {', '.join(MECHANISMS)}")
    shaken: SaslHandshakeResponse = yield SaslHandshakeRequest(mechanism=mechanism)
    if shaken.error_code:
        offered = ", ".join(shaken.mechanisms) or "nothing"
        raise LoginFailed(f"{place} does not take {mechanism}; it offers {offered}")
    exchange = start(security)
    said = next(exchange)
    while True:
        answer: SaslAuthenticateResponse = yield SaslAuthenticateRequest(auth_bytes=said)
        if answer.error_code:
            why = answer.error_message or ErrorCode(answer.error_code).message
            raise LoginFailed(f"{place} refuses the login: {why}")
        try:
            said = exchange.send(answer.auth_bytes)
        except StopIteration:
            return


def plain(security: Security) -> Exchange:
    yield b"\0" + security.username.encode() + b"\0" + security.password.encode()


def scram(security: Security) -> Exchange:
    """Client first, server first, client final, server final; "biws" is "n,," in base64: no channel binding."""
    digest = _HASHES[security.mechanism or ""]
    name = security.username.replace("=", "=3D").replace(",", "=2C")
    nonce = token_urlsafe(24)
    first = f"n={name},r={nonce}" + (",tokenauth=true" if security.by_delegation_token else "")
    challenge = (yield f"n,,{first}".encode()).decode()
    fields = dict(part.split("=", 1) for part in challenge.split(",") if "=" in part)
    if not fields.get("r", "").startswith(nonce) or not {"s", "i"} <= fields.keys():
        raise LoginFailed("the broker's SCRAM challenge is not an answer to ours")
    salted = pbkdf2_hmac(digest, security.password.encode(), b64decode(fields["s"]), int(fields["i"]))
    client_key = hmac.digest(salted, b"Client Key", digest)
    bare = f"c=biws,r={fields['r']}"
    said = f"{first},{challenge},{bare}".encode()
    signature = hmac.digest(_hash(digest, client_key), said, digest)
    proof = bytes(one ^ other for one, other in zip(client_key, signature, strict=True))
    final = (yield f"{bare},p={b64encode(proof).decode()}".encode()).decode()
    expected = hmac.digest(hmac.digest(salted, b"Server Key", digest), said, digest)
    if not hmac.compare_digest(final.partition("v=")[2].encode(), b64encode(expected)):
        raise LoginFailed("the broker cannot prove that it knows the password")


def bearer(security: Security) -> Exchange:
    refused = yield f"n,,\x01auth=Bearer {security.token}\x01\x01".encode()
    if refused:
        raise LoginFailed(f"the broker refuses the token: {refused.decode(errors='replace')}")


def _hash(digest: str, data: bytes) -> bytes:
    from hashlib import new

    return new(digest, data).digest()


MECHANISMS: dict[str, Callable[[Security], Exchange]] = {
    "PLAIN": plain,
    "SCRAM-SHA-256": scram,
    "SCRAM-SHA-512": scram,
    "OAUTHBEARER": bearer,
}
