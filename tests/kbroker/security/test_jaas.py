"""`sasl.jaas.config` as people have it in their server.properties."""

import pytest

from kbroker.security.jaas import JaasError, parse_jaas

PLAIN = "org.apache.kafka.common.security.plain.PlainLoginModule"


def test_the_users_of_plain_are_its_options_that_begin_with_user() -> None:
    module = parse_jaas(f'{PLAIN} required username="admin" password="x" user_admin="x" user_alice="alice=;secret";')
    assert module.name == PLAIN
    assert module.users == {"admin": "x", "alice": "alice=;secret"}


@pytest.mark.parametrize(
    ("text", "users"),
    [
        (f"{PLAIN} required;", {}),
        (f"{PLAIN}\n required\n // the first\n user_a=b # bare\n /* user_x=y */ user_c='d';\n", {"a": "b", "c": "d"}),
        (f'{PLAIN} REQUIRED user_a="say \\"hi\\" \\\\" ;', {"a": 'say "hi" \\'}),
        (f'{PLAIN} optional user_a="" ;', {"a": ""}),
        (f'{PLAIN} required user_a = "spaced";', {"a": "spaced"}),
    ],
)
def test_words_may_be_written_in_many_ways(text: str, users: dict[str, str]) -> None:
    assert parse_jaas(text).users == users


@pytest.mark.parametrize(
    "text",
    [
        "",
        ";",
        "geheim",
        f'{PLAIN} required user_a="geheim"',
        f"{PLAIN} required user_a geheim;",
        f"{PLAIN} required =geheim;",
        f"{PLAIN} required user_a=;",
        f'{PLAIN} required user_a="geheim;',
        f"{PLAIN} geheim user_a=b;",
        f"{PLAIN} required user_a=b; {PLAIN} required user_b=geheim;",
    ],
)
def test_what_is_wrong_is_told_without_a_word_of_the_text(text: str) -> None:
    with pytest.raises(JaasError) as caught:
        parse_jaas(text)
    assert "geheim" not in str(caught.value)


def test_a_module_shows_no_secret() -> None:
    assert "geheim" not in repr(parse_jaas(f"{PLAIN} required user_a=geheim;"))
