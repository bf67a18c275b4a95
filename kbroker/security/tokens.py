"""Which OAUTHBEARER tokens are good: JWTs (RFC 7519), signed by a key of a set that the operator names, or - for
development, and only where asked for - signed by nobody.

    signature   by a key of the set (RFC 7517), as Kafka's `BrokerJwtValidator` asks; with the package PyJWT
    exp         must be there and not be over           iat, nbf   if there, not in the future
    aud, iss    as configured                           sub        must be there: it names the principal

Clocks may differ by the configured skew. The session ends when the token does. No clock: the time is an argument.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from kbroker.security.mechanisms import Identity
from kbroker.security.oauthbearer import BadToken, Validate

Claims = Mapping[str, Any]
Keys = Callable[[str | None], Sequence[Any]]
"""The keys (`jwt.PyJWK`) with this id, or all of them for None."""

# What a key of each kind may have signed. Shared secrets are no keys of a set that everybody may read.
_ALGORITHMS = {
    "RSA": ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"],
    "EC": ["ES256", "ES384", "ES512"],
    "OKP": ["EdDSA"],
}


class Rules(NamedTuple):
    """What is asked of the claims."""

    subject_claim: str = "sub"
    scope_claim: str = "scope"
    required_scopes: tuple[str, ...] = ()
    audiences: tuple[str, ...] = ()
    issuer: str | None = None
    skew_ms: int = 0
    needs_issue_time: bool = False


def unsecured(rules: Rules) -> Validate:
    """Tokens that nobody has signed: anybody can be anybody."""

    def validate(token: str, now_ms: int) -> Identity:
        parts = token.split(".")
        if len(parts) != 3 or parts[2]:
            raise BadToken("it is no unsecured JWT")
        if _object(parts[0]).get("alg") != "none":
            raise BadToken("its algorithm is not none")
        return judge(_object(parts[1]), rules, now_ms)

    return validate


def signed(keys: Keys, rules: Rules) -> Validate:
    """Tokens that a key of the set has signed."""
    import jwt

    options: Any = dict.fromkeys(("verify_exp", "verify_iat", "verify_nbf", "verify_aud", "verify_iss"), False)

    def validate(token: str, now_ms: int) -> Identity:
        try:
            key_id = jwt.get_unverified_header(token).get("kid")
        except jwt.PyJWTError as error:
            raise BadToken(f"it is no JWT: {type(error).__name__}") from None
        found = keys(key_id)
        if not found:
            raise BadToken("no key of the set has its key id")
        for key in found:
            try:
                claims = jwt.decode(token, key.key, algorithms=_ALGORITHMS.get(key.key_type, []), options=options)
            except jwt.PyJWTError as error:
                reason = f"its signature does not hold: {type(error).__name__}"
                continue
            return judge(claims, rules, now_ms)
        raise BadToken(reason)

    return validate


def judge(claims: Claims, rules: Rules, now_ms: int) -> Identity:
    """Whose token this is, by what it claims; raises BadToken."""
    expires_ms, issued_ms, not_before_ms = (_time_ms(claims, name) for name in ("exp", "iat", "nbf"))
    if expires_ms is None:
        raise BadToken("it does not say when it ends")
    if expires_ms + rules.skew_ms <= now_ms:
        raise BadToken("it is over")
    if issued_ms is None and rules.needs_issue_time:
        raise BadToken("it does not say when it was made")
    for moment in (issued_ms, not_before_ms):
        if moment is not None and (moment - rules.skew_ms > now_ms or moment >= expires_ms):
            raise BadToken("its time has not come")
    if rules.issuer is not None and claims.get("iss") != rules.issuer:
        raise BadToken("its issuer is another one")
    if rules.audiences and not set(_strings(claims.get("aud"))) & set(rules.audiences):
        raise BadToken("it is for another audience")
    if not set(rules.required_scopes) <= set(_strings(claims.get(rules.scope_claim))):
        raise BadToken("it lacks a scope")
    name = claims.get(rules.subject_claim)
    if not isinstance(name, str) or not name.strip():
        raise BadToken(f"its claim {rules.subject_claim} names nobody")
    return Identity(name, expires_ms)


def _time_ms(claims: Claims, name: str) -> int | None:
    value = claims.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e12:
        raise BadToken(f"its claim {name} is no time")
    return int(value * 1000)


def _strings(value: Any) -> list[str]:
    """A list of strings, or words in one."""
    if isinstance(value, str):
        return value.split()
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []


def _object(part: str) -> dict[str, Any]:
    try:
        found = json.loads(urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (ValueError, RecursionError):
        raise BadToken("it is no JWT") from None
    if not isinstance(found, dict):
        raise BadToken("it is no JWT")
    return found
