"""AKHQ, kafka-ui and plug-ins of IDEs: what their admin clients and consumers ask for on each page, with the answers.

The pages are Java (`src/`, `Console.java` runs them); what web consoles in Go ask for is in `go/`, what an editor's
plug-in on Node asks for in `node/`. The same pages, once more, with an authorizer, and by somebody who may only look.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from compat_tests.broker import Outside, Process
from compat_tests.java.jars import compiled
from compat_tests.programs import run_program
from compat_tests.tools import need_command, unique

AUTHORIZER = "authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer"
STEPS = {
    "akhq": [
        "nodes", "topics", "last records", "data of a topic, newest first", "data of a topic since a time",
        "produce, and a tombstone", "configs of a topic", "groups", "offsets of a group", "acls",
        "empty and delete a topic",
    ],
    "kafka-ui": [
        "start", "statistics", "brokers", "a topic's messages", "a topic's producers", "edit a topic", "consumers",
        "acls", "quotas", "purge and make a topic again",
    ],
    "ide": [
        "tree of the cluster", "a topic's leaders", "a live consumer", "transactions", "users", "features and quorum",
        "resources with configs", "delegation tokens",
    ],
}  # fmt: skip
SEEN = ["what there is", "messages", "what is closed", "nothing changes"]
LOCKED = (
    "super.users=User:admin",
    "listeners=SASL_PLAINTEXT://127.0.0.1:0",
    "kbroker.sasl.users=admin:admin-secret,viewer:viewer-secret",
)
ROLES = (("client", "admin"), ("viewer", "viewer"))
ALL = [f"{name}: {title}" for name, titles in STEPS.items() for title in titles]


@pytest.fixture(scope="module")
def classes(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The command that runs the pages, without its words."""
    java, path = need_command("java", "java"), compiled(tmp_path_factory.mktemp("classes"))
    options = ["-Xmx400M", "-XX:TieredStopAtLevel=1", "-Dorg.slf4j.simpleLogger.defaultLogLevel=error"]
    return [java, *options, "-cp", path, "kbroker.compat.Console"]


def test_every_page_shows_what_it_should(classes: list[str], broker: Process | Outside, tmp_path: Path) -> None:
    assert run_program(classes, broker.bootstrap, unique("ui"), cwd=tmp_path) == ALL


def test_with_an_authorizer_they_show_the_same(
    classes: list[str], new_broker: Callable[..., Process], tmp_path: Path
) -> None:
    broker = new_broker(AUTHORIZER, "super.users=User:ANONYMOUS")
    command = [classes[0], "-Dhas.authorizer=true", *classes[1:]]
    assert run_program(command, broker.bootstrap, unique("ui"), cwd=tmp_path) == ALL


@pytest.mark.kbroker_only("users are made by a config of ours")
def test_who_may_only_look_sees_what_there_is_and_changes_nothing(
    classes: list[str], new_broker: Callable[..., Process], tmp_path: Path
) -> None:
    broker = new_broker(AUTHORIZER, *LOCKED, listen="", memory=True)
    for name in ("admin", "viewer"):
        module = "org.apache.kafka.common.security.plain.PlainLoginModule required"
        (tmp_path / f"{name}.properties").write_text(
            "security.protocol=SASL_PLAINTEXT\nsasl.mechanism=PLAIN\n"
            f'sasl.jaas.config={module} username="{name}" password="{name}-secret";\n'
        )
    files = [f"-D{role}.properties={tmp_path / name}.properties" for role, name in ROLES]
    command = [classes[0], "-Dhas.authorizer=true", *files, *classes[1:]]
    assert run_program(command, broker.bootstrap, unique("ui"), cwd=tmp_path) == [f"viewer: {one}" for one in SEEN]
