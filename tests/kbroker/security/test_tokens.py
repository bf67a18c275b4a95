"""Which tokens are good. PyJWT is the second reader: it makes those that are."""

import json
from base64 import urlsafe_b64encode
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import given
from hypothesis import strategies as st

from kbroker.security.mechanisms import Identity
from kbroker.security.oauthbearer import BadToken, Validate
from kbroker.security.tokens import Rules, judge, signed, unsecured

NOW_MS = 1_700_000_000_000
NOW = NOW_MS // 1000
GOOD = {"sub": "al", "iat": NOW - 10, "exp": NOW + 100}
KEYS = {"ec": ec.generate_private_key(ec.SECP256R1()), "rsa": rsa.generate_private_key(65537, 2048)}
STRANGER = ec.generate_private_key(ec.SECP256R1())


def public(name: str) -> jwt.PyJWK:
    algorithm: Any = jwt.algorithms.get_default_algorithms()["ES256" if name == "ec" else "RS256"]
    return jwt.PyJWK.from_dict(algorithm.to_jwk(KEYS[name].public_key(), as_dict=True) | {"kid": name})


SET = [public(name) for name in KEYS]


def validator(**rules: Any) -> Validate:
    return signed(lambda key_id: [key for key in SET if key_id in (None, key.key_id)], Rules(**rules))


def none(claims: Any, algorithm: str = "none", signature: str = "") -> str:
    parts = [urlsafe_b64encode(json.dumps(one).encode()).rstrip(b"=").decode() for one in ({"alg": algorithm}, claims)]
    return ".".join([*parts, signature])


@pytest.mark.parametrize(
    ("name", "algorithm", "headers"),
    [
        ("ec", "ES256", {"kid": "ec"}),
        ("rsa", "RS256", {"kid": "rsa"}),
        ("rsa", "PS512", {"kid": "rsa"}),
        ("rsa", "RS256", {}),
    ],
)
def test_who_is_named_by_a_token_of_a_known_key_is_in(name: str, algorithm: str, headers: dict[str, str]) -> None:
    token = jwt.encode(GOOD, KEYS[name], algorithm, headers)
    assert validator()(token, NOW_MS) == Identity("al", (NOW + 100) * 1000)


@pytest.mark.parametrize(
    ("token", "reason"),
    [
        ("x", "it is no JWT"),
        ("", "it is no JWT"),
        ("a.b.c", "it is no JWT"),
        (none(GOOD), "its signature does not hold"),
        (jwt.encode(GOOD, STRANGER, "ES256", {"kid": "ec"}), "its signature does not hold"),
        (jwt.encode(GOOD, STRANGER, "ES256", {"kid": "who"}), "no key of the set has its key id"),
        (jwt.encode(GOOD, STRANGER, "ES256"), "its signature does not hold"),
        (jwt.encode(GOOD, KEYS["ec"], "ES256", {"kid": "ec"})[:-4] + "AAAA", "its signature does not hold"),
        (jwt.encode(GOOD, "x" * 32, "HS256", {"kid": "rsa"}), "its signature does not hold"),
    ],
)
def test_a_token_that_no_known_key_has_signed_is_no_good(token: str, reason: str) -> None:
    with pytest.raises(BadToken) as caught:
        validator()(token, NOW_MS)
    assert str(caught.value).startswith(reason)
    assert not token or len(token) < 4 or token not in str(caught.value)


@pytest.mark.parametrize(
    ("claims", "rules", "reason"),
    [
        (GOOD | {"exp": NOW}, {}, "it is over"),
        (GOOD | {"exp": NOW - 31}, {"skew_ms": 30_000}, "it is over"),
        (GOOD | {"exp": None}, {}, "it does not say when it ends"),
        (GOOD | {"exp": "soon"}, {}, "its claim exp is no time"),
        (GOOD | {"exp": True}, {}, "its claim exp is no time"),
        (GOOD | {"exp": float("inf")}, {}, "its claim exp is no time"),
        (GOOD | {"iat": NOW + 1}, {}, "its time has not come"),
        (GOOD | {"nbf": NOW + 1}, {}, "its time has not come"),
        (GOOD | {"iat": None}, {"needs_issue_time": True}, "it does not say when it was made"),
        (GOOD | {"sub": ""}, {}, "its claim sub names nobody"),
        (GOOD | {"sub": 7}, {}, "its claim sub names nobody"),
        (GOOD, {"subject_claim": "name"}, "its claim name names nobody"),
        (GOOD, {"issuer": "me"}, "its issuer is another one"),
        (GOOD | {"iss": "you"}, {"issuer": "me"}, "its issuer is another one"),
        (GOOD, {"audiences": ("kafka",)}, "it is for another audience"),
        (GOOD | {"aud": ["web"]}, {"audiences": ("kafka",)}, "it is for another audience"),
        (GOOD | {"scope": "read"}, {"required_scopes": ("read", "write")}, "it lacks a scope"),
    ],
)
def test_claims_are_held_to_the_rules(claims: dict[str, Any], rules: dict[str, Any], reason: str) -> None:
    with pytest.raises(BadToken, match=reason):
        judge(claims, Rules(**rules), NOW_MS)


@pytest.mark.parametrize(
    ("claims", "rules", "name"),
    [
        (GOOD | {"exp": NOW - 29}, {"skew_ms": 30_000}, None),
        (GOOD | {"iat": NOW + 29}, {"skew_ms": 30_000}, "al"),
        (GOOD | {"iat": None}, {}, "al"),
        (GOOD | {"name": "zoë"}, {"subject_claim": "name"}, "zoë"),
        (GOOD | {"iss": "me"}, {"issuer": "me"}, "al"),
        (GOOD | {"aud": "kafka"}, {"audiences": ("kafka", "more")}, "al"),
        (GOOD | {"aud": ["web", "more"]}, {"audiences": ("kafka", "more")}, "al"),
        (GOOD | {"scp": ["read", "write"]}, {"required_scopes": ("read",), "scope_claim": "scp"}, "al"),
    ],
)
def test_claims_that_keep_to_the_rules_are_good(
    claims: dict[str, Any], rules: dict[str, Any], name: str | None
) -> None:
    if name is None:
        claims, name = claims | {"iat": NOW - 60}, "al"
    assert judge(claims, Rules(**rules), NOW_MS).name == name


def test_unsecured_tokens_are_good_only_for_who_takes_them() -> None:
    assert unsecured(Rules())(none(GOOD), NOW_MS).name == "al"
    with pytest.raises(BadToken):
        validator()(none(GOOD), NOW_MS)


@pytest.mark.parametrize(
    "token",
    [none(GOOD)[:-1], none(GOOD, "HS256"), none(GOOD, signature="abc"), "..", "a.b.", none([1]), none(GOOD) + "."],
)
def test_what_looks_otherwise_is_no_unsecured_token(token: str) -> None:
    with pytest.raises(BadToken):
        unsecured(Rules())(token, NOW_MS)


@given(st.text(st.characters(codec="ascii"), max_size=60))
def test_no_text_is_a_token_by_chance(text: str) -> None:
    for validate in (validator(), unsecured(Rules())):
        with pytest.raises(BadToken):
            validate(text, NOW_MS)
