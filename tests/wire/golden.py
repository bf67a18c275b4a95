"""Where the vectors lie that Apache Kafka's own classes wrote. They stand beside the project and are not part of it."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

KAFKA = Path(__file__).parents[3] / "shared" / "kafka"
GOLDEN = KAFKA / "golden"
SCHEMA = KAFKA / "schema"

needs_golden = pytest.mark.skipif(not GOLDEN.exists(), reason="../shared/kafka/golden is not there")
needs_schema = pytest.mark.skipif(not SCHEMA.exists(), reason="../shared/kafka/schema is not there")


def vectors(file: str) -> list[dict[str, Any]]:
    with gzip.open(GOLDEN / file, "rt") as lines:
        return [json.loads(line) for line in lines]


def schema(name: str) -> Any:
    return json.loads((SCHEMA / f"{name}.json").read_text())
