"""SCRAM-SHA-256 and SCRAM-SHA-512 (RFC 5802, RFC 7677): the broker's end, as Kafka's `ScramSaslServer` plays it.

    client   n,,n=alice,r=<client nonce>                           a name
    broker   r=<both nonces>,s=<salt>,i=<iterations>               how its password is salted
    client   c=biws,r=<both nonces>,p=<proof>                      proof that it knows the password
    broker   v=<signature>                                         proof that the broker knows the user

    ClientProof = ClientKey XOR HMAC(StoredKey, AuthMessage)       H(ClientKey) = StoredKey is what we check
    ServerSignature = HMAC(ServerKey, AuthMessage)

Nothing here is slow: the salting (PBKDF2) is the client's work. With the extension `tokenauth=true` name and password
are those of a delegation token (KIP-48), and whoever owns it has logged in.
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from collections.abc import Callable
from hashlib import new as new_hash
from hmac import compare_digest
from hmac import digest as hmac_digest
from typing import NamedTuple, Protocol

from kbroker.security.mechanisms import Failed, Identity

LEAST_ITERATIONS = 4096
HASHES = {"SCRAM-SHA-256": "sha256", "SCRAM-SHA-512": "sha512"}

_NAME = rb"(?:[^\x00=,]|=2C|=3D)+"
_NONCE = rb"[\x21-\x2b\x2d-\x7e]+"
_EXTENSIONS = rb"(?:,[A-Za-z]+=[^\x00,]+)*"
_FIRST = re.compile(
    rb"n,(?:a=(?P<authzid>%s))?,(?P<bare>(?:m=[^\x00,]+,)?n=(?P<name>%s),r=(?P<nonce>%s)(?P<extensions>%s))"
    % (_NAME, _NAME, _NONCE, _EXTENSIONS)
)
_FINAL = re.compile(
    rb"(?P<unproved>c=[A-Za-z0-9/+=]+,r=(?P<nonce>%s)%s),p=(?P<proof>[A-Za-z0-9/+]+={0,3})" % (_NONCE, _EXTENSIONS)
)
_TOKEN_AUTHENTICATION = b"tokenauth=true"


class Credential(Protocol):
    """What is kept of a password: it proves a login and cannot make one."""

    @property
    def iterations(self) -> int: ...
    @property
    def salt(self) -> bytes: ...
    @property
    def stored_key(self) -> bytes: ...
    @property
    def server_key(self) -> bytes: ...


class Known(NamedTuple):
    """A credential and whose it is."""

    credential: Credential
    identity: Identity

    def __repr__(self) -> str:
        return f"Known({self.identity.name!r})"


Find = Callable[[str, bool], Known | None]
"""Who has this name; with True, whose delegation token has this id."""


class Scram:
    """One login."""

    __slots__ = ("_bare", "_find", "_first", "_hash", "_known", "_nonce", "identity")

    def __init__(self, mechanism: str, find: Find, nonce: str) -> None:
        """`nonce` is one that nobody can guess, of printable characters without a comma."""
        self._hash = HASHES[mechanism]
        self._find = find
        self._nonce = nonce.encode()
        self._known: Known | None = None
        self._bare = self._first = b""
        self.identity: Identity | None = None

    def step(self, token: bytes, now_ms: int) -> bytes:
        if self._known is None:
            return self._take_name(token)
        return self._take_proof(token, self._known)

    def _take_name(self, token: bytes) -> bytes:
        said = _FIRST.fullmatch(token)
        if said is None:
            raise Failed(None, "it sent no SCRAM first message")
        name = _text(said["name"])
        is_token = _TOKEN_AUTHENTICATION in said["extensions"].split(b",")
        known = self._find(name, is_token)
        if known is None:
            raise Failed(None, f"there is no such {'delegation token' if is_token else 'user'}")
        if said["authzid"] is not None and _text(said["authzid"]) != name:
            raise Failed("Authentication failed: Client requested an authorization id that is different from username")
        credential = known.credential
        if credential.iterations < LEAST_ITERATIONS:
            raise Failed(None, f"its credentials have fewer than {LEAST_ITERATIONS} iterations")
        self._known = known
        self._bare = said["bare"]
        self._nonce = said["nonce"] + self._nonce
        self._first = b"r=%s,s=%s,i=%d" % (self._nonce, b64encode(credential.salt), credential.iterations)
        return self._first

    def _take_proof(self, token: bytes, known: Known) -> bytes:
        said = _FINAL.fullmatch(token)
        if said is None:
            raise Failed(None, "it sent no SCRAM final message")
        if not compare_digest(said["nonce"], self._nonce):
            raise Failed(None, "its nonce is not that of this login")
        message = b",".join((self._bare, self._first, said["unproved"]))
        signature = hmac_digest(known.credential.stored_key, message, self._hash)
        try:
            proof = b64decode(said["proof"], validate=True)
        except ValueError:
            raise Failed(None, "its proof is not base64") from None
        if len(proof) != len(signature):
            raise Failed(None, "its proof has a wrong length")
        client_key = bytes(a ^ b for a, b in zip(proof, signature, strict=True))
        if not compare_digest(new_hash(self._hash, client_key).digest(), known.credential.stored_key):
            raise Failed(None, "its password is wrong")
        self.identity = known.identity
        return b"v=" + b64encode(hmac_digest(known.credential.server_key, message, self._hash))


def _text(name: bytes) -> str:
    return name.replace(b"=2C", b",").replace(b"=3D", b"=").decode("utf-8", "replace")
