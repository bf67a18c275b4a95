"""The line to a Kafka that is not ours: some of the verbs, in the same words and with the same answers.

They are done by the `kbroker` command in a process of its own, so that nothing of it gets among a test's modules. What
Kafka does not tell is empty in the answers: metadata of commits, subscriptions, where produced records lie.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

from kbroker.control.plain import to_plain
from kbroker.testing.link import ControlError, NotSeen, Stream

LONGEST = 500
CREATED_S = 10.0

_ROOT = str(Path(__file__).resolve().parents[2])
_COMMAND = "import sys; sys.path.append(sys.argv.pop(1)); from kbroker.__main__ import main; main()"


class Outside:
    """A `link.Line`. `refuse` is called with the name of a verb that no Kafka has; it raises."""

    def __init__(self, bootstrap: str, refuse: Callable[[str], object]) -> None:
        self._refuse = refuse
        self.asked: deque[tuple[str, Mapping[str, Any]]] = deque(maxlen=0)
        self._threads = ThreadPoolExecutor(4, "kafka")
        self._bootstrap = bootstrap
        self._verbs: dict[str, Callable[..., Any]] = {
            "topics.create": self._create,
            "topics.get": self._topic,
            "topics.delete": lambda name: self._run("topic", "delete", name, "--yes"),
            "records.produce": self._produce,
            "records.read": self._read,
            "records.wait": self._wait,
            "groups.get": self._group,
            "groups.wait_assigned": self._assigned,
            "groups.wait_empty": self._empty,
            "groups.wait_consumed": self._consumed,
        }

    def ask(self, verb: str, arguments: Mapping[str, Any]) -> tuple[int, Future[Any]]:
        do = self._verbs.get(verb)
        if do is None:
            self._refuse(verb.replace(".", " "))
            raise ControlError("unknown", f"no Kafka has {verb}")
        return 0, self._threads.submit(do, **to_plain(arguments))

    def stream(self, verb: str, arguments: Mapping[str, Any], heard: Callable[[Any], object]) -> Stream:
        self._refuse(verb.replace(".", " "))
        raise ControlError("unknown", f"no Kafka has {verb}")

    def forget(self, number: int) -> None:
        pass

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    # --- topics -------------------------------------------------------------------------------------------------------

    def _create(self, name: str, partitions: int, replication_factor: int, configs: Mapping[str, str]) -> Any:
        words = [f"--config={each}={value}" for each, value in configs.items()]
        words += [f"--replication-factor={replication_factor}"] * (replication_factor > 0)
        self._run("topic", "create", name, f"--partitions={partitions}", *words)
        return until(CREATED_S, lambda: self._topic(name), lambda _: True, f"topic {name} is there")

    def _topic(self, name: str) -> dict[str, Any]:
        (found,) = self._json("topic", "describe", name)
        return {
            "name": name,
            "id": found["id"] or "",
            "internal": False,
            "configs": found["configs"],
            "partitions": [
                {
                    "topic": name,
                    "partition": each["partition"],
                    "leader": each["leader"],
                    "leader_epoch": each["epoch"],
                    "replicas": each["replicas"],
                    "isr": each["in_sync"],
                    "start_offset": each["first_offset"],
                    "high_watermark": each["next_offset"],
                    "last_stable_offset": each["next_offset"],
                    "end_offset": each["next_offset"],
                    "size_bytes": each["bytes"] or 0,
                    "records": each["next_offset"] - each["first_offset"],
                    "producers": 0,
                    "open_transactions": 0,
                }
                for each in found["partitions"]
            ],
        }

    # --- records ------------------------------------------------------------------------------------------------------

    def _produce(self, topic: str, records: list[dict[str, Any]]) -> list[Any]:
        """Where they lie is not told."""
        lines = []
        for record in records:
            line = {"key": record["key"], "value": record["value"]}
            line["headers"] = [[header["name"], header["value"]] for header in record["headers"]]
            line |= {name: record[name] for name in ("partition", "timestamp") if record[name] >= 0}
            lines.append(json.dumps(line))
        self._run("produce", topic, "--json", text="\n".join(lines) + "\n")
        return []

    def _read(self, topic: str, partition: int | None, offset: int, limit: int, read_committed: bool) -> list[Any]:
        where = topic if partition is None else f"{topic}:{partition}"
        level = "read_committed" if read_committed else "read_uncommitted"
        words = ["consume", where, "--json", "--isolation-level", level, "--from", str(offset or "earliest")]
        found = [json.loads(line) for line in self._run(*words, "-n", str(limit)).splitlines()]
        for record in found:
            record["headers"] = [{"name": name, "value": value} for name, value in record["headers"]]
        return sorted(found, key=lambda record: (record["partition"], record["offset"]))

    def _wait(
        self, topic: str, count: int, partition: int | None, offset: int, read_committed: bool, timeout: float
    ) -> list[Any]:
        def look() -> list[Any]:
            return self._read(topic, partition, offset, 1 << 31, read_committed)

        found: list[Any] = until(timeout, look, lambda seen: len(seen) >= count, f"{topic} has {count} records")
        return found

    # --- groups -------------------------------------------------------------------------------------------------------

    def _group(self, group: str) -> dict[str, Any]:
        (found,) = self._json("group", "describe", group)
        members = [
            {
                "id": each["id"],
                "client_id": each["client_id"],
                "host": each["host"],
                "instance_id": each["instance_id"],
                "epoch": each["epoch"] or 0,
                "topics": [],
                "assigned": [_place(place) for place in each["holds"]],
                "revoking": [],
            }
            for each in found["members"]
        ]
        return {
            "id": group,
            "type": found["kind"],
            "state": found["state"],
            "epoch": found["epoch"] or 0,
            "protocol": found["assignor"] or "",
            "coordinator": -1,
            "members": members,
            "offsets": self._offsets(group),
        }

    def _offsets(self, group: str) -> list[dict[str, Any]]:
        return [
            {
                "topic": row["topic"],
                "partition": row["partition"],
                "offset": row["committed"],
                "metadata": "",
                "lag": row["lag"],
            }
            for row in self._json("group", "lag", group)
        ]

    def _assigned(self, group: str, members: int, timeout: float) -> Any:
        def is_done(found: dict[str, Any]) -> bool:
            return found["state"] == "Stable" and len(found["members"]) >= members

        what = f"group {group} is Stable with {members} members or more"
        return until(timeout, lambda: self._group(group), is_done, what)

    def _empty(self, group: str, timeout: float) -> Any:
        return until(timeout, lambda: self._group(group), lambda found: not found["members"], f"group {group} is empty")

    def _consumed(self, group: str, topic: str | None, timeout: float) -> Any:
        def look() -> list[dict[str, Any]]:
            return [each for each in self._offsets(group) if topic in (None, each["topic"])]

        def is_done(found: list[dict[str, Any]]) -> bool:
            return bool(found) and not any(each["lag"] for each in found)

        return until(timeout, look, is_done, f"group {group} has read all")

    # --- the command --------------------------------------------------------------------------------------------------

    def _json(self, *words: str) -> Any:
        return json.loads(self._run(*words, "--json"))

    def _run(self, *words: str, text: str = "") -> str:
        command = [sys.executable, "-P", "-c", _COMMAND, _ROOT, *words, "--to", self._bootstrap]
        done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
        if done.returncode:
            raise ControlError("refused", done.stderr.strip().removeprefix("Error: "))
        return done.stdout


def until(seconds: float, look: Callable[[], Any], is_done: Callable[[Any], bool], what: str) -> Any:
    """Ask until it is so: there is nobody to tell us. Each look is a process, so this is no busy loop."""
    end = time.monotonic() + seconds
    while True:
        try:
            seen = look()
        except ControlError as error:
            seen = error
        else:
            if is_done(seen):
                return seen
        if time.monotonic() > end:
            raise NotSeen("timeout", f"waited {seconds:g} s until {what}; seen: {str(seen)[:LONGEST]}")


def _place(text: str) -> dict[str, Any]:
    """orders-0"""
    topic, _, index = text.rpartition("-")
    return {"topic": topic, "partition": int(index)}
