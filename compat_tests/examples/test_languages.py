"""Tests in other languages beside a broker of their own, as their users start them: `kbroker run -- COMMAND`.

`junit/`, `node/` and `go/` are whole small projects, to read and to copy. Their packages come from Maven Central, npm
and the Go proxy, in the versions that their files pin, the first time they are run.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from compat_tests.broker import REPOSITORY
from compat_tests.tools import need_command, need_module

pytestmark = pytest.mark.kbroker_only("kbroker run starts its own")

HERE = Path(__file__).parent
LONGEST_S = 300


@pytest.fixture
def project(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A copy: tools leave what they build beside the sources."""
    need_module("uvicorn")
    return Path(shutil.copytree(HERE / request.param, tmp_path / "project"))


def run(project: Path, *command: str) -> str:
    """What a command says below `kbroker run`; its failure is one of the test, with what the broker saw."""
    words = [sys.executable, "-m", "kbroker", "run", "--trace", str(project / "trace"), "--", *command]
    done = subprocess.run(
        words, cwd=project, env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
        capture_output=True, text=True, timeout=LONGEST_S, check=False,
    )  # fmt: skip
    if done.returncode:
        pytest.fail(f"{done.stdout[-6000:]}\n{done.stderr[-6000:]}", pytrace=False)
    assert not (project / "trace").exists(), "there is a trace of failures only"
    return done.stdout


@pytest.mark.parametrize("project", ["junit"], indirect=True)
def test_junit_and_spring_kafka_without_an_embedded_kafka(project: Path) -> None:
    need_command("javac", "java")
    said = run(project, need_command("mvn", "java"), "-B", "-ntp", "test")
    assert "Tests run: 3, Failures: 0, Errors: 0, Skipped: 0" in said


@pytest.mark.parametrize("project", ["node"], indirect=True)
def test_node_test(project: Path) -> None:
    need_command("node", "node")
    npm = need_command("npm", "node")
    install = [npm, "ci", "--no-audit", "--no-fund", "--ignore-scripts"]
    subprocess.run(install, cwd=project, check=True, timeout=LONGEST_S, capture_output=True)
    said = run(project, npm, "test")
    assert re.search("pass 3", said) and re.search("skipped 0", said), said


@pytest.mark.parametrize("project", ["go"], indirect=True)
def test_go_test(project: Path) -> None:
    said = run(project, need_command("go", "go"), "test", "-count=1", "-v", "./...")
    assert (said.count("--- PASS"), said.count("--- SKIP")) == (3, 0), said
