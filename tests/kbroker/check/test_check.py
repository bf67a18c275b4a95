"""`kbroker check`: all promises hold on a broker that is right, and each planted mistake is found with its byte."""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from kbroker.check.peer import Asked, Peer, Wrong
from kbroker.check.stages import stages
from kbroker.cli import cli
from tests.kbroker.cli.processes import running
from wire.messages.api_versions import ApiVersion, ApiVersionsRequest, ApiVersionsResponse

TOLD = ApiVersionsResponse(
    error_code=0, api_keys=[ApiVersion(api_key=key, min_version=0, max_version=3) for key in (0, 1, 3, 18)]
)


def checked(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["check", *arguments])


def test_every_promise_holds_here(tmp_path: Path) -> None:
    with running("serve", "--memory", "--listen", "127.0.0.1:0", cwd=tmp_path) as (_, ready):
        result = checked(ready[2], "--json")
    rows = json.loads(result.stdout)
    assert [row for row in rows if not row["holds"]] == [] and result.exit_code == 0
    assert len(rows) == sum(len(stage.promises) for stage in stages()) == 33
    assert [stage.number for stage in stages()] == list(range(1, 10))


def test_a_stage_is_as_far_as_one_wants_to_go(tmp_path: Path) -> None:
    with running("serve", "--memory", "--listen", "127.0.0.1:0", cwd=tmp_path) as (_, ready):
        assert {row["stage"] for row in json.loads(checked(ready[2], "--stage", "2", "--json").stdout)} == {1, 2}


@contextmanager
def answering(answer: Callable[[int], bytes]) -> Iterator[str]:
    """A broker of a learner: it gives this answer to every first request, by its correlation id."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    asked = connection.recv(1 << 16)
                    connection.sendall(answer(int.from_bytes(asked[8:12], "big")))

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"127.0.0.1:{server.getsockname()[1]}"
        server.shutdown(socket.SHUT_RDWR)
    thread.join(10)


def frame(body: bytes) -> bytes:
    return len(body).to_bytes(4, "big") + body


def right(correlation_id: int) -> bytes:
    return correlation_id.to_bytes(4, "big") + TOLD.encode(0)


PLANTED: dict[str, tuple[Callable[[int], bytes], str]] = {
    "another correlation id": (lambda id: frame(right(id + 1)), "the answer has correlation id"),
    "a byte too many": (lambda id: frame(right(id) + b"\0"), "the answer is no ApiVersionsResponse v0"),
    "a byte too few": (lambda id: frame(right(id)[:-1]), "the answer is no ApiVersionsResponse v0"),
    "a size that is a lie": (lambda id: b"\x7f\xff\xff\xff" + right(id), "the answer says that it has"),
    "a size that is too small": (lambda id: b"\0\0\0\1" + right(id), "the answer says that it has 1 bytes"),
    "no answer": (lambda id: b"", "the connection was closed in place of an answer"),
    "half an answer": (lambda id: frame(right(id))[:9], "the connection was closed in place of an answer"),
    "an error": (
        lambda id: frame(id.to_bytes(4, "big") + b"\0\x07" + TOLD.encode(0)[2:]),
        "error 7 (REQUEST_TIMED_OUT)",
    ),
    "little-endian integers": (
        lambda id: frame(id.to_bytes(4, "little") + TOLD.encode(0)),
        "the answer has correlation id",
    ),
    "no array": (lambda id: frame(id.to_bytes(4, "big") + b"\0\0"), "the answer is no ApiVersionsResponse v0"),
}


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_mistake_is_named(name: str) -> None:
    answer, words = PLANTED[name]
    with answering(answer) as address:
        result = checked(address, "--stage", "1", "--timeout", "2")
    assert result.exit_code == 1 and words in result.stdout, result.stdout


def test_the_wrong_byte_is_shown() -> None:
    with answering(lambda id: frame(right(id)[:-1])) as address:
        said = checked(address, "--stage", "1").stdout
    assert "api_keys[3].max_version" in said and "error" in said


def test_lacking_apis_are_named() -> None:
    few = ApiVersionsResponse(error_code=0, api_keys=[ApiVersion(api_key=18, min_version=0, max_version=0)])
    with answering(lambda id: frame(id.to_bytes(4, "big") + few.encode(0))) as address:
        assert "the keys [0, 1, 3] are not there" in checked(address, "--stage", "1").stdout


def test_nobody_there_is_a_sentence() -> None:
    result = checked("127.0.0.1:1", "--stage", "1")
    assert result.exit_code == 1 and "nobody listens there: connection refused" in result.stdout


def test_a_flexible_answer_needs_its_header() -> None:
    """v1 of a response's header has a byte for tags; ApiVersions alone never has it."""
    with answering(lambda id: frame(id.to_bytes(4, "big") + b"\x01")) as address:
        host, _, port = address.rpartition(":")
        with Peer((host, int(port)), 2) as peer:
            peer.send(ApiVersionsRequest(client_software_name="", client_software_version=""), 0)
            with pytest.raises(Wrong, match="header has version 1"):
                peer.receive(Asked(3, 12, 0x1001), ApiVersionsResponse)
