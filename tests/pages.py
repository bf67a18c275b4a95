"""The pages of docs/protocol/: one for each API, made of the message definitions and of nothing else.

    python -m tests.pages            write them anew

A page has the API's story, its errors with their causes, which clients use which version, the layout of request and
response, the versions side by side, and a frame of the newest one with every byte named. `tests/test_pages.py` fails
when one is stale. What clients do was measured: `compat_tests/versions.json`, by `python -m compat_tests.versions`.
"""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from wire.errors import ErrorCode
from wire.explain import explain
from wire.explain_text import lines
from wire.header import encode_request_header, response_head, response_header_version
from wire.primitives import ZERO_UUID
from wire.records import Record, build_batch
from wire.registry import APIS, Api
from wire.schema import Field, Message, Struct
from wire.versions import Versions

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "docs" / "protocol"
HANDLERS = ROOT / "kbroker" / "handlers"
MEASURED = ROOT / "compat_tests" / "versions.json"
SOURCE = "../.."

SAMPLES: dict[str, Any] = {
    "topicName": "orders",
    "groupId": "readers",
    "transactionalId": "payments",
    "brokerId": 1,
    "producerId": 4000,
}
INTEGERS = ("int8", "int16", "uint16", "int32", "uint32", "int64")
INDENT = "&nbsp;" * 4
AT_MS = 1_700_000_000_000


def pages() -> dict[str, str]:
    """The text of each file in the folder."""
    live = [api for _, api in sorted(APIS.items()) if api.max_version >= api.min_version and api.max_version >= 0]
    found = {f"{api.name}.md": page(api) for api in live}
    found["index.md"] = index(live)
    return found


def index(apis: list[Api]) -> str:
    rows = "\n".join(
        f"| {api.key} | [{api.kafka_name}]({api.name}.md) | {_range(api)} | "
        f"{'yes' if is_served(api) else ''} | {first_sentence(api)} |"
        for api in apis
    )
    return (
        "# The protocol, page by page\n\n"
        "Every API of Apache Kafka 4.4: what it is for, how its messages lie on the wire in each version, and a frame\n"
        "with every byte named. The pages are made of the message definitions in `wire/messages/`, which the broker\n"
        "itself reads and writes with.\n\n"
        "| key | API | versions | served | |\n|---|---|---|---|---|\n" + rows + "\n"
    )


