"""Names for what must differ from broker to broker and from run to run, so that all the rest can be compared exactly.

In a request `$name` stands for a value: bound by `let` or `topic`, or fresh: `$uuid...` is a new uuid, `$time` a moment
shortly before this run (with `+5` or `-5`: milliseconds; it is the time of records, too), every other one its own name
with an ending that no other run has. `$pid+1` is one more than `$pid`.

In an answer a bound value appears under its name. What else must differ gets a label by its kind and by the order in
which it first appeared, so that the same one is recognised again: `<producer id 1>`. There are few kinds; the table
below is all of them.
"""

from __future__ import annotations

import re
import secrets
import uuid
from base64 import urlsafe_b64encode
from typing import Any

from compat_tests.differential import records
from wire.schema import Field, Struct

# field of an answer -> what its values are called; the values in NOT_NAMED stay as they are
KINDS = {
    "producerId": "producer id",
    "port": "port",
    "totalBytes": "bytes",
    "usableBytes": "bytes",
    "finalizedFeaturesEpoch": "features epoch",
    "clusterId": "cluster id",
    "topicId": "topic id",
    "memberId": "member",
    "leader": "member",
    "sessionId": "session",
    "shareSessionId": "session",
    "directoryId": "directory id",
    "replicaDirectoryId": "directory id",
    "clientHost": "host",
    "logDir": "log dir",
}
# the same for a field of one kind of structure only: the log of the cluster's metadata is not a topic's
KINDS_IN = {
    ("ResponsePartitionData", "highWatermark"): "end of the metadata",
    ("ReplicaState", "logEndOffset"): "end of the metadata",
    ("ResponsePartitionData", "leaderEpoch"): "epoch of the metadata",
}
TIMES = {
    "logAppendTimeMs", "timestamp", "lastTimestamp", "transactionStartTimeMs", "lastFetchTimestamp",
    "lastCaughtUpTimestamp",
}  # fmt: skip
NOT_NAMED = (-1, 0, "", None, "AAAAAAAAAAAAAAAAAAAAAA")
WORDS = {"errorMessage", "assignmentErrorMessage", "statusDetail", "batchIndexErrorMessage"}
# Kafka keeps these in hash maps and answers in their order: (field of the array) -> sorted by
UNORDERED = {
    "partitions": ("partitionIndex", "partition"),
    "topics": ("name", "topic", "topicName"),
    "members": ("memberId",),
    "groups": ("groupId",),
    "transactionStates": ("transactionalId",),
    "topicPartitions": ("topicName", "topic"),
    "configs": ("name",),
    "supportedFeatures": ("name",),
    "finalizedFeatures": ("name",),
    "configResources": ("resourceType", "resourceName"),
    "abortedTransactions": ("firstOffset",),
    "responses": ("name", "topic", "topicName"),
    "partitionResponses": ("index",),
    "results": ("groupId",),
    "resultsByTopicV3AndBelow": ("name",),
    "topicResults": ("name",),
    "entries": ("entity",),
}

_NAME = re.compile(r"\$[a-z]\w*(?:\.id)?")
_TIME = re.compile(r"\$time([+-]\d+)?")
_EXACT_MS = 60_000
_NEAR_MS = 3_600_000


