"""The programs of docs/learn/, run as a reader runs them, against a broker process."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from tests.kbroker.cli.processes import running

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "learn"
Program = Callable[..., str]


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running("serve", "--memory", "--listen", "127.0.0.1:0", cwd=tmp_path_factory.mktemp("learn")) as (_, ready):
        yield ready[2]


@pytest.fixture
def program(address: str) -> Program:
    def run(name: str, *arguments: str, status: int = 0) -> str:
        done = subprocess.run(
            [sys.executable, f"{name}.py", address, *arguments], cwd=FOLDER, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == status, done.stderr
        return done.stdout

    return run


def test_1_one_frame_there_and_one_back(program: Program) -> None:
    said = program("1_api_versions")
    assert "key  18  versions 0 to 5" in said and "knows" in said


def test_2_who_leads_what(program: Program) -> None:
    assert "second-0: leader 1, replicas [1], in sync [1]" in program("2_metadata", "second")


def test_3_and_4_what_was_written_is_read(program: Program) -> None:
    program("2_metadata", "third")
    assert program("3_produce", "third", "one", "two", "three") == "3 records at offset 0\n"
    assert program("3_produce", "third", "four") == "1 records at offset 3\n"
    assert program("4_fetch", "third") == "0: one\n1: two\n2: three\n3: four\n"
    assert program("4_fetch", "third", "2") == "2: three\n3: four\n"
    assert program("3_produce", "nowhere", "x", status=3) == "error 3\n"


def test_5_sent_twice_and_stored_once(program: Program) -> None:
    program("2_metadata", "fifth")
    assert "the same again: error 0, offset 0" in program("5_idempotence", "fifth")
    assert program("4_fetch", "fifth") == "0: once\n"


def test_6_a_member_of_a_group(program: Program) -> None:
    program("2_metadata", "sixth")
    said = program("6_group", "sixth", "group")
    assert "assigned: [('sixth', [0])]" in said and "committed: 42 (from chapter 6)" in said and "left: error 0" in said


def test_every_page_has_its_program_and_leads_to_the_next() -> None:
    pages = sorted(FOLDER.glob("[1-9]_*.md"))
    assert [page.stem for page in pages] == [program.stem for program in sorted(FOLDER.glob("[1-9]_*.py"))]
    for page, after in pairwise(pages):
        assert f"]({after.name})" in page.read_text()
    index = (FOLDER / "index.md").read_text()
    assert all(f"]({page.name})" in index for page in FOLDER.glob("[0-9]_*.md"))
