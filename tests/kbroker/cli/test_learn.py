"""`kbroker learn` as it is run: it says which byte is wrong while it goes, and `learn check` reads what was sent."""

import http.client
import json
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.kbroker.learn.test_mistakes import METADATA_1, PLANTED, VERSIONS_0

from .processes import ROOT, command, environment, finished

READY = re.compile(r"kbroker learn ready on (\S+) and, with a login, (\S+), keeping what it hears in (.+)\n")


class Learning(NamedTuple):
    process: "subprocess.Popen[str]"
    plain: str
    login: str
    http: str
    home: Path

    def until(self, words: str) -> str:
        """What it says up to the line with these words."""
        assert self.process.stdout is not None
        said = ""
        while words not in said:
            line = self.process.stdout.readline()
            assert line, f"{words!r} was never said: {said}"
            said += line
        return said

    def send(self, frame: bytes) -> bytes:
        """One frame, and what is answered before the connection ends."""
        host, _, port = self.plain.rpartition(":")
        with socket.create_connection((host, int(port)), 10) as connection:
            connection.sendall(frame)
            connection.shutdown(socket.SHUT_WR)
            return connection.recv(1 << 16)

    def check(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return finished("learn", "check", *arguments, "--from", "heard.jsonl", cwd=self.home)


@contextmanager
def learning(home: Path, *options: str) -> Iterator[Learning]:
    places = ("--listen", "127.0.0.1:0", "--login", "127.0.0.1:0", "--keep", "heard.jsonl")
    process = subprocess.Popen(
        command("learn", *places, *options),
        cwd=home, env=environment(PYTHONUNBUFFERED="1"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        ready = READY.fullmatch(line)
        assert ready, (line, process.communicate(timeout=10))
        door = process.stdout.readline().partition("HTTP: ")[2].strip()
        yield Learning(process, ready[1], ready[2], door, home)
    finally:
        process.terminate()
        process.communicate(timeout=20)


@pytest.fixture(scope="module")
def learner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Learning]:
    with learning(tmp_path_factory.mktemp("learn")) as started:
        yield started


def test_a_wrong_byte_is_told_while_it_goes(learner: Learning) -> None:
    for name in (
        "2: a compact array whose count is not one larger",
        "3: another checksum",
        "1: a key that there is not",
    ):
        learner.send(PLANTED[name].frame)
        assert f"byte {PLANTED[name].offset}" in learner.until("because")


def test_what_never_comes_whole_is_told_before_and_after_the_connection_ends(learner: Learning) -> None:
    host, _, port = learner.plain.rpartition(":")
    with socket.create_connection((host, int(port)), 10) as connection:
        connection.sendall(PLANTED["1: a size that is one too large"].frame)
        said = learner.until("what came is a whole request")
        assert "byte 0, size: 00 00 00 0f" in said and "waits for 1 more" in said
    learner.send(METADATA_1[:-3])
    assert "waits for 3 more" in learner.until("because")


def test_records_are_looked_through_as_apache_kafka_does_it(learner: Learning) -> None:
    learner.send(METADATA_1)  # which makes the topic
    learner.send(PLANTED["3: a length that is not zigzagged"].frame)
    assert "INVALID_RECORD" in learner.until("because")


def test_check_says_what_is_done_and_what_is_wrong(learner: Learning) -> None:
    learner.send(VERSIONS_0)
    learner.send(METADATA_1)
    learner.until("Metadata v1")
    done = learner.check("2")
    assert done.returncode == 0 and done.stdout.count("   ok ") == 2, done.stdout
    learner.send(PLANTED["3: another checksum"].frame)
    learner.until("the sum of all bytes")
    wrong = learner.check("3", "--json")
    (exercise,) = json.loads(wrong.stdout)
    assert wrong.returncode == 1 and not exercise["done"]
    assert exercise["steps"][0]["mistakes"][0]["offset"] == PLANTED["3: another checksum"].offset
    every = learner.check()
    assert every.returncode == 1 and " 2. Who leads what                       2 of 2 steps" in every.stdout
    assert "there is no exercise 11" in learner.check("11").stderr


def test_a_program_of_the_chapters_does_its_exercise(learner: Learning) -> None:
    for number, program, arguments in ((7, "7_group", ["t", "g"]), (10, "10_scram", ["alice", "alice-secret"])):
        where = learner.login if number == 10 else learner.plain
        for each, words in (("2_metadata", ["t"]), (program, arguments)):
            subprocess.run(
                [sys.executable, f"{each}.py", learner.plain if each == "2_metadata" else where, *words],
                cwd=ROOT / "docs" / "learn", check=True, capture_output=True, timeout=60,
            )  # fmt: skip
        assert learner.check(str(number)).returncode == 0, learner.check(str(number)).stdout


def test_nothing_heard_and_no_recording_are_sentences(tmp_path: Path) -> None:
    assert "start kbroker learn first" in finished("learn", "check", "1", "--from", "none", cwd=tmp_path).stderr
    (tmp_path / "other").write_text("hello\n")
    assert "no part of a recording" in finished("learn", "check", "1", "--from", "other", cwd=tmp_path).stderr


def test_the_same_is_told_by_http(tmp_path: Path) -> None:
    pytest.importorskip("starlette")
    with learning(tmp_path, "--http", "127.0.0.1:0") as learner:
        door = http.client.HTTPConnection(learner.http, timeout=10)
        planted = PLANTED["2: a compact array whose count is not one larger"]
        learner.send(planted.frame)
        learner.until("because")
        (told,) = ask(door, "/control/lessons/wrong")
        assert told["api"] == "Metadata" and told["mistakes"][0]["offset"] == planted.offset
        exercise = ask(door, "/control/lessons/check?number=2")
        assert {step["state"] for step in exercise["steps"]} == {"wrong"}
        door.close()


def ask(door: http.client.HTTPConnection, path: str) -> "list[dict[str, object]] | dict[str, object]":
    door.request("GET", path)
    answer = door.getresponse()
    assert answer.status == 200, answer.read()
    return json.load(answer)  # type: ignore[no-any-return]
