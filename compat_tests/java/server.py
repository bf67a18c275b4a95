"""Apache Kafka itself: one node in KRaft mode, broker and controller, in the foreground.

    python -m compat_tests.java.server PORT DIR [--login PORT NAME:PASSWORD] [KEY=VALUE ...]

Its jars come through Maven once (`jars.py`). This process becomes the JVM. DIR is formatted at its first use. With
--login a second listener wants SCRAM and knows one user. As a --broker-command it puts Apache Kafka under any suite:

    pytest compat_tests --broker-command 'python -m compat_tests.java.server {port} {dir}'
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

from compat_tests.broker import free_port
from compat_tests.java.jars import jars

HEAP = os.environ.get("KAFKA_HEAP_OPTS", "-Xmx512M").split()
CLUSTER_ID = "MkU3OEVBNTcwNTJENDM2Qg"
MECHANISM = "SCRAM-SHA-256"
ONE_NODE = {
    "offsets.topic.replication.factor": 1,
    "transaction.state.log.replication.factor": 1,
    "transaction.state.log.min.isr": 1,
    "share.coordinator.state.topic.replication.factor": 1,
    "share.coordinator.state.topic.min.isr": 1,
}


def properties(port: int, folder: Path, login_port: int | None) -> dict[str, object]:
    """What its server.properties says."""
    listeners = {"PLAINTEXT": port, "CONTROLLER": free_port()}
    if login_port is not None:
        listeners["SASL_PLAINTEXT"] = login_port
    bound = {name: f"{name}://127.0.0.1:{at}" for name, at in listeners.items()}
    return {
        "process.roles": "broker,controller",
        "node.id": 1,
        "controller.quorum.bootstrap.servers": bound["CONTROLLER"].partition("//")[2],
        "listeners": ",".join(bound.values()),
        "advertised.listeners": ",".join(bound.values()),
        "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SASL_PLAINTEXT:SASL_PLAINTEXT",
        "controller.listener.names": "CONTROLLER",
        "inter.broker.listener.name": "PLAINTEXT",
        "sasl.enabled.mechanisms": MECHANISM,
        "listener.name.sasl_plaintext.scram-sha-256.sasl.jaas.config": (
            "org.apache.kafka.common.security.scram.ScramLoginModule required;"
        ),
        "log.dirs": folder / "logs",
        **ONE_NODE,
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--login", nargs=2, metavar=("PORT", "NAME:PASSWORD"))
    parser.add_argument("settings", nargs="*", metavar="KEY=VALUE")
    asked = parser.parse_intermixed_args()
    login_port = int(asked.login[0]) if asked.login else None
    told = properties(asked.port, asked.folder, login_port)
    told |= dict(setting.split("=", 1) for setting in asked.settings)
    asked.folder.mkdir(parents=True, exist_ok=True)
    file = asked.folder / "server.properties"
    file.write_text("".join(f"{name}={value}\n" for name, value in told.items()))
    java = ["java", *HEAP, "-Xshare:auto", "-cp", f"{jars('pom-server.xml')}/*"]
    if not (asked.folder / "logs" / "meta.properties").exists():
        words = [*java, "kafka.tools.StorageTool", "format", "--standalone", "-t", CLUSTER_ID, "-c", str(file)]
        if asked.login:
            name, _, password = asked.login[1].partition(":")
            words += ["--add-scram", f"{MECHANISM}=[name={name},password={password}]"]
        subprocess.run(words, check=True, stdout=sys.stderr)
    os.execvp("java", [*java, "kafka.Kafka", str(file)])


if __name__ == "__main__":
    main()
