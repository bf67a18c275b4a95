"""Which quota counts, and what is counted together."""

from kbroker.quotas.entities import Entity, Limit, limit_of, limit_of_address

WHAT = "producer_byte_rate"

# From the most particular to the least; the second part is the name that all its clients are counted under.
LEVELS: list[tuple[Entity, tuple[str, str]]] = [
    ((("client-id", "app"), ("user", "alice")), ("alice", "app")),
    ((("client-id", None), ("user", "alice")), ("alice", "app")),
    ((("user", "alice"),), ("alice", "")),
    ((("client-id", "app"), ("user", None)), ("alice", "app")),
    ((("client-id", None), ("user", None)), ("alice", "app")),
    ((("user", None),), ("alice", "")),
    ((("client-id", "app"),), ("", "app")),
    ((("client-id", None),), ("", "app")),
]


def test_the_most_particular_quota_counts() -> None:
    quotas: dict[Entity, dict[str, float]] = {}
    for bound, (entity, counted) in enumerate(reversed(LEVELS), 1):
        quotas[entity] = {WHAT: float(bound)}
        assert limit_of(quotas, WHAT, "alice", "app") == Limit(float(bound), *counted)


def test_a_level_without_this_value_is_passed_over() -> None:
    quotas: dict[Entity, dict[str, float]] = {
        (("client-id", "app"), ("user", "alice")): {"request_percentage": 5.0},
        (("user", None),): {WHAT: 7.0},
    }
    assert limit_of(quotas, WHAT, "alice", "app") == Limit(7.0, "alice", "")
    assert limit_of(quotas, WHAT, "bob", "") == Limit(7.0, "bob", "")


def test_others_have_none() -> None:
    quotas: dict[Entity, dict[str, float]] = {(("client-id", "app"), ("user", "alice")): {WHAT: 5.0}}
    assert limit_of(quotas, WHAT, "alice", "other") is None
    assert limit_of(quotas, WHAT, "bob", "app") is None
    assert limit_of({}, WHAT, "alice", "app") is None


def test_addresses_have_their_own() -> None:
    quotas: dict[Entity, dict[str, float]] = {
        (("ip", "10.0.0.1"),): {"connection_creation_rate": 5.0},
        (("ip", None),): {"connection_creation_rate": 2.0},
    }
    assert limit_of_address(quotas, "connection_creation_rate", "10.0.0.1") == 5.0
    assert limit_of_address(quotas, "connection_creation_rate", "10.0.0.2") == 2.0
