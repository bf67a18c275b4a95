"""The stock clients' own suites through `kbroker proxy`, before an Apache Kafka of three brokers: about six minutes.

    python -m compat_tests.proxy [pytest arguments]

What these suites know of a cluster of one broker is left out, and named below.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from compat_tests.broker import REPOSITORY
from compat_tests.kafka_cluster import three_kafkas
from compat_tests.proxy.running import proxying

SUITES = (
    "every_client",
    "transactions",
    "kafka_python",
    "aiokafka",
    "confluent",
    "administration",
    "java/test_java.py",
)
OF_ONE_BROKER = (
    "kafka_python/test_admin.py::test_the_cluster_has_one_broker_that_is_its_controller",
    "kafka_python/test_admin.py::test_creation_refuses_what_kafka_refuses",
    "kafka_python/test_admin.py::test_the_brokers_own_configs_are_readable",
    "aiokafka/test_idioms.py::test_administration",
    "confluent/test_admin.py::test_metadata_is_whole",
    "confluent/test_admin.py::test_topics_are_created_refused_and_deleted",
    "administration/test_configs_and_more.py::test_librdkafka_changes_a_brokers_config_and_topics_follow",
)


def main() -> int:
    words = [sys.executable, "-m", "pytest", "-q", *(f"compat_tests/{suite}" for suite in SUITES)]
    words += [f"--deselect=compat_tests/{test}" for test in OF_ONE_BROKER]
    with (
        tempfile.TemporaryDirectory() as home,
        three_kafkas(Path(home)) as brokers,
        proxying(brokers[0].bootstrap) as address,
    ):
        return subprocess.run([*words, "--bootstrap", address, *sys.argv[1:]], cwd=REPOSITORY).returncode


if __name__ == "__main__":
    sys.exit(main())
