"""KafkaJS and @platformatic/kafka: a short program each, every step of it named, and a plug-in of an editor."""

import shutil
import subprocess
from pathlib import Path

import pytest

from compat_tests.broker import Outside, Process
from compat_tests.programs import run_program
from compat_tests.tools import need_command, unique

HERE = Path(__file__).parent

STEPS = {
    "kafkajs.mjs": [
        "create topics", "describe", "alter configs", "produce", "consume in a group", "transactions",
        "two members share", "seek and delete",
    ],
    "platformatic.mjs": [
        "create topics", "produce", "consume in a group, classic", "consume in a group, consumer", "admin",
    ],
    "editor.mjs": [
        "connect", "make and fill a topic", "topics", "configs", "read a topic", "a group", "purge and delete",
    ],
}  # fmt: skip


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs with their packages, installed as the lock file says."""
    need_command("node", "node")
    need_command("npm", "node")
    home = tmp_path_factory.mktemp("node")
    for path in (*HERE.glob("*.mjs"), *HERE.glob("package*.json")):
        shutil.copy(path, home)
    subprocess.run(["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"], cwd=home, check=True, timeout=300)
    return home


@pytest.mark.parametrize("program", list(STEPS))
def test_a_program_gets_through_all_its_steps(program: str, programs: Path, broker: Process | Outside) -> None:
    assert run_program(["node", program], broker.bootstrap, unique("node"), cwd=programs) == STEPS[program]
