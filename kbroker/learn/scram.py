"""What is wrong in the messages of a login with SCRAM (RFC 5802): which byte, and what belongs there.

    client-first   n,,n=USER,r=NONCE                             server-first   r=NONCE+MORE,s=SALT,i=ITERATIONS
    client-final   c=biws,r=NONCE+MORE,p=PROOF                   server-final   v=SIGNATURE, or e=WHY

Kafka says of all of it "Authentication failed" and no more, so that nobody is helped to guess. Where the password is
known, which it is in a lesson, the proof is made here once more.
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from binascii import Error
from collections.abc import Mapping, Sequence

from kbroker.learn.shapes import Mistake

RULE = "SCRAM: RFC 5802, sections 5 and 7; Kafka carries its messages and does not look into them (KIP-84)."
HASHES = {"SCRAM-SHA-256": "sha256", "SCRAM-SHA-512": "sha512"}
NO_BINDING = "n,,"
_FIRST = re.compile(r"(n,(?:a=[^,]*)?,)(n=[^,]+)(,r=([^,]+))(,.*)?")


class Login:
    """The messages of one connection, in their order: those of the client, and what each was answered."""

    def __init__(self, mechanism: str, asked: Sequence[bytes], told: Sequence[bytes]) -> None:
        self.mechanism = mechanism
        self.asked = [_text(each) for each in asked]
        self.told = [_text(each) for each in told]

    def mistake(self, passwords: Mapping[str, str]) -> tuple[int, Mistake] | None:
        """Which message it is, and what; its offset counts from the first byte of the message."""
        if self.mechanism not in HASHES or not self.asked:
            return None
        found = _first(self.asked[0])
        if found is not None:
            return 0, found
        if len(self.asked) < 2 or not self.told or not self.told[0].startswith("r="):
            return None
        final = _final(self.asked[0], self.told[0], self.asked[1])
        if final is None and passwords:
            final = self._proof(passwords)
        return None if final is None else (1, final)

    def _proof(self, passwords: Mapping[str, str]) -> Mistake | None:
        first, server, final = self.asked[0], attributes(self.told[0]), self.asked[1]
        user = attributes(first.split(",", 2)[2])["n"].replace("=2C", ",").replace("=3D", "=")
        if user not in passwords:
            at = first.index("n=", 2) + 2
            return _wrong(at, first[at : at + len(user)], f"a user that there is: {', '.join(sorted(passwords))}")
        bare, without = first.split(",", 2)[2], final.rpartition(",p=")[0]
        words = f"{bare},{self.told[0]},{without}"
        try:
            salt, rounds = b64decode(server["s"], validate=True), int(server["i"])
        except (KeyError, ValueError, Error):
            return None
        proof = proof_of(HASHES[self.mechanism], passwords[user], salt, rounds, words)
        wanted, sent = b64encode(proof).decode(), final.rpartition(",p=")[2]
        if sent == wanted:
            return None
        return _wrong(len(without) + 3, sent, f"{wanted}, made of the password and of: {words}")


def proof_of(algorithm: str, password: str, salt: bytes, iterations: int, words: str) -> bytes:
    """ClientKey XOR HMAC(H(ClientKey), what was said)."""
    import hashlib
    import hmac

    salted = hashlib.pbkdf2_hmac(algorithm, password.encode(), salt, iterations)
    key = hmac.digest(salted, b"Client Key", algorithm)
    signature = hmac.digest(hashlib.new(algorithm, key).digest(), words.encode(), algorithm)
    return bytes(a ^ b for a, b in zip(key, signature, strict=True))


def attributes(message: str) -> dict[str, str]:
    """r=...,s=... as a table."""
    return {name: value for name, _, value in (part.partition("=") for part in message.split(","))}


def _first(message: str) -> Mistake | None:
    if _FIRST.fullmatch(message):
        return None
    if not message.startswith(NO_BINDING) and not message.startswith("n,a="):
        return _wrong(0, message[:3], f"{NO_BINDING!r}, which says that there is no channel binding")
    rest = message[3:]
    if not rest.startswith("n=") or rest.startswith("n=,"):
        return _wrong(3, rest[:2], "n= and the user's name, in which , is =2C and = is =3D")
    at = 3 + len(rest.partition(",")[0])
    return _wrong(at, message[at : at + 3], ",r= and a nonce: letters that were never used before")


def _final(first: str, server: str, final: str) -> Mistake | None:
    found = _FIRST.fullmatch(first)
    nonce = attributes(server)["r"]
    binding = b64encode((found[1] if found else NO_BINDING).encode()).decode()
    if not final.startswith(f"c={binding},"):
        return _wrong(0, final[: len(binding) + 3], f"c={binding}, the begin of the first message in base64")
    at = len(f"c={binding},")
    if not final[at:].startswith(f"r={nonce},"):
        return _wrong(at, final[at:].partition(",")[0], f"r={nonce}: both nonces, as the broker sent them")
    at += len(f"r={nonce},")
    if not final[at:].startswith("p="):
        return _wrong(at, final[at : at + 2], "p= and the proof in base64, as the last of all")
    return None


def _wrong(offset: int, found: str, expected: str) -> Mistake:
    return Mistake(offset, "auth_bytes", found.encode()[:24].hex(" "), expected, RULE)


def _text(message: bytes) -> str:
    return message.decode("utf-8", "replace")
