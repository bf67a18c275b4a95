"""Scenarios: what is done to a broker, as a file that can be kept and played again.

    - topics.create: {name: orders, partitions: 3}
    - records.produce: {topic: orders, records: [{key: k, value: v}]}
    - faults.install: {match: {api: [Produce]}, when: {times: 2}, effect: {errors: [NOT_LEADER_OR_FOLLOWER]}}
    - clock.advance: {by: 45s}

Each step is a verb of `kbroker/control` with its arguments. The file is YAML where PyYAML is installed; JSON, which is
YAML too, is always understood. A test that fails shows what it did in this form (`steps_of`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from kbroker.control.plain import to_plain

Step = tuple[str, Mapping[str, Any]]

# Verbs that only look, or wait: nothing to do again.
_LOOKING = (
    ".get", ".list", ".wait", ".read", ".mark", ".frames", ".now", ".info", ".state", ".log", ".connections",
    ".disconnects", ".held", ".release", ".wait_assigned", ".wait_consumed", ".wait_empty", ".follow",
)  # fmt: skip


class ScenarioError(ValueError):
    """What is wrong with a scenario, in one sentence."""


def load(path: str | Path) -> list[Step]:
    """The steps of a file."""
    text = Path(path).read_text()
    try:
        found = json.loads(text)
    except ValueError:
        found = _yaml(text, path)
    if not isinstance(found, list):
        raise ScenarioError(f"{path}: a scenario is a list of steps")
    return [_step(each, path) for each in found]


def steps_of(asked: Iterable[Step]) -> list[dict[str, Any]]:
    """What has been asked, without what only looks, as a scenario."""
    return [
        {verb: {name: value for name, value in to_plain(arguments).items() if value is not None}}
        for verb, arguments in asked
        if not verb.endswith(_LOOKING) and not verb.startswith("brokers.")
    ]


def _yaml(text: str, path: str | Path) -> Any:
    try:
        yaml: Any = import_module("yaml")
    except ImportError:
        raise ScenarioError(f"{path} is no JSON; to read YAML, install PyYAML") from None
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ScenarioError(f"{path} is no YAML: {' '.join(str(error).split())}") from None


def _step(step: Any, path: str | Path) -> Step:
    if not isinstance(step, Mapping) or len(step) != 1:
        raise ScenarioError(f"{path}: a step is one verb with its arguments, not {step!r}")
    ((verb, arguments),) = step.items()
    if not isinstance(arguments or {}, Mapping):
        raise ScenarioError(f"{path}: the arguments of {verb} have names")
    return str(verb), dict(arguments or {})