class Names:
    """What is called how in one run of one scenario."""

    def __init__(self, time_ms: int) -> None:
        """time_ms: what `$time` is. Some minutes ago, so that a time that a broker chose is never taken for it."""
        self.time_ms = time_ms
        self.ending = secrets.token_hex(3)
        self.bound: dict[str, Any] = {}
        self.labels: dict[str, list[Any]] = {}

    # --- requests

    def bind(self, name: str, value: Any) -> None:
        self.bound[name] = value

    def value(self, name: str) -> Any:
        if name not in self.bound:
            fresh = _uuid_text() if name.startswith("$uuid") else f"{name[1:]}-{self.ending}"
            self.bound[name] = fresh
        return self.bound[name]

    def fill(self, tree: Any) -> Any:
        """A request's tree with values for names."""
        if isinstance(tree, dict):
            return {self._inside(name): self.fill(item) for name, item in tree.items()}
        if isinstance(tree, list):
            return [self.fill(item) for item in tree]
        if not isinstance(tree, str) or "$" not in tree:
            return tree
        if found := _TIME.fullmatch(tree):
            return self.time_ms + int(found[1] or 0)
        if found := re.fullmatch(r"(\$[a-z]\w*)([+-]\d+)", tree):
            return self.value(found[1]) + int(found[2])
        return self.value(tree) if _NAME.fullmatch(tree) else self._inside(tree)

    def _inside(self, text: str) -> str:
        return _NAME.sub(lambda found: str(self.value(found[0])), text)

    # --- answers

    def call(self, field: str, value: Any) -> Any:
        """What a value of this field is called."""
        for name, bound in self.bound.items():
            if value == bound and type(value) is type(bound) and (isinstance(value, str) or field in KINDS):
                return name
        if isinstance(value, str):
            for name, bound in self.bound.items():
                if isinstance(bound, str) and len(bound) > 7:
                    value = value.replace(bound, name)
        if field in KINDS and value not in NOT_NAMED and not (isinstance(value, str) and "$" in value):
            return self._label(KINDS[field], value)
        if field in TIMES and isinstance(value, int) and value not in NOT_NAMED:
            return self._time(value)
        if field in WORDS and value:
            return "<words>"
        return value

    def _label(self, kind: str, value: Any) -> str:
        seen = self.labels.setdefault(kind, [])
        if value not in seen:
            seen.append(value)
        return f"<{kind} {seen.index(value) + 1}>"

    def _time(self, value: int) -> Any:
        away = value - self.time_ms
        if abs(away) < _EXACT_MS:
            return f"$time{away:+d}" if away else "$time"
        return "<now>" if abs(away) < _NEAR_MS else value

    def show(self, tree: Any, message: type[Struct]) -> Any:
        """An answer's tree (Kafka's JSON form of `message`) with names for values."""
        by_name = {field.json_name: field for field in message.__fields__}
        return {
            name: self._label(KINDS_IN[key], item)
            if (key := (message.__name__, name)) in KINDS_IN
            else self._show_field(by_name[name], item)
            for name, item in tree.items()
        }

    def _show_field(self, field: Field, value: Any) -> Any:
        name = field.json_name
        if value is None:
            return None
        if field.kind == "struct":
            return self.show(value, field.struct)  # type: ignore[arg-type]
        if field.kind == "records":
            return records.decode_records(value, self.call)
        if field.kind == "bytes":
            return self._named_blob(records.decode_blob_text(value))
        if field.kind == "array":
            assert field.element is not None
            if field.element.struct is not None:
                return [self.show(item, field.element.struct) for item in self._sorted(name, value)]
            return [self._show_field(field.element, item) for item in value]
        return self.call(name, value)

    def _named_blob(self, blob: Any) -> Any:
        if isinstance(blob, dict):
            return {name: self._named_blob(item) for name, item in blob.items()}
        if isinstance(blob, list):
            return [self._named_blob(item) for item in blob]
        return self.call("", blob)

    def _sorted(self, name: str, items: list[Any]) -> list[Any]:
        keys = [key for key in UNORDERED.get(name, ()) if items and key in items[0]]
        if not keys:
            return items
        return sorted(items, key=lambda item: [str(self._sort_key(item[key])) for key in keys])

    def _sort_key(self, value: Any) -> Any:
        """Bound values are sorted by their names, so that the order is that of every run; numbers by value."""
        if isinstance(value, int):
            return f"{value:020d}"
        if isinstance(value, list):
            return [list(item.items()) if isinstance(item, dict) else item for item in value]
        return self.call("", value)


def _uuid_text() -> str:
    while (text := urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")).startswith("-"):
        pass
    return text
