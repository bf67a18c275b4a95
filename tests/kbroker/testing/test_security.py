"""TLS, logins and rules in one line, and the clients' own names for them."""

import pytest
from kafka import KafkaConsumer, KafkaProducer
from kafka.errors import KafkaError, TopicAuthorizationFailedError

from kbroker.testing import Broker


@pytest.mark.parametrize("sasl", ["PLAIN", "SCRAM-SHA-512"])
def test_a_client_logs_in_over_tls_and_may_do_what_the_rules_say(sasl: str) -> None:
    users = {"alice": "alice-secret", "bob": "bob-secret"}
    rules = [("User:alice", "ALL", "TOPIC", "orders"), ("User:alice", "ALL", "GROUP", "*")]
    with Broker(tls=True, sasl=sasl, users=users, acls=rules, topics=["orders", "secrets"]) as broker:
        alice = broker.client_config("kafka-python", user="alice")
        with KafkaProducer(**alice) as producer:
            producer.send("orders", b"1").get(10)
            with pytest.raises(TopicAuthorizationFailedError):
                producer.send("secrets", b"2").get(10)
        assert [record.value for record in broker.records("orders")] == [b"1"]
        assert {connection.principal for connection in broker.disconnects()} == {"User:alice"}
        wrong = broker.client_config("kafka-python", user="bob") | {"sasl_plain_password": "guess"}
        with pytest.raises(KafkaError):
            KafkaConsumer("orders", bootstrap_timeout_ms=1000, **wrong).close()


def test_a_broker_hands_out_what_a_client_takes() -> None:
    with Broker(sasl="SCRAM-SHA-256", users={"a": "p", "b": "q"}) as broker:
        assert broker.client_config("confluent", user="b") == {
            "bootstrap.servers": broker.bootstrap,
            "security.protocol": "SASL_PLAINTEXT",
            "sasl.mechanisms": "SCRAM-SHA-256",
            "sasl.username": "b",
            "sasl.password": "q",
        }
        assert 'username="a"' in broker.client_config("java")["sasl.jaas.config"]
        with pytest.raises(ValueError, match="there is no client kcat"):
            broker.client_config("kcat")


def test_a_login_without_users_is_a_mistake() -> None:
    with pytest.raises(ValueError, match='sasl="PLAIN" needs users='):
        Broker(sasl="PLAIN")
