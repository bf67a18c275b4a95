"""`kbroker config`, `user`, `quota`, `acl` and `txn`: what is said arrives, what is refused is told."""

from .conftest import Kbroker, Make


def test_configs_are_set_appended_and_forgotten(kbroker: Kbroker, records: Make) -> None:
    topic = records("a")
    kbroker.say("config", "alter", "topic", topic, "--set", "retention.ms=-1", "--append", "cleanup.policy=compact")
    shown = {one["config"]: one["value"] for one in kbroker.ask("config", "describe", "topic", topic)}
    assert shown["retention.ms"] == "-1" and set(shown["cleanup.policy"].split(",")) == {"delete", "compact"}
    kbroker.say("config", "alter", "topic", topic, "--delete", "retention.ms", "--delete", "cleanup.policy")
    assert kbroker.ask("config", "describe", "topic", topic) == []
    everything = kbroker.ask("config", "describe", "topic", topic, "--all")
    assert {
        "config": "retention.ms",
        "value": "604800000",
        "source": "default",
        "read_only": False,
        "sensitive": False,
    } in everything
    assert "INVALID_CONFIG" in kbroker.refusal("config", "alter", "topic", topic, "--set", "nonsense=1")
    assert kbroker("config", "alter", "topic", topic).exit_code == 2


def test_defaults_of_all_brokers_have_a_name(kbroker: Kbroker) -> None:
    kbroker.say("config", "alter", "broker", "default", "--set", "log.cleaner.backoff.ms=12345")
    shown = {one["config"]: one["source"] for one in kbroker.ask("config", "describe", "broker", "1")}
    assert shown["log.cleaner.backoff.ms"] == "brokers' default"
    kbroker.say("config", "alter", "broker", "default", "--delete", "log.cleaner.backoff.ms")


def test_users_never_show_a_password(kbroker: Kbroker, name: str) -> None:
    kbroker.say("user", "create", name, "--password", "secret", "--iterations", "5000")
    assert {"user": name, "mechanism": "SCRAM-SHA-512", "iterations": 5000} in kbroker.ask("user", "list")
    kbroker.say("user", "alter", name, "--password", "other")
    assert kbroker.ask("user", "describe", name)[0]["iterations"] == 4096
    kbroker.say("user", "delete", name, "--yes")
    assert "There is no user" in kbroker.refusal("user", "describe", name)


def test_without_a_terminal_nobody_is_asked_for_a_password(kbroker: Kbroker, name: str) -> None:
    result = kbroker("user", "create", name)
    assert (result.exit_code, "KBROKER_PASSWORD" in result.output) == (2, True)


def test_quotas_belong_to_entities(kbroker: Kbroker, name: str) -> None:
    kbroker.say("quota", "alter", "--user", name, "--client-id", "*", "--set", "producer_byte_rate=1000")
    assert {"user": name, "client-id": "*", "ip": None, "quota": "producer_byte_rate", "value": 1000.0} in kbroker.ask(
        "quota", "list"
    )
    kbroker.say("quota", "delete", "--user", name, "--client-id", "*", "--yes")
    assert name not in [one["user"] for one in kbroker.ask("quota", "list")]
    assert kbroker("quota", "alter", "--set", "producer_byte_rate=1").exit_code == 2
    assert kbroker("quota", "alter", "--user", name, "--set", "producer_byte_rate=much").exit_code == 2
    assert "INVALID_REQUEST" in kbroker.refusal("quota", "alter", "--user", name, "--set", "nonsense=1")


def test_rules_want_a_resource_and_a_principal(kbroker: Kbroker) -> None:
    assert kbroker("acl", "create", "--operation", "read").exit_code == 2
    assert (
        kbroker(
            "acl", "create", "--topic", "a", "--group", "b", "--principal", "User:a", "--operation", "read"
        ).exit_code
        == 2
    )
    assert "SECURITY_DISABLED" in kbroker.refusal("acl", "list")


def test_transactions_of_nobody_are_none(kbroker: Kbroker, records: Make) -> None:
    assert "There is no transactional id nobody." in kbroker.refusal("txn", "describe", "nobody")
    (producer,) = kbroker.ask("txn", "producers", records("a", "b"))
    assert (producer["last_sequence"], producer["open_since_offset"]) == (1, None)
