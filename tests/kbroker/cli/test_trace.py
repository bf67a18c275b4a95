"""`kbroker trace` and `kbroker proxy` as they are run."""

import json
import re
import select
import subprocess
from pathlib import Path

import pytest

from kbroker.cli._door import ask, do
from kbroker.client.cluster import Client
from kbroker.client.errors import ClientError
from kbroker.client.settings import settings
from wire.messages.join_group import JoinGroupRequest, JoinGroupRequestProtocol, JoinGroupResponse

from .processes import command, environment, finished, running


def http_of(ready: "re.Match[str]") -> str:
    """Where the HTTP door is, as the ready line says it."""
    return ready.string.rpartition(" http=")[2].strip()


def until_it_tells(trace: "subprocess.Popen[str]", bootstrap: str, home: Path) -> str:
    """Topics are made until a trace of them says its first line."""
    assert trace.stdout is not None
    line = ""
    for at in range(1000):
        assert finished("topic", "create", f"t{at}", "--to", bootstrap, cwd=home).returncode == 0
        if select.select([trace.stdout], [], [], 0.2)[0]:
            line = trace.stdout.readline()
            break
    trace.kill()
    trace.communicate(timeout=10)
    return line


@pytest.mark.parametrize("more", [(), ("--control",)], ids=["plain", "control"])
def test_a_broker_is_watched_live(tmp_path: Path, more: tuple[str, ...]) -> None:
    options = ("serve", "--memory", "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0", *more)
    with running(*options, cwd=tmp_path) as (_, ready):
        trace = subprocess.Popen(
            command("trace", http_of(ready), "--api", "CreateTopics", "-n", "1000", "--json"),
            cwd=tmp_path, env=environment(), stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        line = until_it_tells(trace, ready[2], tmp_path)
    seen = json.loads(line)
    assert (
        seen["api"] == "CreateTopics" and seen["errors"] == [] and seen["request"]["topics"][0]["name"].startswith("t")
    )


def test_a_proxy_shows_and_keeps_what_goes_through(tmp_path: Path) -> None:
    with running("serve", "--memory", "--listen", "127.0.0.1:0", cwd=tmp_path) as (_, ready):
        proxy = subprocess.Popen(
            command(
                "proxy", "--upstream", ready[2], "--record", "seen.jsonl",
                "--fault", "CreateTopics error=POLICY_VIOLATION once",
            ),
            cwd=tmp_path, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert proxy.stderr is not None
        found = re.match(r"kbroker proxy ready on (\S+) ", proxy.stderr.readline())
        assert found is not None
        refused = finished("topic", "create", "t", "--to", found[1], cwd=tmp_path)
        assert refused.returncode == 1 and "POLICY_VIOLATION" in refused.stderr
        assert finished("topic", "create", "t", "--to", found[1], cwd=tmp_path).returncode == 0
        proxy.terminate()
        shown, told = proxy.communicate(timeout=10)
    assert "CreateTopics v7" in shown and "met 1 of 1 requests" in told
    again = finished("trace", "--from", "seen.jsonl", "--failed", cwd=tmp_path)
    assert again.returncode == 0 and again.stdout.count("\n") == 1 and "POLICY_VIOLATION" in again.stdout


def test_a_proxy_is_controlled_by_http_with_the_words_of_a_broker(tmp_path: Path) -> None:
    with running("serve", "--memory", "--listen", "127.0.0.1:0", cwd=tmp_path) as (_, ready):
        proxy = subprocess.Popen(
            command("proxy", "--upstream", ready[2], "--quiet", "--http", "127.0.0.1:0"),
            cwd=tmp_path, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert proxy.stderr is not None
        found = re.match(r"kbroker proxy ready on (\S+) .* http=(\S+)", proxy.stderr.readline())
        assert found is not None
        fault = {"match": {"api": ["CreateTopics"]}, "effect": {"errors": ["POLICY_VIOLATION"]}, "when": {"times": 1}}
        installed = do(found[2], None, "faults.install", **fault)
        for expected in (1, 0):
            assert finished("topic", "create", "t", "--to", found[1], cwd=tmp_path).returncode == expected
        assert ask(found[2], None, "faults.get", id=installed["id"])["used_up"]
        (failed,) = ask(found[2], None, "requests.list", failed=True, api="CreateTopics")
        assert failed["errors"] == ["POLICY_VIOLATION"] and failed["faults"]
        with pytest.raises(ClientError, match="for a broker"):
            do(found[2], None, "topics.create", name="t")
        trace = subprocess.Popen(
            command("trace", found[2], "--api", "CreateTopics", "-n", "1000", "--json"),
            cwd=tmp_path, env=environment(), stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert "CreateTopics" in until_it_tells(trace, found[1], tmp_path), "and is looked at like one"
        proxy.terminate()
        proxy.communicate(timeout=10)


def test_what_cannot_be_watched_is_a_sentence(tmp_path: Path) -> None:
    assert "no HTTP door at 127.0.0.1:1" in finished("trace", "127.0.0.1:1", cwd=tmp_path).stderr
    assert "cannot read none" in finished("trace", "--from", "none", cwd=tmp_path).stderr


def test_the_history_of_a_group_is_told(tmp_path: Path) -> None:
    options = ("serve", "--memory", "--listen", "127.0.0.1:0", "--control", "--http", "127.0.0.1:0", "--topic", "t")
    with running(*options, cwd=tmp_path) as (_, ready):
        finished(
            "group", "reset-offsets", "g", "--topic", "t", "--to-latest", "--execute", "--to", ready[2], cwd=tmp_path
        )
        with Client(settings(ready[2], {})) as client:
            join = JoinGroupRequest(
                group_id="g", session_timeout_ms=10_000, rebalance_timeout_ms=10_000, member_id="",
                group_instance_id=None, protocol_type="consumer", reason="to look around",
                protocols=[JoinGroupRequestProtocol(name="range", metadata=b"")],
            )  # fmt: skip
            join.member_id = client.coordinator("g").call(join, JoinGroupResponse).member_id
            assert client.coordinator("g").call(join, JoinGroupResponse).error_code == 0
        shown = finished("group", "describe", "g", "--history", "--http", http_of(ready), "--json", cwd=tmp_path)
        assert shown.returncode == 0, shown.stderr
        events = json.loads(shown.stdout)
    assert events and {event["group"] for event in events} == {"g"}
    assert any("to look around" in event["cause"] for event in events), events
