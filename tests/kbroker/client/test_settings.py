"""Addresses, and the properties files of Kafka's own tools."""

from pathlib import Path

import pytest

from kbroker.client.errors import ClientError
from kbroker.client.settings import addresses, properties, settings


def test_addresses_have_a_port_or_kafkas() -> None:
    assert addresses("a:1, b ,[::1]:3,[fe80::1]") == [("a", 1), ("b", 9092), ("::1", 3), ("fe80::1", 9092)]
    for wrong in ("", "a:b", "a:70000", "::1", ":9092"):
        with pytest.raises(ClientError):
            addresses(wrong)


def test_a_properties_file_says_how_to_log_in(tmp_path: Path) -> None:
    file = tmp_path / "client.properties"
    file.write_text(
        "# for the tests\nsecurity.protocol=SASL_SSL\nsasl.mechanism = SCRAM-SHA-256\nclient.id : me\n"
        "sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required \\\n"
        '    username="al\\\\"ice" password="s=1";\n'
        "ssl.truststore.location=/ca.pem\nssl.truststore.type=PEM\nssl.endpoint.identification.algorithm=\nrequest.timeout.ms=2500\n"
    )
    found = settings("h:1", properties(str(file)))
    assert (found.client_id, found.timeout) == ("me", 2.5)
    security = found.security
    assert (security.mechanism, security.username, security.password) == ("SCRAM-SHA-256", 'al"ice', "s=1")
    assert (security.tls, security.ca_file, security.check_hostname) == (True, "/ca.pem", False)
    assert "s=1" not in repr(found)


def test_a_scheme_is_the_protocol() -> None:
    assert settings("SSL://h:1", {}).security.tls
    assert settings("sasl_plaintext://h:1", {"sasl.username": "u"}).security.mechanism == "PLAIN"
    with pytest.raises(ClientError, match=r"security\.protocol"):
        settings("http://h:1", {})


def test_what_cannot_be_read_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ClientError, match="cannot read"):
        properties(str(tmp_path / "none"))
    with pytest.raises(ClientError, match="only PEM"):
        settings("h:1", {"security.protocol": "SSL", "ssl.truststore.type": "JKS"})


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ('username="an-id" password="x" tokenauth="true"', True),
        ('tokenauth=true username="an-id" password="x"', True),
        ('username="an-id" password="x" tokenauth="false"', False),
        ('username="alice" password="x"', False),
    ],
)
def test_a_jaas_config_says_whether_a_token_logs_in(options: str, expected: bool) -> None:
    jaas = f"org.apache.kafka.common.security.scram.ScramLoginModule required {options};"
    texts = {"security.protocol": "SASL_SSL", "sasl.mechanism": "SCRAM-SHA-512", "sasl.jaas.config": jaas}
    assert settings("h:1", texts).security.by_delegation_token is expected
