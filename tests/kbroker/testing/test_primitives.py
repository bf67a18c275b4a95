"""The table of primitives in docs/testing.md: every row names verbs that there are and tests that show it, and every
test of `compat_tests/primitives` is named by a row.
"""

import ast
import re
from pathlib import Path

import pytest

from kbroker.control.table import every
from kbroker.testing import Broker, Cluster
from kbroker.testing.clock import Clock
from kbroker.testing.cluster import Node
from kbroker.testing.faults import Faults, Handle
from kbroker.testing.partition import Partition

ROOT = Path(__file__).resolve().parents[3]
TABLE = (ROOT / "docs/testing.md").read_text().partition("## Every control primitive")[2]
ROWS = [[cell.strip() for cell in line.strip("|").split("|")] for line in TABLE.splitlines() if line.startswith("| ")]
TESTS = {
    node.name.removeprefix("test_")
    for file in (ROOT / "compat_tests/primitives").glob("test_*.py")
    for node in ast.parse(file.read_text()).body
    if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
}
VERBS = {verb.name.replace(".", "/") for verb in every()}
OWNERS = (Broker, Cluster, Clock, Node, Faults, Handle, Partition)


def quoted(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def test_every_row_has_its_tests_and_every_test_its_row() -> None:
    _, *rows = ROWS
    assert len(rows) > 40
    assert [row[0] for row in rows if not set(quoted(row[3])) & TESTS] == []
    named = [name for row in rows for name in quoted(row[3])]
    assert sorted(named) == sorted(TESTS), "each in one row"


@pytest.mark.parametrize("row", ROWS[1:], ids=[row[3] for row in ROWS[1:]])
def test_a_row_names_what_there_is(row: list[str]) -> None:
    assert [name for name in quoted(row[2]) if name not in VERBS] == []
    methods = [method for text in quoted(row[1]) for method in re.findall(r"(?:\A|[.@\s])([a-z_]+)\(", text)]
    assert [name for name in methods if not any(hasattr(owner, name) for owner in OWNERS)] == []
