"""From configs to what a listener with SASL offers: its mechanisms, their users, how long a session may last.

    sasl.enabled.mechanisms                                PLAIN, SCRAM-SHA-256, SCRAM-SHA-512
    listener.name.<listener>.plain.sasl.jaas.config        user_NAME="PASSWORD" ...
    kbroker.sasl.users                                     NAME:PASSWORD, ... for development
    the catalog                                            users of SCRAM, as tools and `kbroker.scram.users` made them
    delegation.token.secret.key                            tokens of the catalog log in by SCRAM, too
    sasl.oauthbearer.jwks.endpoint.url                     who signs tokens; expected.issuer, expected.audience ...
    listener.name.<listener>.gssapi.sasl.jaas.config       the broker's Kerberos key; sasl.kerberos....
    connections.max.reauth.ms                              KIP-368

A mechanism that is enabled but cannot work is a mistake that keeps the broker from starting.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from kbroker.catalog.users import Credential, credential
from kbroker.config import Config, ConfigError
from kbroker.security.delegation_tokens import Seal
from kbroker.security.jaas import JaasError, Module, parse_jaas
from kbroker.security.login import Way
from kbroker.security.mechanisms import Begin, Identity
from kbroker.security.oauthbearer import OAuthBearer, Validate
from kbroker.security.plain import Plain
from kbroker.security.scram import Known, Scram
from kbroker.security.tokens import Rules, signed, unsecured
from kbroker.server.scram_users import NUMBERS
from kbroker.server.scram_users import salted as salt

if TYPE_CHECKING:
    from kbroker.cluster import Cluster

log = logging.getLogger("kbroker.security")

_NONCE_BYTES = 20
_GSSAPI = "GSSAPI"
_OAUTHBEARER = "OAUTHBEARER"
_USER = "User:"

Maker = Callable[["Cluster", str], Begin]


def ways(cluster: Cluster, listener: str) -> Mapping[str, Way]:
    """The mechanisms of a listener, in the order of the config; raises ConfigError."""
    config = cluster.config
    found: dict[str, Way] = {}
    for mechanism in config.of_listener(listener, "sasl.enabled.mechanisms"):
        make = _MAKERS.get(mechanism)
        if make is None:
            known = ", ".join(_MAKERS)
            raise ConfigError(f"sasl.enabled.mechanisms has {mechanism}, but this broker has only {known}")
        most = config.of_listener(listener, "connections.max.reauth.ms", mechanism)
        found[mechanism] = Way(make(cluster, listener), max(0, most))
    if not found:
        raise ConfigError(f"listener {listener} asks for SASL, but sasl.enabled.mechanisms is empty")
    return found


def _plain(cluster: Cluster, listener: str) -> Begin:
    module = jaas(cluster.config, listener, "PLAIN")
    passwords = shared_users(cluster.config) | (module.users if module is not None else {})
    return lambda: Plain(passwords.get)


def jaas(config: Config, listener: str, mechanism: str) -> Module | None:
    """The login module of a mechanism, if one is configured."""
    name = config.nearest(listener, "sasl.jaas.config", mechanism)
    text = config[name]
    if text is None:
        return None
    try:
        return parse_jaas(text)
    except JaasError as error:
        raise ConfigError(f"Invalid value for configuration {name}: {error}") from None


def shared_users(config: Config) -> dict[str, str]:
    """Passwords by name, of kbroker.sasl.users."""
    users: dict[str, str] = {}
    for number, item in enumerate((config["kbroker.sasl.users"] or "").split(","), 1):
        name, colon, password = item.strip().partition(":")
        if not item.strip():
            continue
        if not name or not colon or not password:
            where = "Invalid value for configuration kbroker.sasl.users"
            raise ConfigError(f"{where}: number {number} is no NAME:PASSWORD")
        users[name] = password
    return users


def _scram(mechanism: str) -> Maker:
    """Users and tokens as the catalog has them; users of the config have no credential until one of them comes."""

    def make(cluster: Cluster, listener: str) -> Begin:
        passwords = shared_users(cluster.config)
        salted: dict[str, Known] = {}

        token = _token_finder(cluster, mechanism)

        def find(name: str, is_token: bool) -> Known | None:
            if is_token:
                return token(name)
            stored = cluster.catalog.users.get((name, NUMBERS[mechanism]))
            if stored is not None:
                return Known(stored, Identity(name))
            if name in passwords and name not in salted:
                prepared = credential(salt(cluster, NUMBERS[mechanism], name, passwords[name]))
                salted[name] = Known(prepared, Identity(name))
            return salted.get(name)

        return lambda: Scram(mechanism, find, cluster.world.secret(_NONCE_BYTES).hex())

    return make


def _token_finder(cluster: Cluster, mechanism: str) -> Callable[[str], Known | None]:
    """Whose delegation token has this id, until when; its password is salted when it first comes."""
    key = cluster.config["delegation.token.secret.key"]
    sealed = Seal(key) if key else None
    salted: dict[str, Credential] = {}

    def find(token_id: str) -> Known | None:
        token = cluster.catalog.tokens.get(token_id) if sealed is not None else None
        if sealed is None or token is None or not token.owner.startswith(_USER):
            return None
        if token_id not in salted:
            for gone in salted.keys() - cluster.catalog.tokens.keys():
                del salted[gone]
            salted[token_id] = credential(salt(cluster, NUMBERS[mechanism], token_id, sealed.password(token_id)))
        return Known(salted[token_id], Identity(token.owner.removeprefix(_USER), token.expires_at_ms, True))

    return find


def _oauthbearer(cluster: Cluster, listener: str) -> Begin:
    validate = _tokens(cluster, listener)
    return lambda: OAuthBearer(validate)


def _gssapi(cluster: Cluster, listener: str) -> Begin:
    """Kerberos, where the package gssapi is installed."""
    from kbroker.security.kerberos import Kerberos
    from kbroker.security.local_names import LocalNames

    config = cluster.config
    rules = config.nearest(listener, "sasl.kerberos.principal.to.local.rules", _GSSAPI)
    try:
        names = LocalNames(config[rules])
    except ValueError as error:
        raise ConfigError(f"Invalid value for configuration {rules}: {error}") from None
    try:
        from kbroker.server.tickets import Tickets
    except ImportError:
        raise ConfigError("to let clients in by Kerberos install kbroker[kerberos]") from None
    module = jaas(config, listener, _GSSAPI)
    options = {} if module is None else module.options
    service = config.of_listener(listener, "sasl.kerberos.service.name", _GSSAPI)
    try:
        tickets = Tickets(options.get("principal"), service, options.get("keyTab"))
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise ConfigError(f"GSSAPI on listener {listener}: {options.get('keyTab') or ''}: {reason}") from None
    return lambda: Kerberos(tickets.begin(), names.name)


def _tokens(cluster: Cluster, listener: str) -> Validate:
    """Which tokens are good. Unsigned ones only where somebody asks for them: by our own config, or by the options that
    Kafka's validator of such tokens reads."""
    config = cluster.config

    def of(name: str) -> Any:
        return config.of_listener(listener, f"sasl.oauthbearer.{name}", _OAUTHBEARER)

    if of("jwks.endpoint.url"):
        rules = Rules(
            of("sub.claim.name"), of("scope.claim.name"), (), of("expected.audience"), of("expected.issuer"),
            1000 * of("clock.skew.seconds"), needs_issue_time=True,
        )  # fmt: skip
        try:
            from kbroker.server.jwks import KeySet

            return signed(KeySet(cluster.world, config, listener).of, rules)
        except ImportError:
            raise ConfigError("to check the signatures of tokens install kbroker[oauth]") from None
    module = jaas(config, listener, _OAUTHBEARER)
    options = {} if module is None else module.options
    if not config["kbroker.sasl.oauthbearer.unsecured"] and not any(name.startswith("unsecured") for name in options):
        raise ConfigError(
            "OAUTHBEARER needs sasl.oauthbearer.jwks.endpoint.url, or for development "
            "kbroker.sasl.oauthbearer.unsecured=true"
        )
    log.warning("listener %s takes OAUTHBEARER tokens that nobody has signed: anybody can be anybody", listener)
    skew = options.get("unsecuredValidatorAllowableClockSkewMs", "0")
    return unsecured(
        Rules(
            options.get("unsecuredValidatorPrincipalClaimName", "sub"),
            options.get("unsecuredValidatorScopeClaimName", "scope"),
            tuple(options.get("unsecuredValidatorRequiredScope", "").split()),
            skew_ms=int(skew) if skew.isdecimal() else 0,
        )
    )


_MAKERS: Mapping[str, Maker] = {
    "PLAIN": _plain,
    **{mechanism: _scram(mechanism) for mechanism in NUMBERS},
    _OAUTHBEARER: _oauthbearer,
    _GSSAPI: _gssapi,
}
