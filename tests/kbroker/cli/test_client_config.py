"""`kbroker client-config`, as it is typed."""

import json
from pathlib import Path

from click.testing import CliRunner

from kbroker.cli import cli


def run(*words: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(cli, ["client-config", *words], env={"KBROKER_TO": ""})
    return done.exit_code, done.stdout, done.stderr


def test_one_clients_properties_become_anothers_configuration(tmp_path: Path) -> None:
    _, java, _ = run("java", "--to", "kafka:9093", "--user", "alice:se cret")
    file = tmp_path / "client.properties"
    file.write_text(java)
    assert "security.protocol=SASL_PLAINTEXT" in java
    status, said, _ = run("confluent", "--to", "kafka:9093", "--command-config", str(file), "--json")
    assert (status, json.loads(said)) == (0, {
        "bootstrap.servers": "kafka:9093",
        "security.protocol": "SASL_PLAINTEXT",
        "sasl.mechanisms": "PLAIN",
        "sasl.username": "alice",
        "sasl.password": "se cret",
    })  # fmt: skip


def test_an_authority_means_tls() -> None:
    _, said, _ = run("librdkafka", "--ca", "certs/ca.pem")
    assert "security.protocol=SSL\nssl.ca.location=certs/ca.pem\n" in said


def test_what_cannot_be_is_one_sentence() -> None:
    for words, sentence in (
        (("kcat",), "'kcat' is not one of"),
        (("java", "--user", "alice"), "'alice' is not NAME:PASSWORD"),
        (("java", "--sasl", "PLAIN"), "PLAIN needs --user NAME:PASSWORD."),
        (("sarama", "--json"), "sarama is configured by code"),
        (("aiokafka", "--tls", "--json"), "no JSON can hold"),
    ):
        status, _, told = run(*words)
        assert (status, sentence in told) == (2, True), told
    status, _, told = run("kafkajs", "--ca", "/no/such.pem", "--json")
    assert (status, "cannot read /no/such.pem: no such file or directory" in told) == (1, True)
