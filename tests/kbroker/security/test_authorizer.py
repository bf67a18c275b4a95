"""What the access rules together mean, and that remembering never changes it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kbroker.acls import ALL, ALLOW, DENY, LITERAL, OPERATIONS, PREFIXED, RESOURCE_TYPES, Acl
from kbroker.security.authorizer import Authorizer, super_users

ALICE, HOST = "User:alice", "10.0.0.1"
TOPIC = RESOURCE_TYPES["TOPIC"]


def rule(
    operation: str = "READ",
    name: str = "t",
    *,
    prefixed: bool = False,
    deny: bool = False,
    principal: str = ALICE,
    host: str = "*",
    resource_type: str = "TOPIC",
) -> Acl:
    return Acl(
        RESOURCE_TYPES[resource_type],
        name,
        PREFIXED if prefixed else LITERAL,
        principal,
        host,
        OPERATIONS[operation],
        DENY if deny else ALLOW,
    )


def authorizer(*rules: Acl, supers: tuple[str, ...] = (), open_to_all: bool = False) -> Authorizer:
    made = Authorizer(super_users=supers, allow_if_no_acl=open_to_all)
    made.rules_changed(rules)
    return made


def may(made: Authorizer, operation: str = "READ", name: str = "t", principal: str = ALICE, host: str = HOST) -> bool:
    return made.may(principal, host, operation, "TOPIC", [name])[0]


def test_what_nothing_allows_is_denied() -> None:
    assert not may(authorizer())
    assert not may(authorizer(rule("WRITE")))
    assert not may(authorizer(rule(name="u")))
    assert not may(authorizer(rule(principal="User:bob")))
    assert not may(authorizer(rule(resource_type="GROUP")))


def test_names_prefixes_and_the_wildcard_match() -> None:
    assert may(authorizer(rule(name="orders")), name="orders")
    assert may(authorizer(rule(name="ord", prefixed=True)), name="orders")
    assert may(authorizer(rule(name="orders", prefixed=True)), name="orders")
    assert not may(authorizer(rule(name="orders", prefixed=True)), name="order")
    assert may(authorizer(rule(name="*")), name="orders")
    assert not may(authorizer(rule(name="*", prefixed=True)), name="orders")
    assert may(authorizer(rule(name="*", prefixed=True)), name="*orders")


def test_a_denial_goes_before_every_allowance() -> None:
    for denial in (
        rule(deny=True),
        rule("ALL", deny=True),
        rule(name="*", deny=True),
        rule(principal="User:*", deny=True),
    ):
        assert not may(authorizer(rule(), rule("ALL"), denial))
    assert may(authorizer(rule(), rule(host="10.0.0.2", deny=True)))


def test_hosts_and_everybody() -> None:
    assert may(authorizer(rule(host=HOST)))
    assert not may(authorizer(rule(host="10.0.0.2")))
    assert may(authorizer(rule(principal="User:*")), principal="User:whoever")


@pytest.mark.parametrize("operation", ["READ", "WRITE", "DELETE", "ALTER", "ALL", "DESCRIBE"])
def test_who_may_do_something_may_describe(operation: str) -> None:
    assert may(authorizer(rule(operation)), "DESCRIBE")
    assert not may(authorizer(rule("DESCRIBE"), rule("READ", deny=True)), "READ")
    assert may(authorizer(rule("DESCRIBE"), rule("READ", deny=True)), "DESCRIBE"), "a denial implies nothing"


def test_who_may_alter_configs_may_describe_them() -> None:
    assert may(authorizer(rule("ALTER_CONFIGS")), "DESCRIBE_CONFIGS")
    assert not may(authorizer(rule("ALTER_CONFIGS")), "DESCRIBE")
    assert not may(authorizer(rule("CREATE")), "DESCRIBE")


def test_super_users_may_do_everything() -> None:
    assert may(authorizer(rule(deny=True), supers=(ALICE,)))
    assert not may(authorizer(supers=(ALICE,)), principal="User:bob")


def test_what_no_rule_concerns_can_be_open_to_all() -> None:
    made = authorizer(rule(name="mine", principal="User:bob"), open_to_all=True)
    assert may(made, name="free")
    assert not may(made, name="mine")
    assert may(made, name="mine", principal="User:bob")


def test_a_changed_rule_counts_at_once() -> None:
    made = authorizer(rule())
    assert may(made)
    made.rules_changed([])
    assert not may(made)
    made.rules_changed([rule("ALL")])
    assert may(made)


def test_some_topic_or_other() -> None:
    def any_topic(*rules: Acl, **options: bool) -> bool:
        return authorizer(*rules, **options).may_any(ALICE, HOST, "WRITE", "TOPIC")

    assert not any_topic()
    assert any_topic(rule("WRITE"))
    assert any_topic(rule("WRITE", "orders-", prefixed=True)), "no such topic has to be there"
    assert not any_topic(rule("WRITE"), rule("WRITE", deny=True))
    assert any_topic(rule("WRITE"), rule("WRITE", "u", deny=True))
    assert not any_topic(rule("WRITE", "orders"), rule("ALL", "ord", prefixed=True, deny=True))
    assert any_topic(rule("WRITE", "ord", prefixed=True), rule("WRITE", "orders", prefixed=True, deny=True))
    assert not any_topic(rule("ALL", "*"), rule("WRITE", "*", deny=True))
    assert any_topic(open_to_all=True)
    assert authorizer(supers=(ALICE,)).may_any(ALICE, HOST, "WRITE", "TOPIC")


def test_super_users_are_read_as_kafka_writes_them() -> None:
    assert super_users(" User:a ; User:CN=b,OU=c;") == ["User:a", "User:CN=b,OU=c"]
    with pytest.raises(ValueError, match="no principal"):
        super_users("alice")


names = st.sampled_from(["a", "ab", "abc", "b", "*"])
rules = st.builds(
    Acl,
    st.sampled_from([2, 3]),
    names,
    st.sampled_from([LITERAL, PREFIXED]),
    st.sampled_from([ALICE, "User:bob", "User:*"]),
    st.sampled_from(["*", HOST, "10.0.0.2"]),
    st.sampled_from([ALL, *(OPERATIONS[name] for name in ("READ", "WRITE", "DESCRIBE", "CREATE"))]),
    st.sampled_from([ALLOW, DENY]),
)


def judged(acls: list[Acl], operation: str, name: str, principal: str, host: str, open_to_all: bool) -> bool:
    """The rules read as the KIPs write them, one after another."""
    concerned = [
        acl
        for acl in acls
        if acl.resource_type == TOPIC
        and (
            (acl.pattern_type == LITERAL and acl.resource_name in (name, "*"))
            or (acl.pattern_type == PREFIXED and name.startswith(acl.resource_name))
        )
    ]
    if not concerned:
        return open_to_all
    number = OPERATIONS[operation]
    own = [acl for acl in concerned if acl.principal in (principal, "User:*") and acl.host in (host, "*")]
    if any(acl.permission == DENY and acl.operation in (ALL, number) for acl in own):
        return False
    enough = {ALL, number} | ({3, 4, 6, 7} if operation == "DESCRIBE" else set())
    return any(acl.permission == ALLOW and acl.operation in enough for acl in own)


questions = st.tuples(
    st.sampled_from(["READ", "WRITE", "DESCRIBE", "CREATE"]), names, st.sampled_from([ALICE, "User:bob"]),
    st.sampled_from([HOST, "10.0.0.2"]),
)  # fmt: skip


@settings(max_examples=300)
@given(st.lists(st.lists(rules, max_size=6), min_size=1, max_size=3), st.lists(questions, max_size=8), st.booleans())
def test_every_decision_is_what_the_rules_say(
    lives: list[list[Acl]], asked: list[tuple[str, str, str, str]], free: bool
) -> None:
    made = Authorizer(allow_if_no_acl=free)
    for acls in lives:
        made.rules_changed(acls)
        for operation, name, principal, host in asked * 2:
            expected = judged(acls, operation, name, principal, host, free)
            assert made.may(principal, host, operation, "TOPIC", [name]) == [expected]
