"""The four experiments of docs/learn/, done as they are written, in a shell."""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

pytest.importorskip("starlette")

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/learn/0_experiments.md").read_text()
BLOCK = re.compile(r"```sh\n(.*?)```(?:\n\n```text\n(.*?)```)?", re.DOTALL)
DEADLINE_S = 40


class Block(NamedTuple):
    """Commands, and what they print on standard output, where the page says so."""

    commands: str
    shown: str


def blocks(section: str) -> list[Block]:
    text = PAGE.split(f"\n## {section}")[1].split("\n## ")[0]
    return [Block(*found) for found in BLOCK.findall(text)]


class Shell:
    """One bash for the whole page; the places of the page are those of a broker that chose its own."""

    def __init__(self, home: Path) -> None:
        program = home / "bin" / "kbroker"
        program.parent.mkdir()
        program.write_text(f'#!/bin/sh\nexec {sys.executable} -m kbroker "$@"\n')
        program.chmod(0o755)
        (home / "docs").symlink_to(ROOT / "docs")
        path = os.pathsep.join((str(program.parent), str(Path(sys.executable).parent), os.environ["PATH"]))
        more = {"PATH": path, "XDG_STATE_HOME": str(home), "PYTHONPATH": str(ROOT)}
        self._bash = subprocess.Popen(
            ["bash"], cwd=home, env=os.environ | more, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        self._places: dict[str, str] = {}

    def do(self, commands: str) -> str:
        """What they print."""
        assert self._bash.stdin is not None and self._bash.stdout is not None
        for page, real in self._places.items():
            commands = commands.replace(page, real)
        self._bash.stdin.write(f"{commands}\necho; echo =done=\n")
        self._bash.stdin.flush()
        lines = []
        while (line := self._bash.stdout.readline()) not in ("=done=\n", ""):
            lines.append(line)
        assert lines, "the shell has ended"
        return "".join(lines).rstrip("\n") + "\n"

    def up(self, command: str) -> None:
        said = self.do(command.replace("--http 127.0.0.1:9090", "--http 127.0.0.1:0 --listen 127.0.0.1:0"))
        ready = re.search(r"ready on (\S+),(\S+),(\S+) .* http=(\S+)", said)
        assert ready, said
        self._places = {"127.0.0.1:9092": ready[1], "127.0.0.1:9090": ready[4]}
        self.do(f"export KBROKER_TO={ready[1]} KBROKER_CONTROL={ready[4]}")

    def end(self) -> None:
        self._bash.communicate("kbroker down; kill $(jobs -p)\n", timeout=20)


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    made = Shell(tmp_path_factory.mktemp("experiments"))
    made.up(BLOCK.findall(PAGE.split("\n## ")[0])[0][0])
    yield made
    made.end()


def does_what_it_shows(shell: Shell, block: Block) -> None:
    said = [line.rstrip() for line in shell.do(block.commands).splitlines()]
    shown = [line.rstrip() for line in block.shown.splitlines()]
    assert not shown or (len(said) == len(shown) and all(map(alike, said, shown))), (
        f"{block.commands}printed\n" + "\n".join(said)
    )


def alike(said: str, shown: str) -> bool:
    """But for what the page leaves open ("..."), where brokers listen, and how wide a column is."""
    shown, said = (re.sub(r"127\.0\.0\.1:\d+", "HERE", re.sub(" +", " ", line)) for line in (shown, said))
    return re.fullmatch(".*".join(re.escape(part) for part in shown.split("...")), said) is not None


def shows_what_the_page_shows(shell: Shell, section: str) -> None:
    done = [block for block in blocks(section) if "kbroker down" not in block.commands]
    assert len(done) >= 2 and sum(bool(block.shown) for block in done) >= 2
    for block in done:
        does_what_it_shows(shell, block)


def held(shell: Shell) -> list[int]:
    """How many partitions each member of the group has, the fewest first."""
    said = shell.do("kbroker group describe workers --json")
    members = (json.loads(said) or [{}])[0].get("members", []) if said.strip() else []
    return sorted(len(member["holds"]) for member in members)


def until(look: Callable[[], list[int]], wanted: list[int]) -> None:
    end = time.monotonic() + DEADLINE_S
    while (seen := look()) != wanted:
        assert time.monotonic() < end, f"{seen}, where {wanted} was to be"


def shares_four_partitions(shell: Shell) -> None:
    start, look, more, fewer, offsets = blocks("2. Three consumers, then five, then two")
    shell.do(start.commands)
    until(lambda: held(shell), [1, 1, 2])
    assert "assigned in epoch" in shell.do(look.commands)
    shell.do(more.commands)
    until(lambda: held(shell), [0, 1, 1, 1, 1])
    shell.do(fewer.commands)
    until(lambda: held(shell), [2, 2])
    shell.do("kill %4 %5")
    assert '"topic": "orders"' in shell.do(offsets.commands)


def test_the_four_experiments_go_as_the_page_says(shell: Shell) -> None:
    """In the order of the page: who leads a new topic depends on how many there are already."""
    shows_what_the_page_shows(shell, "1. Keys and partitions")
    shares_four_partitions(shell)
    shows_what_the_page_shows(shell, "3. The leader dies")
    shows_what_the_page_shows(shell, "4. What is gone, and what stays")
