"""Reading a message whose end is missing: only the first bytes of large frames are kept.

The literal reader of `wire.explain` names field by field up to the byte where it breaks off, or where the first records
begin: what lies behind those is not looked at, however many bytes of them there are.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any

from wire.errors import error_name
from wire.explain import DAMAGE, ERROR, PARTIAL, SECTION, explain_message
from wire.primitives import Buffer
from wire.schema import Message

_STEP = re.compile(r"(\w+)|\[(\d+)\]")
_OPAQUE = ("bytes", "records", "varint", "tag", "tag size", "struct mark")


def beginning(cls: type[Message], version: int, body: Buffer) -> tuple[dict[str, Any] | None, list[str]]:
    """The fields in Kafka's JSON form, without bytes and records, and the names of the errors among them; None where
    not even the first can be read."""
    found: dict[str, Any] = {}
    errors = []
    for note in explain_message(cls, version, body):
        if note.type in (ERROR, PARTIAL, DAMAGE) or ".batch[" in note.path:
            break
        if note.type == SECTION or note.type.endswith(_OPAQUE):
            continue
        value = note.value
        if note.type.endswith("array"):
            value = None if value is None else []
        elif note.type == "uuid":
            value = note.meaning
        elif note.type == "int16" and note.path.endswith("error_code") and value:
            errors.append(error_name(value))
        _put(found, note.path, value)
    return found or None, list(dict.fromkeys(errors))


def _put(found: dict[str, Any], path: str, value: Any) -> None:
    """Set what stands at `topics[0].name`; on the way there everything is made."""
    steps = [json_name(name) if name else int(index) for name, index in _STEP.findall(path)]
    here: Any = found
    step: Any
    for step, then in pairwise(steps):
        empty: Any = [] if isinstance(then, int) else {}
        if isinstance(here, list):
            if len(here) == step:
                here.append(empty)
            here = here[step]
        else:
            here = here.setdefault(step, empty)
    if isinstance(here, list):
        here.append(value)
    else:
        here[steps[-1]] = value


def json_name(name: str) -> str:
    """Kafka's name of a field: `topic_data` is topicData."""
    head, *rest = name.split("_")
    return head + "".join(word.capitalize() for word in rest)
