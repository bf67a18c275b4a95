"""The wheel as a user has it: beside packages of their own called `wire` and `storage`, and with no tests in it."""

import subprocess
import sys
import urllib.request
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

PROGRAM = """
import storage, wire
assert (wire.OWNER, storage.OWNER) == ("the user", "the user")
from kbroker.protocol import message
request = message("HeartbeatRequest")(group_id="g", generation_id=3, member_id="m")
assert message("HeartbeatRequest").decode(request.encode(4), 4) == request
import storage as again, wire as wire_again
assert (wire_again.OWNER, again.OWNER) == ("the user", "the user")
print("all three of them")
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as pip would fill it, with two packages of the user's beside ours."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    site = folder / "site"
    zipfile.ZipFile(wheel).extractall(site)
    for name in ("wire", "storage"):
        (site / name).mkdir()
        (site / name / "__init__.py").write_text('OWNER = "the user"\n')
    return site


def run(site: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    start = f"import sys; sys.path.insert(0, {str(site)!r}); "
    return subprocess.run(
        [sys.executable, "-P", "-c", start + arguments[0], *arguments[1:]],
        cwd=site, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def test_a_users_own_wire_and_storage_stay_theirs(site: Path) -> None:
    done = run(site, PROGRAM)
    assert (done.stdout.strip(), done.stderr) == ("all three of them", "")


def test_the_command_finds_its_house(site: Path) -> None:
    done = run(site, "from kbroker.__main__ import main; main()", "--help")
    assert done.returncode == 0, done.stderr
    assert "serve" in done.stdout


TEST_BROKER = """
import wire
from kbroker.testing import Broker
with Broker() as broker:
    broker.produce("t", "1")
    print(wire.OWNER, broker.records("t")[0].value)
"""


def test_a_test_has_its_broker_beside_its_own_packages(site: Path) -> None:
    done = run(site, TEST_BROKER)
    assert (done.stdout.strip(), done.stderr) == ("the user b'1'", "")


def test_the_wheel_holds_the_house_and_no_tests(site: Path) -> None:
    theirs = {"wire", "storage"}
    names = {path.name for path in site.iterdir() if path.is_dir() and path.name not in theirs}
    assert {name for name in names if not name.endswith(".dist-info")} == {"kbroker"}
    assert (site / "kbroker/_house/wire/schema.py").exists()
    assert (site / "kbroker/_house/storage/engine.py").exists()
    assert not [path for path in site.rglob("*") if path.name in ("tests", "compat_tests")]


def test_the_wheel_serves_its_console(site: Path) -> None:
    start = f"import sys; sys.path.insert(0, {str(site)!r}); from kbroker.__main__ import main; main()"
    arguments = ["serve", "--memory", "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0"]
    with subprocess.Popen(
        [sys.executable, "-P", "-c", start, *arguments],
        cwd=site, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    ) as broker:  # fmt: skip
        try:
            assert broker.stdout is not None
            door = broker.stdout.readline().partition("http=")[2].split()[0]
            for path in sorted((ROOT / "kbroker/console").rglob("*.js")):
                name = path.relative_to(ROOT / "kbroker").as_posix()
                with urllib.request.urlopen(f"http://{door}/{name}") as answer:
                    assert answer.read() == path.read_bytes(), name
        finally:
            broker.terminate()
