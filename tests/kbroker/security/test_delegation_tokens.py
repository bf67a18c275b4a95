"""The secrets of delegation tokens."""

from base64 import b64decode
from hashlib import sha512

from kbroker.security.delegation_tokens import Seal


def test_the_secret_is_the_hmac_of_the_id() -> None:
    """RFC 2104 by hand: H(K ^ opad, H(K ^ ipad, text)), blocks of 128 bytes."""
    key = b"hush".ljust(128, b"\0")
    inner = sha512(bytes(byte ^ 0x36 for byte in key) + b"an-id").digest()
    expected = sha512(bytes(byte ^ 0x5C for byte in key) + inner).digest()
    assert Seal("hush").hmac("an-id") == expected
    assert b64decode(Seal("hush").password("an-id")) == expected


def test_a_secret_finds_its_token_and_no_other() -> None:
    seal, ids = Seal("hush"), ["one", "two", "three"]
    assert [seal.find(seal.hmac(token_id), ids) for token_id in ids] == ids
    assert seal.find(seal.hmac("four"), ids) is None
    assert seal.find(b"", ids) is None
    assert seal.find(Seal("other").hmac("one"), ids) is None


def test_nothing_shows_the_key() -> None:
    assert "hush" not in repr(Seal("hush"))