def page(api: Api) -> str:
    request, response = api.request_class(), api.response_class()
    parts = [
        f"# {api.kafka_name} (key {api.key})",
        story(api),
        f"Versions {_range(api)}"
        + (f", flexible from {api.flexible_from} on." if api.flexible_from is not None else "."),
        f"Definition: {linked(f'wire/messages/{api.name}.py')}. "
        + (
            f"Answered by {linked(f'kbroker/handlers/{api.name}.py')}."
            if is_served(api)
            else "kbroker does not serve it."
        ),
        "## Errors",
        *errors(api),
        "## Who uses which version",
        clients(api),
    ]
    for title, message in (("Request", request), ("Response", response)):
        parts += [f"## {title}", layout(message), *_side_by_side(message, api), *_changes(message, api)]
    parts += [
        f"## A request, v{api.max_version}",
        fenced(example_request(api)),
        f"## Its response, v{api.max_version}",
        fenced(example_response(api)),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def is_served(api: Api) -> bool:
    return (HANDLERS / f"{api.name}.py").exists()


def story(api: Api) -> str:
    """The definition's own words, without the line that is the title; what stands in columns stays in columns."""
    words = inspect.getdoc(import_module(f"wire.messages.{api.name}")) or ""
    first, _, rest = words.partition("\n")
    told = first.partition(": ")[2]
    blocks = []
    for block in rest.strip().split("\n\n"):
        if block.startswith("Errors"):
            continue  # they have a table
        in_columns = any("   " in line.strip() or line.startswith("v") for line in block.splitlines())
        blocks.append(fenced(block) if in_columns and block else block)
    return "\n\n".join([told[:1].upper() + told[1:], *blocks]).strip()


def first_sentence(api: Api) -> str:
    words = inspect.getdoc(import_module(f"wire.messages.{api.name}")) or ""
    told = words.partition("\n")[0].partition(": ")[2]
    return told[:1].upper() + told[1:]


def linked(path: str) -> str:
    """A file of the repository, from the folder of the pages."""
    return f"[`{path}`]({SOURCE}/{path})"


# --- errors and clients -----------------------------------------------------------------------------------------------

_ERROR = re.compile(r"\b([A-Z][A-Z_]{3,})\b(?:\s+\(([^)]*)\))?")
_MORE = re.compile(r"\b([A-Z_]+) \(and (_[A-Z_]+)\)")


def errors(api: Api) -> list[str]:
    """The definition's own words on where which error stands, and each with its number and its cause."""
    words = inspect.getdoc(import_module(f"wire.messages.{api.name}")) or ""
    told = next((block for block in words.split("\n\n") if block.startswith("Errors")), "")
    named = _MORE.sub(lambda found: f"{found[1]}, {found[1]}{found[2]}", " ".join(told.split()))
    rows = []
    for name, here in dict(_ERROR.findall(named)).items():
        if name in ErrorCode.__members__:
            code = ErrorCode[name]
            said = f"{code.message} Here: {here}." if here else code.message
            rows.append(f"| {name} | {code.value} | {said} | {'yes' if code.retriable else ''} |")
    if not rows:
        return ["Its definition names none."]
    return [told, "| error | code | cause | worth another try |\n|---|---|---|---|\n" + "\n".join(rows)]


@cache
def measured() -> dict[str, Any]:
    """By client: its release, and the versions of each API that it asked with."""
    found: dict[str, Any] = json.loads(MEASURED.read_text())
    return found


def clients(api: Api) -> str:
    rows = [
        f"| {name} | {told['release']} | {', '.join(map(str, told['versions'][api.kafka_name]))} |"
        for name, told in measured().items()
        if api.kafka_name in told["versions"]
    ]
    if not rows:
        return "None of the clients that were measured sends it in its suite."
    head = "Measured with their own suites in `compat_tests`, against a broker of Kafka 4.4:\n\n"
    return head + "| client | release | versions |\n|---|---|---|\n" + "\n".join(rows)


def fenced(text: str) -> str:
    return f"```text\n{text}\n```"


def _range(api: Api) -> str:
    return str(api.min_version) if api.min_version == api.max_version else f"{api.min_version} to {api.max_version}"


# --- layout ---------------------------------------------------------------------------------------------------------


def layout(message: type[Message]) -> str:
    """Every field in wire order, those of structs below their array."""
    rows = [
        f"| {INDENT * depth}{field.json_name} | {type_of(field)} | {_spans(field, message)} | {_note(field, message)} |"
        for depth, field in walk(message)
    ]
    if not rows:
        return "No fields."
    return "| field | type | versions | |\n|---|---|---|---|\n" + "\n".join(rows)


def walk(struct: type[Struct], depth: int = 0) -> Iterator[tuple[int, Field]]:
    for field in struct.__fields__:
        yield depth, field
        inner = field.struct or (field.element.struct if field.element is not None else None)
        if inner is not None:
            yield from walk(inner, depth + 1)


def type_of(field: Field) -> str:
    if field.kind == "array" and field.element is not None:
        element = field.element.struct
        return f"[{element.__name__}]" if element is not None else f"[{field.element.kind}]"
    return field.struct.__name__ if field.struct is not None else field.kind


def _spans(field: Field, message: type[Message]) -> str:
    span = _common(field.versions, message.__versions__)
    text = "all" if span == _ends(message.__versions__) else _words(span)
    return text if field.tag is None else f"{text}, tag {field.tag}"


def _ends(versions: Versions) -> tuple[int, int]:
    return versions.low, versions.high


def _common(*ranges: Versions) -> tuple[int, int]:
    """What several ranges have in common: lowest and highest, the latter below the former where there is nothing."""
    return max(one.low for one in ranges), min(one.high for one in ranges)


def _words(span: tuple[int, int]) -> str:
    return str(span[0]) if span[0] == span[1] else f"{span[0]}-{span[1]}"


def _note(field: Field, message: type[Message]) -> str:
    notes = []
    nullable = _common(field.nullable, field.versions, message.__versions__)
    if field.nullable and nullable[0] <= nullable[1]:
        always = nullable == _common(field.versions, message.__versions__)
        notes.append("nullable" if always else f"nullable {_words(nullable)}")
    if field.has_default and field.kind not in ("array", "struct") and field.default is not ...:
        notes.append(f"default {_shown(field.default)}")
    if field.entity:
        notes.append(f"a {field.entity}")
    return ", ".join(notes)


def _shown(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if value != "" else '""'


def _side_by_side(message: type[Message], api: Api) -> list[str]:
    """A column for each version and a row for each field that not all versions have alike."""
    versions = range(api.min_version, api.max_version + 1)
    rows = []
    for depth, field in walk(message):
        cells = [_cell(field, version) for version in versions]
        if len(set(cells)) > 1 or field.tag is not None:
            rows.append(f"| {INDENT * depth}{field.json_name} | {' | '.join(cells)} |")
    if not rows:
        return []
    head = f"| version | {' | '.join(map(str, versions))} |\n|---|{'---|' * len(versions)}\n"
    flexible = ["flexible" if api.is_flexible(version) else "" for version in versions]
    words = "The versions side by side: `x` it is there, `n` it may be null, `t0` it is tagged field 0."
    marks = f"| *flexible* | {' | '.join('x' if one else '' for one in flexible)} |\n" if len(set(flexible)) > 1 else ""
    return [words + "\n\n" + head + marks + "\n".join(rows)]


def _cell(field: Field, version: int) -> str:
    if version not in field.versions:
        return ""
    if field.tag is not None:
        return f"t{field.tag}"
    return "n" if version in field.nullable else "x"


def _changes(message: type[Message], api: Api) -> list[str]:
    """What each version has that the one before had not, and the other way round."""
    rows = []
    for version in range(api.min_version + 1, api.max_version + 1):
        before, now = _fields(message, version - 1), _fields(message, version)
        added, removed = sorted(now.keys() - before.keys()), sorted(before.keys() - now.keys())
        words = [f"adds {', '.join(name + now[name] for name in added)}"] if added else []
        words += [f"drops {', '.join(removed)}"] if removed else []
        words += ["is flexible"] if version == api.flexible_from else []
        if words:
            rows.append(f"| {version} | {'; '.join(words)} |")
    return ["| version | |\n|---|---|\n" + "\n".join(rows)] if rows else []


def _fields(message: type[Message], version: int) -> dict[str, str]:
    """The names of a version's fields, and of tagged ones the tag in brackets."""
    return {
        field.json_name: "" if field.tag is None else f" (tag {field.tag})"
        for _, field in walk(message)
        if version in field.versions
    }


# --- an example -----------------------------------------------------------------------------------------------------


def example_request(api: Api) -> str:
    version = api.max_version
    body = sample(api.request_class(), version).encode(version)
    frame = encode_request_header(api.key, version, 7, "app") + body
    return annotated(len(frame).to_bytes(4, "big") + frame)


def example_response(api: Api) -> str:
    version = api.max_version
    body = sample(api.response_class(), version).encode(version)
    frame = bytes(response_head(7, response_header_version(api.key, version))) + body
    return annotated(len(frame).to_bytes(4, "big") + frame, api=api.key, version=version, response=True)


def annotated(frame: bytes, **known: Any) -> str:
    return "\n".join(line.rstrip() for line in lines(explain(frame, **known), longest=64))


def sample(struct: type[Struct], version: int) -> Any:
    """An object with something in every field that this version has: one element in each array, and likely values."""
    made = struct()
    for field in struct.__fields__:
        if version in field.versions and field.tag is None:
            setattr(made, field.name, _value(field, version))
    return made


def _value(field: Field, version: int) -> Any:
    if field.kind == "array" and field.element is not None:
        return [_value(field.element, version)]
    if field.struct is not None:
        return sample(field.struct, version)
    if field.name.endswith("error_code") or field.name == "throttle_time_ms":
        return 0
    if field.name.endswith("error_message"):
        return None if version in field.nullable else ""
    if field.entity in SAMPLES:
        return SAMPLES[field.entity]
    if field.kind in INTEGERS:
        return field.default if field.has_default and field.default else 1
    if field.kind == "records":
        return bytes(build_batch([Record(b"k", b"v")], timestamp=AT_MS))
    return {"bool": False, "float64": 1.0, "string": field.json_name or "a", "bytes": b"\x01", "uuid": ZERO_UUID}[
        field.kind
    ]


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    wanted = pages()
    for path in FOLDER.glob("*.md"):
        if path.name not in wanted:
            path.unlink()
    for name, text in wanted.items():
        (FOLDER / name).write_text(text)


if __name__ == "__main__":
    main()
