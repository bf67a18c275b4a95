"""A broker process for the commands that ask one, and the commands called without a process of their own."""

import json
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from kbroker.cli import cli

from .processes import running


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where the module's broker listens. Its tests use names of their own."""
    directory: Path = tmp_path_factory.mktemp("broker")
    with running("serve", "--memory", "--listen", "127.0.0.1:0", cwd=directory) as (_, ready):
        yield ready[2]


@pytest.fixture
def name() -> str:
    return f"t-{uuid.uuid4().hex[:8]}"


class Kbroker:
    """`kbroker ARGUMENTS` against one broker."""

    def __init__(self, address: str) -> None:
        self.address = address

    def __call__(self, *arguments: str, given: str | bytes = "", to: str | None = None) -> Result:
        return CliRunner().invoke(cli, list(arguments), input=given, env={"KBROKER_TO": to or self.address})

    def say(self, *arguments: str, given: str | bytes = "") -> str:
        """What a run that succeeds prints."""
        result = self(*arguments, given=given)
        assert result.exit_code == 0, result.output
        return result.stdout

    def ask(self, *arguments: str) -> Any:
        """The JSON that a run prints."""
        return json.loads(self.say(*arguments, "--json"))

    def refusal(self, *arguments: str) -> str:
        """The sentence of a run that the cluster refuses."""
        result = self(*arguments)
        assert result.exit_code == 1, result.output
        return result.stderr


@pytest.fixture
def kbroker(address: str) -> Kbroker:
    return Kbroker(address)


Make = Callable[..., str]


@pytest.fixture
def records(kbroker: Kbroker, name: str) -> Make:
    """A topic with these lines in it."""

    def make(*lines: str, partitions: int = 1) -> str:
        kbroker.say("topic", "create", name, "--partitions", str(partitions))
        kbroker.say("produce", name, given="".join(f"{line}\n" for line in lines))
        return name

    return make
