"""What each client takes to connect: one way in, in the words and the form of every library."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from kbroker.client.settings import properties, settings
from kbroker.testing.clients import CLIENTS, Access, client_config, client_text

HERE = Access("127.0.0.1:9092")
LOGIN = Access("a:1,b:2", mechanism="SCRAM-SHA-512", user="alice", password='q"\\x')


def evaluated(text: str) -> Any:
    """`config` of lines of Python."""
    names: dict[str, Any] = {}
    exec(text, names)
    return names["config"]


@pytest.mark.parametrize("access", [HERE, LOGIN])
@pytest.mark.parametrize("client", ["kafka-python", "aiokafka", "confluent"])
def test_lines_of_python_are_what_a_test_is_handed(client: str, access: Access) -> None:
    assert evaluated(client_text(client, access)) == client_config(client, access)


@pytest.mark.parametrize("client", ["java", "librdkafka"])
def test_properties_lead_where_they_came_from(client: str, tmp_path: Path) -> None:
    """Our own command line reads both, backslashes and quotes in a password included."""
    access = LOGIN if client == "java" else LOGIN._replace(password='q"x')
    access = access._replace(tls=True, authority="/certs/ca.pem", certificate="/certs/alice.pem")
    file = tmp_path / "client.properties"
    file.write_text(client_text(client, access) + "\n")
    found = settings("ignored:1", properties(str(file))).security
    assert (found.tls, found.ca_file, found.certificate_file) == (True, "/certs/ca.pem", "/certs/alice.pem")
    assert (found.mechanism, found.username, found.password) == ("SCRAM-SHA-512", "alice", access.password)


def test_spring_has_names_of_its_own_and_hands_on_the_rest() -> None:
    access = LOGIN._replace(tls=True, authority="/certs/ca.pem")
    spring, java = client_config("spring", access), client_config("java", access)
    assert spring["spring.kafka.bootstrap-servers"] == java["bootstrap.servers"]
    assert spring["spring.kafka.security.protocol"] == "SASL_SSL"
    assert spring["spring.kafka.ssl.trust-store-location"] == "file:/certs/ca.pem"
    assert spring["spring.kafka.properties.sasl.jaas.config"] == java["sasl.jaas.config"]


def test_javascript_gets_the_contents_of_files(tmp_path: Path) -> None:
    authority = tmp_path / "ca.pem"
    authority.write_text("PEM")
    access = LOGIN._replace(tls=True, authority=str(authority))
    assert client_config("kafkajs", access) == {
        "brokers": ["a:1", "b:2"],
        "ssl": {"ca": ["PEM"]},
        "sasl": {"mechanism": "scram-sha-512", "username": "alice", "password": 'q"\\x'},
    }
    assert client_config("platformatic", access)["tls"] == {"ca": ["PEM"]}
    assert f"readFileSync({json.dumps(str(authority))})" in client_text("kafkajs", access)


def test_go_takes_code() -> None:
    with pytest.raises(ValueError, match="kbroker client-config franz-go prints it"):
        client_config("franz-go", HERE)
    assert 'kgo.SeedBrokers("a:1", "b:2")' in client_text("franz-go", LOGIN)
    assert "tls" not in client_text("sarama", HERE)


@pytest.mark.parametrize("client", CLIENTS)
def test_every_text_says_whose_it_is_and_has_the_address(client: str) -> None:
    text = client_text(client, HERE)
    assert text.startswith(("# ", "// ")) and "127.0.0.1:9092" in text
