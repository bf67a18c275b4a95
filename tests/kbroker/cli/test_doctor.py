"""`kbroker doctor`: each thing that is in the way of a client has a sentence."""

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from .conftest import Kbroker
from .processes import running


def test_a_broker_in_good_health(kbroker: Kbroker) -> None:
    words = kbroker.say("doctor", kbroker.address)
    assert "groups have a coordinator" in words and words.endswith("a client with these settings should work\n")
    assert {one["verdict"] for one in kbroker.ask("doctor", kbroker.address)} <= {"ok", "warning"}


def test_nobody_listens(kbroker: Kbroker) -> None:
    result = kbroker("doctor", "127.0.0.1:1")
    assert result.exit_code == 1 and "connection refused" in result.stdout


def test_a_name_that_nobody_knows(kbroker: Kbroker) -> None:
    result = kbroker("doctor", "no.such.host.invalid:9092")
    assert result.exit_code == 1 and "is no name that this machine can resolve" in result.stdout


@pytest.fixture
def stranger() -> Iterator[str]:
    """Somebody who listens and closes every connection."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def close_all() -> None:
            while True:
                try:
                    server.accept()[0].close()
                except OSError:
                    return

        thread = threading.Thread(target=close_all)
        thread.start()
        yield f"127.0.0.1:{server.getsockname()[1]}"
        server.shutdown(socket.SHUT_RDWR)
    thread.join(10)


def test_somebody_who_is_no_kafka(kbroker: Kbroker, stranger: str) -> None:
    result = kbroker("doctor", stranger)
    assert result.exit_code == 1 and "it is no Kafka broker" in result.stdout


@pytest.mark.parametrize(
    ("advertised", "hint"),
    [
        ("127.0.0.1:1", "connection refused"),
        ("kafka.invalid:9092", "The name kafka.invalid is not known here"),
    ],
)
def test_an_advertised_address_that_leads_nowhere(kbroker: Kbroker, tmp_path: Path, advertised: str, hint: str) -> None:
    arguments = ("serve", "--memory", "--listen", "127.0.0.1:0", "--advertise", advertised)
    with running(*arguments, cwd=tmp_path) as (_, ready):
        result = kbroker("doctor", ready[2])
    assert result.exit_code == 1
    assert f"advertises {advertised}, where this client cannot reach it" in result.stdout and hint in result.stdout
