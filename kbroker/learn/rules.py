"""The rule behind a byte: what Kafka's protocol says about the place where it stands.

A field's own rule is made of its definition: its type, the versions that have it, and what the message's story
(the docstring in `wire/messages`) tells of the version that brought it, which names the KIP.
"""

from __future__ import annotations

import inspect
import re
from importlib import import_module

from wire.registry import Api
from wire.schema import Field, Message, Struct

FRAME = "A frame is its size in four bytes, the highest first, and then as many bytes as that says."
HEADER = "A request begins with API key, version, correlation id and client id; the first two say how to read the rest."
TAGS = "Tagged fields stand at the end of a structure, by rising number, each with its size (KIP-482)."
CHECKSUM = "The checksum is CRC-32C (Castagnoli's polynomial) of all that follows it, from the attributes on (KIP-98)."
BATCH = "A batch of magic 2 has 61 bytes of head, then records whose offsets and times count from the head's (KIP-98)."
RECORD = "In a record all numbers are zigzag varints: 3 is 06, -1 is 01, and lengths are no exception (KIP-98)."
END = "A message ends with its last field. Kafka leaves alone what is behind it, and so does not tell of the mistake."
HEAD = {
    "crc": CHECKSUM,
    "base_offset": "Offsets are the broker's to give: a producer writes 0, and hears in the answer what it became.",
    "magic": "2 is the only format that is still written (KIP-98); 0 and 1 were message sets.",
    "attributes": "Bits 0 to 2 are the codec, bit 3 the kind of timestamp, 4 transactional, 5 control (KIP-98).",
    "last_offset_delta": "The batch takes as many offsets as this says and one more: its records, without a hole.",
    "producer_epoch": "Of a producer id the newest epoch alone may write: older ones are fenced (KIP-98).",
    "base_sequence": "Sequence numbers count records: a batch begins with the one behind its producer's last (KIP-98).",
}
"""The fields of a batch's head that somebody may get wrong."""

_ENTRY = re.compile(r"(?:^|\n|\s{2,})v(\d+)\s(.+?)(?=\s{2,}v\d+\s|\nv\d+\s|\n\n|\Z)", re.DOTALL)
_INDEX = re.compile(r"\[\d+\]")


def rule_of(api: Api | None, version: int, path: str, kind: str) -> str:
    """The rule for the field at this path of a request, of which a note of this kind was made."""
    if ".records[" in path:
        return RECORD
    if ".batch[" in path:
        return HEAD.get(path.rpartition(".")[2], BATCH)
    if kind == "tag" or path.rpartition(".")[2] in ("tag", "tags"):
        return f"{TAGS} {flexible(api, version)}".rstrip() if api is not None else TAGS
    if path.startswith("header") or api is None:
        return HEADER
    return " ".join(part for part in (_field_rule(api, version, path), _compact(api, version, kind)) if part)


def flexible(api: Api, version: int) -> str:
    """Which versions of an API have what KIP-482 brought."""
    if api.flexible_from is None:
        return f"{api.kafka_name} has no flexible version."
    return f"{api.kafka_name} is flexible from v{api.flexible_from} on, and this is v{version}."


def header_rule(api: Api, version: int) -> str:
    """Why a header has, or has not, a byte for tagged fields."""
    wanted = 2 if api.is_flexible(version) else 1
    last = "ends with a byte for tagged fields" if wanted == 2 else "ends with the client id"
    return f"{flexible(api, version)} So request header v{wanted} belongs to it, which {last} (KIP-482)."


def _compact(api: Api, version: int, kind: str) -> str:
    if not api.is_flexible(version) or not ("compact" in kind or kind in ("error", "damage")):
        return ""
    return f"{flexible(api, version)} There lengths are varints, one too large, and 0 is null (KIP-482)."


def _field_rule(api: Api, version: int, path: str) -> str:
    found = field_at(api.request_class(), path)
    if found is None:
        return ""
    field, message = found
    low, high = max(field.versions.low, message.__versions__.low), min(field.versions.high, message.__versions__.high)
    span = f"v{low}" if low == high else f"v{low} to v{high}"
    null = " or null" if version in field.nullable else ""
    kind = field.element.kind if field.element is not None else field.kind
    words = f"{field.json_name} of {api.kafka_name} is {_article(field)}{kind}{null}, in {span}."
    brought = history(api).get(low, "") if low > api.min_version else ""
    return f"{words} v{low}: {brought}." if brought else words


def _article(field: Field) -> str:
    return "an array of " if field.kind == "array" else ""


def field_at(message: type[Message], path: str) -> tuple[Field, type[Message]] | None:
    """The field at a path such as topics[0].partitions[1].index, if it is one of the message's own."""
    struct: type[Struct] | None = message
    field = None
    for name in _INDEX.sub("", path).split("."):
        field = next((each for each in struct.__fields__ if each.name == name), None) if struct else None
        if field is None:
            return None
        struct = field.struct or (field.element.struct if field.element is not None else None)
    return None if field is None else (field, message)


def history(api: Api) -> dict[int, str]:
    """What the story of a message says that each version brought."""
    story = inspect.getdoc(import_module(f"wire.messages.{api.name}")) or ""
    return {int(version): " ".join(words.split()) for version, words in _ENTRY.findall(story)}
