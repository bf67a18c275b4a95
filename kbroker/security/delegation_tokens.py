"""The secrets of delegation tokens (KIP-48): HMAC-SHA-512 of the token's id under `delegation.token.secret.key`.

Whoever holds it may renew and end the token by it, and logs in with the id as user and its base64 as password, by SCRAM
with the extension `tokenauth=true`. Nothing of it is stored: the key makes it again from the id, and another key makes
all tokens worthless, as with Kafka's `DelegationTokenManager`.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable
from hmac import compare_digest, digest


class Seal:
    """What makes the secrets, and knows them again."""

    __slots__ = ("_key",)

    def __init__(self, key: str) -> None:
        self._key = key.encode()

    def hmac(self, token_id: str) -> bytes:
        return digest(self._key, token_id.encode(), "sha512")

    def password(self, token_id: str) -> str:
        """What logs in."""
        return b64encode(self.hmac(token_id)).decode()

    def find(self, hmac: bytes, token_ids: Iterable[str]) -> str | None:
        """Whose secret this is. All are compared, so that the time does not tell which."""
        found = None
        for token_id in token_ids:
            if compare_digest(self.hmac(token_id), hmac):
                found = token_id
        return found
