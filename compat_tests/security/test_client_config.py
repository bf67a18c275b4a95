"""What `kbroker client-config` prints, run by the clients that it is for: over TLS, with a login."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from compat_tests.broker import REPOSITORY
from compat_tests.java.jars import jars
from compat_tests.tools import need_command, need_module
from kbroker.testing import Broker

COMPAT = REPOSITORY / "compat_tests"
LONGEST_S = 240
USERS = {"alice": 'se"cret'}

PYTHON = {
    "kafka-python": ("kafka", "from kafka import KafkaAdminClient as Admin\nprint(Admin(**config).list_topics())"),
    "aiokafka": (
        "aiokafka",
        "import asyncio\nfrom aiokafka import AIOKafkaConsumer as Consumer\nasync def main():\n"
        "    async with Consumer(**config) as client: print(await client.topics())\nasyncio.run(main())",
    ),
    "confluent": (
        "confluent_kafka",
        "from confluent_kafka.admin import AdminClient\n"
        "print(list(AdminClient(config).list_topics(timeout=30).topics))",
    ),
}
NODE = {
    "kafkajs": """
import kafkajs from 'kafkajs'
const admin = new kafkajs.Kafka(config).admin()
await admin.connect(); console.log(await admin.listTopics()); await admin.disconnect()
""",
    "platformatic": """
import { Admin } from '@platformatic/kafka'
const admin = new Admin({ clientId: 'admin', ...config })
console.log(await admin.listTopics()); await admin.close()
""",
}
GO = {
    "franz-go": """package main
import ("context"; "crypto/tls"; "crypto/x509"; "fmt"; "os"
"github.com/twmb/franz-go/pkg/kadm"; "github.com/twmb/franz-go/pkg/kgo"; "github.com/twmb/franz-go/pkg/sasl/plain")
func main() {
%s
client, err := kgo.NewClient(options...)
if err != nil { panic(err) }
topics, err := kadm.NewClient(client).ListTopics(context.Background())
if err != nil { panic(err) }
fmt.Println(topics.Names())
}
""",
    "sarama": """package main
import ("crypto/tls"; "crypto/x509"; "fmt"; "os"; "github.com/IBM/sarama")
func main() {
%s
client, err := sarama.NewClient(brokers, config)
if err != nil { panic(err) }
topics, err := client.Topics()
if err != nil { panic(err) }
fmt.Println(topics)
}
""",
}


@pytest.fixture(scope="module")
def secured() -> Iterator[Broker]:
    need_module("cryptography")
    with Broker(tls=True, sasl="PLAIN", users=USERS, topics=["seen"]) as broker:
        yield broker


def printed(broker: Broker, client: str) -> str:
    """What the command says; everything that it has to know stands on the command line."""
    words = [sys.executable, "-m", "kbroker", "client-config", client, "--to", broker.bootstrap]
    words += ["--ca", broker.client_config("librdkafka")["ssl.ca.location"], "--user", f"alice:{USERS['alice']}"]
    return subprocess.run(words, cwd=REPOSITORY, capture_output=True, text=True, check=True, timeout=60).stdout


def said(words: list[str], folder: Path) -> str:
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=LONGEST_S, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    return done.stdout


@pytest.mark.parametrize("client", list(PYTHON))
def test_python_takes_it(client: str, secured: Broker, tmp_path: Path) -> None:
    library, program = PYTHON[client]
    need_module(library)
    file = tmp_path / "program.py"
    file.write_text(f"{printed(secured, client)}\n{program}\n")
    assert "seen" in said([sys.executable, str(file)], tmp_path)


def test_java_takes_it(secured: Broker, tmp_path: Path) -> None:
    """Kafka's own kafka-topics."""
    java = need_command("java", "java")
    file = tmp_path / "client.properties"
    file.write_text(printed(secured, "java"))
    words = [java, "-cp", f"{jars('pom-tools.xml')}/*", "org.apache.kafka.tools.TopicCommand"]
    words += ["--bootstrap-server", secured.bootstrap, "--command-config", str(file), "--list"]
    assert "seen" in said(words, tmp_path)


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Those of `node/`, as its lock file says."""
    need_command("node", "node")
    home = tmp_path_factory.mktemp("node")
    for path in (COMPAT / "node").glob("package*.json"):
        shutil.copy(path, home)
    install = [need_command("npm", "node"), "ci", "--no-audit", "--no-fund", "--ignore-scripts"]
    subprocess.run(install, cwd=home, check=True, timeout=LONGEST_S, capture_output=True)
    return home


@pytest.mark.parametrize("client", list(NODE))
def test_javascript_takes_it(client: str, secured: Broker, packages: Path) -> None:
    file = packages / f"{client}.mjs"
    file.write_text(printed(secured, client) + NODE[client])
    assert "seen" in said(["node", str(file)], packages)


@pytest.mark.parametrize("client", list(GO))
def test_go_takes_it(client: str, secured: Broker, tmp_path: Path) -> None:
    go = need_command("go", "go")
    for name in ("go.mod", "go.sum"):
        shutil.copy(COMPAT / "go" / name, tmp_path)
    (tmp_path / "main.go").write_text(GO[client] % printed(secured, client))
    assert "seen" in said([go, "run", "."], tmp_path)
