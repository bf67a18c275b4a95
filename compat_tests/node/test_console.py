"""The console's modules as a browser would take them: each is read by a parser, and what they import is there."""

import subprocess
from pathlib import Path

import pytest

from compat_tests.tools import need_command

CONSOLE = Path(__file__).resolve().parents[2] / "kbroker" / "console"
OURS = sorted(path for path in CONSOLE.rglob("*.js") if "vendor" not in path.parts)


@pytest.mark.parametrize("module", OURS, ids=lambda path: path.name)
def test_a_module_of_the_console_parses(module: Path) -> None:
    need_command("node", "node")
    read = subprocess.run(
        ["node", "--check", "--input-type=module"], input=module.read_text(), capture_output=True, text=True, timeout=60
    )
    assert read.returncode == 0, read.stderr
