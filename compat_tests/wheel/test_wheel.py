"""A wheel as it is released: built by `python -m build`, installed by pip into a fresh virtual environment that has
nothing else but pytest and kafka-python; and there the first example runs, plugin and all.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from compat_tests.broker import REPOSITORY
from compat_tests.tools import need_module

pytestmark = pytest.mark.kbroker_only("it is kbroker's own wheel")

EXAMPLES = REPOSITORY / "tests" / "examples"
FIRST = "test_a_retry_after_a_lost_answer_makes_no_duplicate"
LONGEST_S = 240


def run(*words: str | Path, cwd: Path) -> str:
    """Standard output; nothing of this environment reaches the command but the path of programs and pip's own
    settings."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PYTEST", "VIRTUAL"))}
    done = subprocess.run(
        [str(word) for word in words], cwd=cwd, env=kept, capture_output=True, text=True, timeout=LONGEST_S, check=False
    )
    assert done.returncode == 0, f"{words}:\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
    return done.stdout


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of the fresh environment."""
    need_module("build")
    home = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "build", "--wheel", "--outdir", home, REPOSITORY, cwd=home)
    (wheel,) = home.glob("*.whl")
    run(sys.executable, "-m", "venv", home / "venv", cwd=home)
    fresh = home / "venv" / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    run(
        fresh,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        wheel,
        "pytest",
        "kafka-python",
        cwd=home,
    )
    return fresh


def test_the_first_example_runs_from_the_wheel_alone(python: Path, tmp_path: Path) -> None:
    for path in EXAMPLES.glob("*.py"):
        shutil.copy(path, tmp_path)
    said = run(python, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"test_examples.py::{FIRST}", cwd=tmp_path)
    assert "1 passed" in said, said


def test_nothing_but_what_the_core_needs_has_come_with_it(python: Path, tmp_path: Path) -> None:
    installed = run(python, "-m", "pip", "list", "--format", "freeze", "--disable-pip-version-check", cwd=tmp_path)
    names = {line.partition("==")[0].lower().replace("_", "-") for line in installed.splitlines()}
    assert not names & {"starlette", "uvicorn", "cryptography", "pyyaml"}
    said = run(python, "-c", "import kbroker.testing, sys; print(kbroker.testing.__file__)", cwd=tmp_path)
    assert str(python.parent.parent) in said, "it is the installed one"


def test_a_command_has_a_broker_from_the_wheel(python: Path, tmp_path: Path) -> None:
    kbroker = python.with_name("kbroker")
    program = "import os; print(os.environ['KAFKA_BOOTSTRAP_SERVERS'])"
    assert run(kbroker, "run", "--", python, "-c", program, cwd=tmp_path).startswith("127.0.0.1:")
