"""The programs of docs/learn/, run as a reader runs them, against a broker process; and every byte that a page shows
is one that its program has sent or got."""

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.kbroker.cli.processes import running
from tests.learn.relay import Relay

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "learn"
BYTES = re.compile(r"\|\s*`((?:[0-9a-f]{2}|\.\.)(?: (?:[0-9a-f]{2}|\.\.))*)`\s*\|")


class Wire(NamedTuple):
    """Two listeners, each behind a relay that hears all: one is open, one wants a login."""

    plain: Relay
    secured: Relay


class Run(NamedTuple):
    said: str
    heard: list[bytes]


Program = Callable[..., Run]


@pytest.fixture(scope="module")
def wire(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wire]:
    with Relay() as plain, Relay() as secured:
        listeners = ["--listen", "PLAIN://127.0.0.1:0", "--listen", "SECURED://127.0.0.1:0"]
        advertised = ["--advertise", f"PLAIN://{plain.address}", "--advertise", f"SECURED://{secured.address}"]
        kinds = ["--set", "listener.security.protocol.map=PLAIN:PLAINTEXT,SECURED:SASL_PLAINTEXT"]
        user = ["--user", "alice:alice-secret"]
        home = tmp_path_factory.mktemp("learn")
        with running("serve", "--memory", *listeners, *advertised, *kinds, *user, cwd=home) as (_, ready):
            for relay, bound in zip((plain, secured), ready[2].split(","), strict=True):
                relay.to(bound.rpartition("//")[2])
            yield Wire(plain, secured)


@pytest.fixture
def program(wire: Wire) -> Program:
    def run(name: str, *arguments: str, status: int = 0) -> Run:
        relay = wire.secured if name == "10_scram" else wire.plain
        before = len(relay.heard)
        done = subprocess.run(
            [sys.executable, f"{name}.py", relay.address, *arguments],
            cwd=FOLDER, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode == status, done.stderr
        return Run(done.stdout, [bytes(each) for each in relay.heard[before:]])

    return run


def tables(page: str) -> list[list[str]]:
    """The bytes of each table that shows some: a row each."""
    found = []
    for table in re.split(r"\n\s*\n", (FOLDER / f"{page}.md").read_text()):
        rows = [match[1] for line in table.splitlines() if (match := BYTES.match(line))]
        if rows:
            found.append(rows)
    return found


def agree(page: str, run: Run) -> None:
    """Each table is somewhere in what was heard, in one piece; `..` is any byte."""
    shown = tables(page)
    assert shown, f"{page} shows no bytes"
    for rows in shown:
        cells = " ".join(rows).split()
        pattern = b"".join(b"." if cell == ".." else re.escape(bytes.fromhex(cell)) for cell in cells)
        assert any(re.search(pattern, heard, re.DOTALL) for heard in run.heard), f"{page} shows {rows}"


def test_1_one_frame_there_and_one_back(program: Program) -> None:
    run = program("1_api_versions")
    assert "key  18  versions 0 to 5" in run.said and "knows" in run.said
    agree("1_api_versions", run)
    (first,) = re.findall(r"with (\d+) bytes and knows (\d+) APIs", run.said)
    assert f"with {first[0]} bytes and knows {first[1]} APIs" in (FOLDER / "1_api_versions.md").read_text()


def test_2_who_leads_what(program: Program) -> None:
    run = program("2_metadata", "orders")
    assert "orders-0: leader 1, replicas [1], in sync [1]" in run.said
    agree("2_metadata", run)
    assert program("2_metadata", "a b", status=1).said == ""


def test_3_and_4_what_was_written_is_read(program: Program) -> None:
    program("2_metadata", "orders")
    written = program("3_produce", "orders", "one", "two", "three")
    assert written.said == "3 records at offset 0\n"
    agree("3_produce", written)
    read = program("4_fetch", "orders")
    assert read.said == "0: one\n1: two\n2: three\n"
    agree("4_fetch", read)
    assert program("3_produce", "orders", "four").said == "1 records at offset 3\n"
    assert program("4_fetch", "orders", "2").said == "2: three\n3: four\n"
    assert program("3_produce", "nowhere", "x", status=3).said == "error 3\n"


def test_5_compressed_and_read_back(program: Program) -> None:
    program("2_metadata", "menu")
    run = program("5_compression", "menu")
    assert "20 records, the last of them: order 20" in run.said and "error 76" in run.said
    agree("5_compression", run)


def test_6_sent_twice_and_stored_once(program: Program) -> None:
    program("2_metadata", "ledger")
    run = program("6_idempotence", "ledger")
    assert "the same again: error 0, offset 0" in run.said
    agree("6_idempotence", run)
    assert program("4_fetch", "ledger").said == "0: once\n"


def test_7_a_member_of_a_group(program: Program) -> None:
    program("2_metadata", "orders")
    run = program("7_group", "orders", "readers")
    assert "assigned: [('orders', [0])]" in run.said and "committed: 42 (from chapter 7)" in run.said
    assert "left: error 0" in run.said
    agree("7_group", run)


def test_8_a_transaction(program: Program) -> None:
    program("2_metadata", "payments")
    run = program("8_transaction", "payments", "cashier")
    assert "committed: ['from one account', 'to another']" in run.said and "markers at [2, 4]" in run.said
    agree("8_transaction", run)


def test_9_a_member_whose_broker_assigns(program: Program) -> None:
    program("2_metadata", "orders")
    run = program("9_consumer_group", "orders", "fast")
    assert "orders: [0]" in run.said and "left: error 0, epoch -1" in run.said
    agree("9_consumer_group", run)


def test_10_a_login_without_the_password(program: Program) -> None:
    run = program("10_scram", "alice", "alice-secret")
    assert "logged in as alice, and the broker has proved itself" in run.said
    agree("10_scram", run)
    assert not any(b"alice-secret" in heard for heard in run.heard)
    assert "have the" not in program("10_scram", "alice", "guessed", status=1).said


def number(path: Path) -> int:
    return int(path.stem.partition("_")[0])


def test_every_page_has_its_program_and_leads_to_the_next() -> None:
    pages = sorted(FOLDER.glob("[1-9]*_*.md"), key=number)
    assert [number(page) for page in pages] == list(range(1, 11))
    assert {page.stem for page in pages} == {path.stem for path in FOLDER.glob("[1-9]*_*.py")}
    for page, after in pairwise(pages):
        assert f"Next: [{number(after)}. {title(after)}]({after.name})" in page.read_text()
    index = (FOLDER / "index.md").read_text()
    for page in (FOLDER / "0_experiments.md", *pages):
        assert f"{number(page)}. [{title(page)}]({page.name})" in index


def title(page: Path) -> str:
    return page.read_text().splitlines()[0].partition(". ")[2]


def test_the_programs_use_nothing_but_the_standard_library() -> None:
    for path in FOLDER.glob("*.py"):
        for line in path.read_text().splitlines():
            if match := re.match(r"(?:from|import) (\w+)", line):
                assert match[1] in sys.stdlib_module_names | {"frames"}, (path.name, line)
