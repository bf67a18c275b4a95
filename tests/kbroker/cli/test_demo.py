"""`kbroker demo`: it opens, says where, and closes cleanly."""

import re
import signal
import subprocess
import urllib.request
from pathlib import Path

from .processes import command, environment, finished


def test_the_shop_opens_and_closes_at_ctrl_c(tmp_path: Path) -> None:
    process = subprocess.Popen(
        command("demo", "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0", "--seed", "3"),
        cwd=tmp_path,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        said = ""
        while "Kafka  " not in said:
            line = process.stdout.readline()
            assert line, process.communicate(timeout=10)
            said += line
        console = re.search(r"console +(http://\S+)", said)
        assert console is not None
        with urllib.request.urlopen(console[1]) as answer:
            assert answer.status == 200
        with urllib.request.urlopen(console[1].replace("console/", "readyz")) as answer:
            assert answer.read() == b"ready\n"
        process.send_signal(signal.SIGINT)
        rest, errors = process.communicate(timeout=20)
    finally:
        process.kill()
    assert process.returncode == 0 and rest.endswith("nothing is left of it.\n")
    assert errors == ""
    assert list(tmp_path.iterdir()) == [], "it leaves nothing behind"


def test_an_address_that_is_none_is_one_sentence(tmp_path: Path) -> None:
    for wrong in (("--http", "here"), ("--listen", "there:x")):
        run = finished("demo", *wrong, cwd=tmp_path)
        assert (run.returncode, run.stderr.count("\n")) == (2, 1), run.stderr
