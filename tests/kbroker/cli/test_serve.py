"""`kbroker serve` as its user sees it: one line when it is ready, one sentence when it cannot be, a clean end."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from kbroker.version import VERSION

from .processes import ROOT, finished, running

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="signals")


@pytest.mark.parametrize("command", [(), ("serve",)])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@POSIX
def test_it_says_one_line_when_it_serves_and_ends_cleanly_when_told(
    tmp_path: Path, command: tuple[str, ...], number: signal.Signals
) -> None:
    with running(*command, "--listen", "127.0.0.1:0", cwd=tmp_path) as (process, ready):
        version, bound, data, pid = ready.groups()
        assert (version, data, int(pid)) == (VERSION, str(tmp_path / "data"), process.pid)
        host, _, port = bound.rpartition(":")
        socket.create_connection((host, int(port))).close()
        process.send_signal(number)
        out, err = process.communicate(timeout=20)
        assert (process.returncode, out) == (0, "")
        assert "Traceback" not in err


def test_localhost_is_told_as_the_addresses_that_it_is(tmp_path: Path) -> None:
    with running("--memory", "--listen", "localhost:0", cwd=tmp_path) as (_, ready):
        places = ready[2].split(",")
        assert places[0].startswith("127.0.0.1:")
        assert len({place.rpartition(":")[2] for place in places}) == 1
        assert ready[3] == "memory"
    assert list(tmp_path.iterdir()) == []


def refusal(result: "subprocess.CompletedProcess[str]") -> str:
    """The one sentence."""
    assert (result.returncode, result.stdout) == (2, ""), result.stderr
    (line,) = result.stderr.splitlines()
    assert line.startswith("kbroker: ")
    return line.removeprefix("kbroker: ")


def test_a_port_in_use_is_one_sentence_and_under_make_run_names_its_way_out(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        place = f"127.0.0.1:{other.getsockname()[1]}"
        sentence = f"cannot listen on {place}: the port is in use; choose another one with "
        assert refusal(finished("--listen", place, cwd=tmp_path)) == sentence + "--listen HOST:PORT"
        hint = "make run PORT=..."
        assert refusal(finished("--listen", place, cwd=tmp_path, KBROKER_PORT_HINT=hint)) == sentence + hint
    assert list(tmp_path.iterdir()) == []


def test_a_data_directory_in_use_is_one_sentence(tmp_path: Path) -> None:
    with running("--listen", "127.0.0.1:0", cwd=tmp_path):
        sentence = refusal(finished("--listen", "127.0.0.1:0", cwd=tmp_path))
    assert str(tmp_path / "data") in sentence


def test_a_package_that_is_missing_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("import sys; sys.modules['crc32c'] = None\n")
    path = os.pathsep.join([str(tmp_path), str(ROOT)])
    sentence = refusal(finished("--memory", cwd=tmp_path, PYTHONPATH=path))
    assert sentence == "the Python package crc32c is missing; get it with: pip install crc32c"


@POSIX
def test_a_data_directory_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert str(tmp_path / "file") in refusal(
        finished("--listen", "127.0.0.1:0", "--data", str(tmp_path / "file" / "data"), cwd=tmp_path)
    )


def test_data_of_a_newer_version_is_one_sentence(tmp_path: Path) -> None:
    with running("--listen", "127.0.0.1:0", cwd=tmp_path) as (process, _):
        process.terminate()
        process.communicate(timeout=20)
    file = tmp_path / "data" / "format.json"
    file.write_text(file.read_text().replace('"format": 1', '"format": 999'))
    assert "999" in refusal(finished("--listen", "127.0.0.1:0", cwd=tmp_path))


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--set", "num.partition=1"), "Unknown config name: num.partition (did you mean num.partitions?)"),
        (
            ("--set", "num.partitions=none"),
            "Invalid value none for configuration num.partitions: Not a number of type INT",
        ),
        (("--memory", "--data", "d"), "--memory and --data DIR contradict each other"),
        (("--config", "none.toml"), "cannot read none.toml: no such file or directory"),
        (("--listen", "x"), "Invalid value x for configuration --listen: Expected [NAME://]HOST:PORT"),
    ],
)
def test_a_bad_config_is_one_sentence(tmp_path: Path, arguments: tuple[str, ...], sentence: str) -> None:
    assert refusal(finished(*arguments, cwd=tmp_path)) == sentence


def test_configs_without_effect_are_warned_of_in_one_line(tmp_path: Path) -> None:
    sets = ("--set", "num.io.threads=8", "--set", "log.cleaner.threads=2", "--set", "num.partitions=2")
    with running("--memory", "--listen", "127.0.0.1:0", *sets, cwd=tmp_path) as (process, _):
        process.terminate()
        _, err = process.communicate(timeout=20)
    (warning,) = [line for line in err.splitlines() if "WARNING" in line]
    assert warning.endswith("accepted, but without effect in this broker: num.io.threads, log.cleaner.threads")


def test_the_file_and_the_flags_are_heard(tmp_path: Path) -> None:
    (tmp_path / "kbroker.toml").write_text('listeners = "A://127.0.0.1:0,B://127.0.0.1:0"\nlog.dirs = "there"\n')
    with running("--config", "kbroker.toml", cwd=tmp_path) as (_, ready):
        assert len(ready[2].split(",")) == 2
        assert ready[3] == str(tmp_path / "there")


def test_version_and_help_are_there(tmp_path: Path) -> None:
    assert finished("--version", cwd=tmp_path).stdout == f"kbroker {VERSION}\n"
    usage = finished("--help", cwd=tmp_path).stdout
    assert "serve" in usage
    assert "--advertise" in finished("serve", "--help", cwd=tmp_path).stdout


# What a broker may have imported when it answers its first Metadata. Whoever adds to this pays at every start, and of
# what is imported from a tree without byte code (PYTHONDONTWRITEBYTECODE) three times as much.
HEAVY = {
    "aiohttp", "cramjam", "crc32c", "difflib", "hypothesis", "importlib.metadata", "logging.config", "lz4",
    "multiprocessing", "pydantic", "pytest", "tomllib", "unittest", "urllib.request", "xxhash", "zstandard",
}  # fmt: skip
OURS = {
    "kbroker.cli", "kbroker.cli.serve", "kbroker.handlers", "kbroker.handlers.metadata", "wire.messages",
    "wire.messages.metadata",
}  # fmt: skip
FOLDERS = ("kbroker.cli", "kbroker.handlers", "kbroker.http", "wire.messages", "wire.explain")
# Made at their first use, and so imported then: no part of any of them.
LATE = (
    "kbroker.catalog.alterations", "kbroker.catalog.configs", "kbroker.catalog.features", "kbroker.catalog.moves",
    "kbroker.catalog.quotas", "kbroker.catalog.users", "kbroker.cleaner", "kbroker.config_stored",
    "kbroker.coordinators", "kbroker.group_config", "kbroker.groups", "kbroker.markers", "kbroker.partitions.",
    "kbroker.security", "kbroker.telemetry_config", "kbroker.transactions", "storage.compaction", "storage.memory",
    "storage.retention", "wire.durable.groups", "wire.durable.offsets", "wire.durable.transactions",
)  # fmt: skip
BUT = {"kbroker.partitions.registry"}
MOST = 86  # modules of ours, all in all

PROBE = """
import asyncio, struct, sys
sys.argv = ["kbroker", "--data", "data", "--listen", "127.0.0.1:0"]

async def ask(broker):
    host, _, port = broker.bound[0].rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    frame = struct.pack(">hhih", 3, 1, 1, -1) + struct.pack(">i", -1)
    writer.write(struct.pack(">i", len(frame)) + frame)
    await reader.readexactly(8)
    print(",".join(sorted(sys.modules)), flush=True)
    writer.close()

from kbroker import broker
start = broker.Broker.start

async def start_and_ask(self):
    await start(self)
    await ask(self)
    import os, signal
    os.kill(os.getpid(), signal.SIGTERM)

broker.Broker.start = start_and_ask
from kbroker.__main__ import main
main()
"""


@POSIX
def test_nothing_heavy_is_imported_before_the_first_metadata(tmp_path: Path) -> None:
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    result = subprocess.run(
        [sys.executable, "-c", PROBE], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=30
    )
    assert result.returncode == 0, result.stderr
    modules = set(result.stdout.splitlines()[0].split(","))
    assert modules & HEAVY == set()
    assert {name for name in modules if name.startswith(FOLDERS)} == OURS
    assert {name for name in modules if name.startswith(LATE)} == BUT
    assert len([name for name in modules if name.startswith(("kbroker", "storage", "wire"))]) <= MOST
