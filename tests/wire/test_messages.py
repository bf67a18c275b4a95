"""The definitions: complete, honest to the type checker, equal to Kafka's facts, told to the reader."""

import ast
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from wire.compile import least_size
from wire.registry import APIS, message, message_names
from wire.schema import Field, Struct
from wire.versions import Versions

from .golden import needs_schema, schema

FOLDER = Path(__file__).parents[2] / "wire" / "messages"
MODULES = sorted(path for path in FOLDER.glob("*.py") if path.stem != "__init__")
PLAIN = {"bool": "bool", "float64": "float", "string": "str", "uuid": "bytes", "bytes": "bytes"}
BASES = {
    "request": "Request",
    "response": "Response",
    "coordinator-key": "Key",
    "coordinator-value": "Value",
    "data": "Data",
    "metadata": "Data",
    "header": "Data",
}


@needs_schema
@pytest.mark.parametrize("name", message_names())
def test_a_class_body_states_the_facts_of_the_schema(name: str) -> None:
    facts, cls = schema(name), message(name)
    assert cls.__base__.__name__ == BASES[facts["type"]]
    assert str(cls.__versions__) == facts["validVersions"]
    assert str(cls.__flexible__) == facts.get("flexibleVersions", "none")
    assert cls.__api_key__ == facts.get("apiKey")
    common = {struct["name"]: struct["fields"] for struct in facts.get("commonStructs", [])}
    compare(cls, facts.get("fields", []), common)


def compare(cls: type[Struct], facts: list[dict[str, Any]], common: dict[str, Any]) -> None:
    assert len(cls.__fields__) == len(facts)
    for field, fact in zip(cls.__fields__, facts, strict=True):
        name = fact["name"]
        assert field.json_name == name[0].lower() + name[1:]
        assert str(field.versions) == fact["versions"]
        assert field.tag == fact.get("tag")
        assert fact.get("taggedVersions", fact["versions"]) == fact["versions"]
        assert str(field.nullable) == fact.get("nullableVersions", "none")
        assert (field.ignorable, field.map_key, field.entity) == (
            fact.get("ignorable", False), fact.get("mapKey", False), fact.get("entityType", ""),
        )  # fmt: skip
        assert str(field.flexible) == fact.get("flexibleVersions", "0+")
        element = field.element if fact["type"].startswith("[]") else field
        kind = fact["type"].removeprefix("[]")
        assert (field.kind == "array") == fact["type"].startswith("[]")
        assert element.kind == ("struct" if kind[0].isupper() else kind)
        if element.kind == "struct":
            compare(element.struct, fact.get("fields") or common[kind], common)
        assert field.fresh() == default_of(fact, field), name


def default_of(fact: dict[str, Any], field: Field) -> Any:
    given = fact.get("default")
    if given == "null" or (given is None and field.kind == "records" and field.nullable):
        return None
    if field.kind == "array":
        return []
    if field.kind == "struct":
        return field.struct()
    if given is None:
        return {"string": "", "bytes": b"", "records": b"", "uuid": bytes(16), "bool": False}.get(field.kind, 0)
    if field.kind == "bool":
        return str(given).lower() == "true"
    return given if field.kind == "string" else int(str(given), 0)


def all_structs(cls: type[Struct]) -> set[type[Struct]]:
    found = {cls}
    for field in cls.__fields__:
        inner = (field.element or field).struct
        if inner is not None:
            found |= all_structs(inner)
    return found


@pytest.mark.parametrize("name", message_names())
def test_annotations_say_what_a_field_holds(name: str) -> None:
    for cls in all_structs(message(name)):
        for field in cls.__fields__:
            annotation = cls.__annotations__[field.name]
            given = annotation if isinstance(annotation, str) else shown(annotation)
            if field.kind == "records":
                assert "memoryview" in given and ("None" in given) == bool(field.nullable)
            else:
                assert given == expected(field), f"{cls.__name__}.{field.name}"


def shown(annotation: Any) -> str:
    return annotation.__name__ if isinstance(annotation, type) and not hasattr(annotation, "__args__") else re.sub(
        r"\b(?:\w+\.)+(\w+)", r"\1", str(annotation)
    )  # fmt: skip


def expected(field: Field) -> str:
    if field.kind == "array":
        text = f"list[{expected(field.element)}]"
    elif field.kind == "struct":
        text = field.struct.__name__
    else:
        text = PLAIN.get(field.kind, "int")
    return f"{text} | None" if field.nullable or (field.has_default and field.default is None) else text


def test_a_key_of_kafka_is_a_file_with_request_and_response() -> None:
    assert [path.stem for path in MODULES] == sorted(api.name for api in APIS.values())
    for api in APIS.values():
        assert api.request_class().__module__ == api.response_class().__module__ == f"wire.messages.{api.name}"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_a_file_opens_with_its_story(path: Path) -> None:
    api = next(api for api in APIS.values() if api.name == path.stem)
    story = ast.get_docstring(ast.parse(path.read_text()))
    assert story is not None
    first, *rest = story.split("\n")
    assert first.startswith(f"{api.kafka_name} (key {api.key}): "), first
    assert len(first) > len(api.kafka_name) + 20
    for version in re.findall(r"\bv(\d+)", "\n".join(rest)):
        newest = api.max_version if api.unstable_version is None else api.unstable_version
        assert int(version) <= newest, f"the story speaks of v{version}"


def test_every_element_of_an_array_takes_bytes() -> None:
    """The bound of a count rests on it."""
    for name in message_names():
        cls = message(name)
        for version in range(cls.__versions__.low, cls.__versions__.high + 1):
            for struct in all_structs(cls):
                for field in struct.__fields__:
                    if field.kind == "array" and version in field.versions and in_use(cls, struct, version):
                        assert least_size(field.element, version, version in cls.__flexible__) > 0


def in_use(cls: type[Struct], struct: type[Struct], version: int) -> bool:
    """Whether a version of the message has such structs at all."""
    if cls is struct:
        return True
    parts = [(field.element or field).struct for field in cls.__fields__ if version in field.versions]
    return any(in_use(part, struct, version) for part in parts if part is not None)


def test_a_definition_imports_nothing_heavy_and_makes_no_code() -> None:
    code = (
        "import sys, wire.messages.fetch as m; from wire.versions import Versions;"
        "heavy = 'dataclasses', 'inspect', 'uuid', 'json', 'wire.compile', 'wire.jsonform';"
        "print([name for name in heavy if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_version_ranges_are_shared() -> None:
    assert Versions.of("3+") is Versions.of("3+")
