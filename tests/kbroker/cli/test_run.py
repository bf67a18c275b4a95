"""`kbroker run -- COMMAND` and `serve --ephemeral`: for tests in any language."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]

HELLO = """
import os, socket, sys
host, port = os.environ["KAFKA_BOOTSTRAP_SERVERS"].split(":")
socket.create_connection((host, int(port))).close()
assert os.environ["SPRING_KAFKA_BOOTSTRAP_SERVERS"] == f"{host}:{port}"
import urllib.request
topics = urllib.request.urlopen(os.environ["KBROKER_CONTROL"] + "/control/topics/list").read()
print(topics.decode())
sys.exit(int(sys.argv[1]))
"""


def kbroker(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "kbroker", *arguments], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )


def test_a_command_has_a_broker_and_its_own_status() -> None:
    done = kbroker("run", "--topic", "orders:3", "--", sys.executable, "-c", HELLO, "0")
    assert (done.returncode, done.stderr) == (0, "")
    (topic,) = json.loads(done.stdout)
    assert (topic["name"], len(topic["partitions"])) == ("orders", 3)


def test_a_command_that_fails_is_told_of_and_its_traffic_kept(tmp_path: Path) -> None:
    done = kbroker("run", "--trace", str(tmp_path), "--", sys.executable, "-c", HELLO, "7")
    assert done.returncode == 7
    assert "what the broker saw:" in done.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"kbroker.jsonl", "kbroker.pcap", "kbroker.json"}


def test_what_cannot_be_run_is_one_sentence() -> None:
    done = kbroker("run", "--", "/no/such/command")
    assert (done.returncode, done.stderr.splitlines()[0]) == (
        127,
        "kbroker: cannot run /no/such/command: no such file or directory",
    )
    done = kbroker("run", "--set", "num.partition=3", "--", "true")
    assert (done.returncode, done.stderr) == (
        2,
        "kbroker: Unknown config name: num.partition (did you mean num.partitions?)\n",
    )


def test_an_ephemeral_broker_says_where_it_is_and_goes_with_its_stdin() -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "kbroker", "serve", "--ephemeral"],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    with process:
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        assert ready["bootstrap"].startswith("127.0.0.1:")
        assert (ready["data"], ready["pid"]) == ("memory", process.pid)
        process.communicate(timeout=30)
    assert process.returncode == 0
