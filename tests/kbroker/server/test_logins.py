"""From configs to the mechanisms of a listener."""

import asyncio
from typing import Any

import pytest

from kbroker.config import ConfigError
from kbroker.security.mechanisms import Failed
from kbroker.server.logins import ways
from tests.kbroker.server.surroundings import Surroundings, run

PLAIN = "org.apache.kafka.common.security.plain.PlainLoginModule required"
OAUTH = "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required"


def of(texts: dict[str, str], listener: str = "SASL_SSL") -> Any:
    async def body() -> Any:
        here = Surroundings()
        here.cluster.config = type(here.config)(texts)
        return ways(here.cluster, listener)

    return asyncio.run(body())


def knows(way: Any, name: str, password: str) -> bool:
    try:
        way.begin().step(f"\0{name}\0{password}".encode(), 0)
    except Failed:
        return False
    return True


def test_by_default_there_are_plain_and_scram() -> None:
    assert list(of({})) == ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]


def test_a_listener_may_have_mechanisms_users_and_times_of_its_own() -> None:
    texts = {
        "sasl.enabled.mechanisms": "SCRAM-SHA-512",
        "connections.max.reauth.ms": "7000",
        "listener.name.sasl_ssl.sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-256",
        "listener.name.sasl_ssl.plain.sasl.jaas.config": f'{PLAIN} user_alice="one";',
        "listener.name.sasl_ssl.plain.connections.max.reauth.ms": "3000",
        "listener.name.other.plain.sasl.jaas.config": f'{PLAIN} user_bob="two";',
        "listener.name.other.sasl.enabled.mechanisms": "PLAIN",
    }
    inside, other, third = of(texts), of(texts, "OTHER"), of(texts, "THIRD")
    assert [(name, way.most_session_ms) for name, way in inside.items()] == [("PLAIN", 3000), ("SCRAM-SHA-256", 7000)]
    assert knows(inside["PLAIN"], "alice", "one")
    assert not knows(inside["PLAIN"], "bob", "two")
    assert knows(other["PLAIN"], "bob", "two")
    assert list(third) == ["SCRAM-SHA-512"]


def test_users_of_all_listeners_know_every_password_mechanism() -> None:
    found = of({"kbroker.sasl.users": "alice:one:two, bob:three"})
    assert knows(found["PLAIN"], "alice", "one:two")
    assert knows(found["PLAIN"], "bob", "three")


@pytest.mark.parametrize(
    ("texts", "sentence"),
    [
        ({"sasl.enabled.mechanisms": "DIGEST-MD5"}, "sasl.enabled.mechanisms has DIGEST-MD5, but this "),
        (
            {"sasl.enabled.mechanisms": "GSSAPI", "sasl.kerberos.principal.to.local.rules": "RULE:[1:$2]"},
            "Invalid value for configuration sasl.kerberos.principal.to.local.rules: Invalid rule: RULE:[1:$2]",
        ),
        ({"sasl.enabled.mechanisms": ""}, "listener SASL_SSL asks for SASL, but sasl.enabled.mechanisms is empty"),
        ({"sasl.jaas.config": "geheim"}, "Invalid value for configuration sasl.jaas.config: expected a login module"),
        (
            {"listener.name.sasl_ssl.plain.sasl.jaas.config": f"{PLAIN} user_a=geheim"},
            "Invalid value for configuration listener.name.sasl_ssl.plain.sasl.jaas.config: expected a semicolon",
        ),
        (
            {"kbroker.sasl.users": "alice:x,geheim"},
            "Invalid value for configuration kbroker.sasl.users: number 2 is no",
        ),
        ({"sasl.enabled.mechanisms": "OAUTHBEARER"}, "OAUTHBEARER needs sasl.oauthbearer.jwks.endpoint.url"),
        (
            {"sasl.enabled.mechanisms": "OAUTHBEARER", "sasl.jaas.config": f"{OAUTH};"},
            "OAUTHBEARER needs sasl.oauthbearer.jwks.endpoint.url",
        ),
    ],
)
def test_what_cannot_work_keeps_the_broker_from_starting(texts: dict[str, str], sentence: str) -> None:
    with pytest.raises(ConfigError) as caught:
        of(texts)
    assert str(caught.value).startswith(sentence)
    assert "geheim" not in str(caught.value)


@pytest.mark.parametrize(
    "texts",
    [
        {"kbroker.sasl.oauthbearer.unsecured": "true"},
        {"sasl.jaas.config": f'{OAUTH} unsecuredLoginStringClaim_sub="a";'},
    ],
)
def test_unsecured_tokens_are_taken_only_where_asked_for_and_the_log_says_so(
    texts: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    assert list(of({"sasl.enabled.mechanisms": "OAUTHBEARER"} | texts)) == ["OAUTHBEARER"]
    assert "anybody can be anybody" in caplog.text


def test_scram_takes_users_of_the_catalog_before_those_of_the_config() -> None:
    async def body() -> None:
        from kbroker.catalog.users import credential
        from kbroker.server.scram_users import salted

        here = Surroundings(kbroker_sasl_users="alice:one")
        stored = credential(salted(here.cluster, 1, "alice", "two", 8192))
        here.cluster.catalog = type("Catalog", (), {"users": {}})()
        begin = ways(here.cluster, "SASL_SSL")["SCRAM-SHA-256"].begin
        assert begin().step(b"n,,n=alice,r=abc", 0).endswith(b"i=4096")
        here.cluster.catalog.users[("alice", 1)] = stored
        assert begin().step(b"n,,n=alice,r=abc", 0).endswith(b"i=8192")
        first, second = (begin().step(b"n,,n=alice,r=abc", 0) for _ in range(2))
        assert first != second, "every login has a nonce of its own"

    run(body)
