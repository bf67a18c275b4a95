"""`kbroker explain` as a user types it: hex, files, standard input, and one clear sentence for what is neither."""

import struct
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from kbroker.cli.explain import explain
from wire.records import Record, build_batch

BODY = struct.pack(">hhih", 3, 4, 7, 2) + b"me" + struct.pack(">ih", 1, 4) + b"test" + b"\1"
FRAME = struct.pack(">i", len(BODY)) + BODY


def run(*arguments: str, stdin: bytes | None = None) -> Result:
    return CliRunner().invoke(explain, list(arguments), input=stdin)


@pytest.mark.parametrize(
    "text",
    [
        FRAME.hex(),
        FRAME.hex().upper(),
        FRAME.hex(" "),
        FRAME.hex(":"),
        FRAME.hex("-", 4),
        "0x" + FRAME.hex(),
        ", ".join([f"0x{byte:02x}" for byte in FRAME]),
        "".join([f"\\x{byte:02x}" for byte in FRAME]),
        FRAME.hex(" ", 4).replace(" ", "\n\t "),
    ],
)
def test_hex_is_taken_in_every_usual_spelling(text: str) -> None:
    result = run(text)
    assert result.exit_code == 0, result.output
    assert "MetadataRequest v4" in result.output
    assert "'test'" in result.output


def test_hex_may_come_in_several_arguments() -> None:
    assert run(*FRAME.hex(" ", 4).split()).output == run(FRAME.hex()).output


def test_every_byte_stands_in_a_line_with_its_offset_path_type_value_and_meaning() -> None:
    rows = [line.split() for line in run(FRAME.hex()).output.splitlines() if not line.startswith("--")]
    assert rows[1] == ["4", "00", "03", "header.request_api_key", "int16", "3", "Metadata"]
    bytes_shown = [word for row in rows for word in row[1:] if len(word) == 2 and word not in ("me", "23")]
    assert "".join(bytes_shown) == FRAME.hex()


@pytest.mark.parametrize("content", [FRAME, FRAME.hex().encode(), FRAME.hex(":").encode() + b"\n"])
def test_a_file_may_hold_bytes_or_hex(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "frame"
    file.write_bytes(content)
    assert run(str(file)).output == run(FRAME.hex()).output
    assert run("-", stdin=content).output == run(FRAME.hex()).output


def test_a_log_file_is_explained_batch_by_batch(tmp_path: Path) -> None:
    file = tmp_path / "00000000000000000000.log"
    file.write_bytes(b"".join([bytes(build_batch([Record(b"k", b"v", timestamp=1)], base_offset=n)) for n in range(2)]))
    output = run(str(file)).output
    assert "batch[1].records[0].value" in output


def test_a_response_needs_to_be_told() -> None:
    data = struct.pack(">iihi", 10, 7, 35, 0)
    result = run(data.hex(), "--api", "ApiVersions", "--version", "3", "--response")
    assert result.exit_code == 0, result.output
    assert "UNSUPPORTED_VERSION" in result.output
    assert run(data.hex(), "--response").exit_code == 2


def test_a_broken_frame_is_explained_up_to_the_wrong_byte_and_fails() -> None:
    result = run(FRAME[:-3].hex())
    assert result.exit_code == 1
    *_, wrong = result.stdout.splitlines()
    assert "expected a string of 4, but 2 bytes are left" in wrong
    assert "header.client_id" in result.output


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["zz"], "'zz' is neither hex nor a file that exists."),
        (["no/such.file"], "'no/such.file' is neither hex nor a file that exists."),
        (["123"], "the hex has 3 digits and ends in the middle of a byte."),
        ([""], "'' is neither hex nor a file that exists."),
        (["12"], "these bytes are no request and no record batch: tell their API and version."),
        (["12", "--api", "Bogus"], "Kafka has neither an API nor a message called 'Bogus'."),
        (["12", "--api", "777"], "Kafka has no API key 777."),
        (["."], ". is a folder; name one file in it."),
    ],
)
def test_unusable_input_is_one_sentence_and_status_2(arguments: list[str], sentence: str) -> None:
    result = run(*arguments)
    assert (result.exit_code, result.stdout, result.stderr) == (2, "", f"Error: {sentence}\n")


def test_nothing_on_standard_input_is_unusable() -> None:
    result = run("-", stdin=b"")
    assert (result.exit_code, result.stderr) == (2, "Error: there are no bytes to explain.\n")


def test_a_file_that_cannot_be_read_is_unusable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "secret"
    file.write_bytes(FRAME)

    def refuse(*arguments: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("builtins.open", refuse)
    result = run(str(file))
    assert (result.exit_code, result.stderr) == (2, f"Error: {file} cannot be read: Permission denied.\n")


def test_a_pipe_gets_plain_text_and_all_bytes() -> None:
    batch = bytes(build_batch([Record(b"k", bytes(1000), timestamp=1)]))
    output = run(batch.hex()).output
    assert "\x1b" not in output
    assert "more bytes" not in output


def test_a_terminal_gets_colours_and_long_values_shortened(monkeypatch: pytest.MonkeyPatch) -> None:
    import click

    shown: list[str] = []
    monkeypatch.setattr(click, "echo", lambda line, **_: shown.append(line))
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setattr(
        sys, "stdout", type("Terminal", (), {"isatty": lambda self: True, "flush": lambda self: None})()
    )
    batch = bytes(build_batch([Record(b"k", bytes(1000), timestamp=1)]))
    explain.main([batch.hex()], standalone_mode=False)
    assert "\x1b[" in shown[0]
    assert any("744 more bytes" in line for line in shown)
    shown.clear()
    explain.main([batch.hex(), "--full"], standalone_mode=False)
    assert not any("more bytes" in line for line in shown)
    monkeypatch.setenv("NO_COLOR", "1")
    shown.clear()
    explain.main([batch.hex()], standalone_mode=False)
    assert "\x1b" not in "".join(shown)
