"""The README's programs, as they stand there and in that order, against one broker: each finds the record it wrote."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable

import pytest

from compat_tests.broker import REPOSITORY, Process
from compat_tests.tools import need_module

FIRST_TOPIC = (REPOSITORY / "README.md").read_text().partition("## A first topic")[2].partition("\n## ")[0]
PROGRAMS = re.findall(r"```python\n(.*?)```", FIRST_TOPIC, re.DOTALL)


def test_there_is_one_program_for_each_client() -> None:
    assert [re.findall(r"^from (\w+)", program, re.MULTILINE)[0] for program in PROGRAMS] == [
        "kafka",
        "aiokafka",
        "confluent_kafka",
    ]


@pytest.mark.kbroker_only("the README is about kbroker")
def test_every_program_prints_what_it_sent(new_broker: Callable[..., Process]) -> None:
    for library in ("kafka", "aiokafka", "confluent_kafka"):
        need_module(library)
    broker = new_broker()
    for program in PROGRAMS:
        assert "127.0.0.1:9092" in program
        told = program.replace("127.0.0.1:9092", broker.bootstrap)
        done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, timeout=120)
        assert (done.returncode, "hello" in done.stdout) == (0, True), f"{told}\n{done.stdout}\n{done.stderr}"
