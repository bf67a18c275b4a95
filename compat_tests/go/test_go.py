"""franz-go, Sarama and kafka-go: one short program each, and what a web console written in Go asks for."""

import subprocess
from pathlib import Path

import pytest

from compat_tests.broker import Outside, Process
from compat_tests.programs import run_program
from compat_tests.tools import need_command, unique

HERE = Path(__file__).parent

STEPS = {
    "franz": ["create topics", "produce", "consume in a group", "copy in transactions", "read only what is committed"],
    "sarama": ["create topic", "produce", "consume in a group", "admin"],
    "kafkago": ["create topic", "produce", "consume in a group"],
    "console": ["overview", "topics", "groups", "security", "transactions", "change", "clean up"],
}


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All of them in one file."""
    go = need_command("go", "go")
    built = tmp_path_factory.mktemp("go") / "programs"
    subprocess.run([go, "build", "-o", str(built), "."], cwd=HERE, check=True, timeout=600)
    return built


@pytest.mark.parametrize("program", list(STEPS))
def test_a_program_gets_through_all_its_steps(program: str, programs: Path, broker: Process | Outside) -> None:
    assert run_program([str(programs), program], broker.bootstrap, unique("go"), cwd=programs.parent) == STEPS[program]
