"""`kbroker broker`: single brokers of a cluster in one process, from the command line."""

import json
import re
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from click.testing import CliRunner, Result

from kbroker.cli import cli

from .processes import running

pytest.importorskip("starlette")
pytest.importorskip("uvicorn")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, list[str]]]:
    """The HTTP door of three brokers on disk, and where each listens."""
    options = ("serve", "--listen", "127.0.0.1:0", "--brokers", "3", "--racks", "a,b,c", "--control")
    with running(*options, cwd=tmp_path_factory.mktemp("cluster")) as (_, ready):
        door = re.search(r"http=(\S+)", ready[0])
        assert door is not None
        yield door[1], ready[2].split(",")


def call(cluster: tuple[str, list[str]], *arguments: str) -> Result:
    return CliRunner().invoke(cli, ["broker", *arguments], env={"KBROKER_CONTROL": f"http://{cluster[0]}"})


def told(cluster: tuple[str, list[str]], *arguments: str) -> Any:
    result = call(cluster, *arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_all_are_listed_with_racks_states_and_where_they_listen(cluster: tuple[str, list[str]]) -> None:
    rows = told(cluster, "list")
    assert [(row["id"], row["rack"], row["state"]) for row in rows] == [
        (1, "a", "running"), (2, "b", "running"), (3, "c", "running"),
    ]  # fmt: skip
    assert [row["bootstrap"] for row in rows] == cluster[1]


@pytest.mark.parametrize("how", ["stop", "kill"])
def test_one_ends_and_comes_back(cluster: tuple[str, list[str]], how: str) -> None:
    host, _, port = cluster[1][1].rpartition(":")
    (row,) = told(cluster, how, "2")
    assert (row["id"], row["state"]) == (2, "stopped")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((host, int(port)), 5)
    (row,) = told(cluster, "start", "2")
    assert row["state"] == "running"
    socket.create_connection((host, int(port)), 5).close()


def test_one_hangs_and_goes_on(cluster: tuple[str, list[str]]) -> None:
    (row,) = told(cluster, "pause", "3")
    assert row["state"] == "paused"
    assert told(cluster, "notice", "3")[0]["state"] == "paused"
    assert told(cluster, "start", "3")[0]["state"] == "running"


def test_what_cannot_be_done_is_one_sentence(cluster: tuple[str, list[str]]) -> None:
    for arguments, sentence in ((("start", "1"), "broker 1 runs"), (("kill", "9"), "there is no node 9")):
        result = call(cluster, *arguments)
        assert result.exit_code == 1
        assert sentence in result.stderr and "Traceback" not in result.output
