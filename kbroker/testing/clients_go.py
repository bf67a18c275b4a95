"""The lines of Go that connect a client: franz-go and Sarama take no names with values, but code."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kbroker.testing.clients import Access


def go_lines(client: str, access: Access) -> str:
    make = {"franz-go": _franz, "sarama": _sarama}[client]
    return "\n".join(make(access))


def _franz(access: Access) -> list[str]:
    lines = ["// franz-go: kgo.NewClient(options...)", *_tls(access), "options := []kgo.Opt{"]
    lines.append(f"\tkgo.SeedBrokers({', '.join(map(_text, access.servers))}),")
    if access.tls:
        lines.append("\tkgo.DialTLSConfig(security),")
    if access.mechanism:
        login = f"Auth{{User: {_text(access.user)}, Pass: {_text(access.password)}}}"
        way = {
            "PLAIN": f"plain.{login}.AsMechanism()",
            "SCRAM-SHA-256": f"scram.{login}.AsSha256Mechanism()",
            "SCRAM-SHA-512": f"scram.{login}.AsSha512Mechanism()",
        }[access.mechanism]
        lines.append(f"\tkgo.SASL({way}), // github.com/twmb/franz-go/pkg/sasl/{way.partition('.')[0]}")
    return [*lines, "}"]


def _sarama(access: Access) -> list[str]:
    lines = ["// Sarama: sarama.NewClient(brokers, config)", *_tls(access)]
    lines.append(f"brokers := []string{{{', '.join(map(_text, access.servers))}}}")
    lines.append("config := sarama.NewConfig()")
    if access.tls:
        lines += ["config.Net.TLS.Enable = true", "config.Net.TLS.Config = security"]
    if access.mechanism:
        kind = {
            "PLAIN": "sarama.SASLTypePlaintext",
            "SCRAM-SHA-256": "sarama.SASLTypeSCRAMSHA256",
            "SCRAM-SHA-512": "sarama.SASLTypeSCRAMSHA512",
        }[access.mechanism]
        lines += [
            "config.Net.SASL.Enable = true",
            f"config.Net.SASL.Mechanism = {kind}",
            f"config.Net.SASL.User = {_text(access.user)}",
            f"config.Net.SASL.Password = {_text(access.password)}",
        ]
        if access.mechanism != "PLAIN":
            lines.append("// SCRAM: config.Net.SASL.SCRAMClientGeneratorFunc too, as in examples/sasl_scram_client")
    return lines


def _tls(access: Access) -> list[str]:
    """`security`, a *tls.Config."""
    if not access.tls:
        return []
    lines = ["security := &tls.Config{}"]
    if access.authority:
        lines += [
            f"authority, err := os.ReadFile({_text(access.authority)})",
            "if err != nil {",
            "\tpanic(err)",
            "}",
            "security.RootCAs = x509.NewCertPool()",
            "security.RootCAs.AppendCertsFromPEM(authority)",
        ]
    if access.certificate:
        file = _text(access.certificate)
        lines += [
            f"certificate, err := tls.LoadX509KeyPair({file}, {file})",
            "if err != nil {",
            "\tpanic(err)",
            "}",
            "security.Certificates = []tls.Certificate{certificate}",
        ]
    return lines


def _text(text: str) -> str:
    """A string of Go; JSON's escapes are among Go's."""
    return json.dumps(text, ensure_ascii=False)
