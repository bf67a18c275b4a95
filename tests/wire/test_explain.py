"""The literal reader: no byte without a note, the same truth as the compiled reader, and words for what is broken."""

import gzip
import json
import random
import struct
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wire.errors import ErrorCode, ProtocolError
from wire.explain import ERROR, PARTIAL, REST, SECTION, Note, explain, explain_message
from wire.explain_guess import CannotTell
from wire.explain_text import lines
from wire.messages.api_versions import ApiVersion, ApiVersionsResponse
from wire.messages.metadata import MetadataRequest, MetadataRequestTopic
from wire.records import Record, build_batch
from wire.registry import message, message_names
from wire.schema import Field, Message, Struct

from .explained import BROKEN, METADATA, by_path, last, of_the_frame

GOLDEN = Path(__file__).parents[3] / "shared" / "kafka" / "golden"

# --- the compiled reader and this one agree


def every_version() -> list[tuple[type[Message], int]]:
    classes = [message(name) for name in message_names()]
    return [(cls, version) for cls in classes for version in range(cls.__versions__.low, cls.__versions__.high + 1)]


VERSIONS = every_version()

LIMITS = {"int8": 7, "int16": 15, "uint16": 16, "int32": 31, "uint32": 32, "int64": 63}


class Dice:
    """Random values for any field, from the schema alone."""

    def __init__(self, seed: str) -> None:
        self.random = random.Random(seed)

    def struct(self, cls: type[Struct], version: int, depth: int = 0) -> Struct:
        fields = [field for field in cls.__fields__ if version in field.versions]
        values = {field.name: self.value(field, version, depth) for field in fields}
        return cls(**values)

    def value(self, field: Field, version: int, depth: int) -> Any:
        dice = self.random
        if version in field.nullable and dice.random() < 0.2:
            return None
        if field.kind in LIMITS:
            top = 2 ** LIMITS[field.kind]
            low = 0 if field.kind.startswith("u") else -top
            return dice.choice([0, 1, low, top - 1, dice.randrange(low, top)])
        if field.kind == "array":
            assert field.element is not None
            count = dice.choice([0, 1, 2, 3] if depth < 3 else [0, 1])
            return [self.value(field.element, version, depth + 1) for _ in range(count)]
        if field.kind == "struct":
            assert field.struct is not None
            return self.struct(field.struct, version, depth + 1)
        if field.kind == "string":
            return "".join(dice.choices("abc-\0é日𝄞", k=dice.choice([0, 1, 5, 130])))
        if field.kind == "bool":
            return dice.random() < 0.5
        if field.kind == "float64":
            return dice.random()
        if field.kind == "uuid":
            return dice.randbytes(16)
        return dice.randbytes(dice.choice([0, 1, 7, 200]))


def flat(value: Struct, version: int, flexible: bool, path: str = "") -> Iterator[tuple[str, Any]]:
    """Paths and values as the notes have them; tagged fields only where they are not the default."""
    prefix = f"{path}." if path else ""
    for field in value.__fields__:
        item = getattr(value, field.name)
        if version in field.versions and not (field.tag is not None and field.is_default(item)):
            yield from flat_value(field, item, version, flexible, prefix + field.name)
    if flexible:
        for tag, raw in (value.unknown_tags or {}).items():
            yield f"{prefix}tag {tag}", raw


def flat_value(field: Field, item: Any, version: int, flexible: bool, path: str) -> Iterator[tuple[str, Any]]:
    if field.kind == "struct":
        if item is not None:
            yield from flat(item, version, flexible, path)
    elif field.kind == "array":
        yield path, None if item is None else len(item)
        assert field.element is not None
        for index, one in enumerate(item or ()):
            yield from flat_value(field.element, one, version, flexible, f"{path}[{index}]")
    elif field.kind in ("bytes", "records"):
        yield path, None if item is None else len(item)
    else:
        yield path, item


def noted(notes: list[Note]) -> dict[str, Any]:
    """The values by path. Of a field that has several notes (a tag, its size, its value) the value is the last."""
    markers = (SECTION, "tag", "tag size", "struct mark")
    found: dict[str, Any] = {}
    for note in notes:
        if note.type not in markers and not (note.type == "bytes" and note.path in found):
            found[note.path] = note.value
    return found


def compare(cls: type[Message], version: int, data: bytes) -> bool:
    """Both readers take the bytes and find the same values, or both refuse them. True if they took them."""
    notes = list(explain_message(cls, version, data))
    assert of_the_frame(notes) == data
    broken = [note for note in notes if note.type in (ERROR, REST)]
    try:
        decoded = cls.decode(data, version)
    except ProtocolError as error:
        assert broken, f"compiled refuses ({error}), literal does not"
        return False
    assert not broken, f"literal refuses ({broken[0].meaning}), compiled does not"
    values = noted(notes)
    for path, value in flat(decoded, version, version in cls.__flexible__):
        same = values[path] == value or (value != value and values[path] != values[path])
        assert same, (path, values[path], value)
    return True


@pytest.mark.parametrize("start", range(0, len(VERSIONS), 60))
def test_both_readers_agree_on_every_message_and_version(start: int) -> None:
    for cls, version in VERSIONS[start : start + 60]:
        for round_ in range(3):
            dice = Dice(f"{cls.__name__} {version} {round_}")
            try:
                data = dice.struct(cls, version).encode(version)  # type: ignore[attr-defined]
            except ProtocolError as error:
                raise AssertionError(f"{cls.__name__} v{version} cannot write its own values: {error}") from error
            assert compare(cls, version, data)


@settings(max_examples=400)
@given(st.sampled_from(VERSIONS), st.integers(0, 2**32), st.data())
def test_both_readers_take_and_refuse_the_same_mutations(
    which: tuple[type[Message], int], seed: int, data: st.DataObject
) -> None:
    cls, version = which
    whole = bytearray(Dice(str(seed)).struct(cls, version).encode(version))  # type: ignore[attr-defined]
    for _ in range(data.draw(st.integers(1, 3))):
        if whole:
            change = data.draw(st.sampled_from(["set", "cut", "insert"]))
            at = data.draw(st.integers(0, len(whole) - 1))
            byte = data.draw(st.sampled_from([0, 1, 2, 127, 128, 255]) | st.integers(0, 255))
            if change == "set":
                whole[at] = byte
            elif change == "cut":
                del whole[at:]
            else:
                whole.insert(at, byte)
    compare(cls, version, bytes(whole))


@settings(max_examples=200)
@given(st.sampled_from(VERSIONS), st.binary(max_size=60))
def test_both_readers_take_and_refuse_the_same_arbitrary_bytes(which: tuple[type[Message], int], noise: bytes) -> None:
    compare(*which, noise)


CLAIMS = [b"\x7f\xff\xff\xff" * 12, b"\xff\xff\xff\xff\x07" * 10, b"\x00\x0f\xff\xff" * 12, b"\x20" * 60]


@pytest.mark.parametrize("claim", CLAIMS)
def test_no_reader_allocates_what_the_bytes_merely_claim(claim: bytes) -> None:
    readers: list[Callable[[type[Message], int], object]] = [
        lambda cls, version: cls.decode(claim, version),
        lambda cls, version: cls.decode(memoryview(claim), version),
        lambda cls, version: sum([len(note.raw) for note in explain_message(cls, version, claim)]),
    ]
    for read in readers:
        for cls, version in VERSIONS:
            try_reading(read, cls, version)  # compiles what is compiled at first use
        tracemalloc.start()
        try:
            for cls, version in VERSIONS:
                tracemalloc.reset_peak()
                try_reading(read, cls, version)
                assert tracemalloc.get_traced_memory()[1] < 200_000, (cls, version)
        finally:
            tracemalloc.stop()


def try_reading(read: Callable[[type[Message], int], object], cls: type[Message], version: int) -> None:
    try:
        read(cls, version)
    except ProtocolError as error:
        assert str(error)


@settings(max_examples=200)
@given(st.binary(min_size=1, max_size=120))
def test_arbitrary_bytes_are_explained_or_not_understood_but_nothing_else(noise: bytes) -> None:
    for options in ({}, {"api": 1, "version": 4, "response": True}, {"api": "records"}, {"api": 0, "version": 9}):
        try:
            notes = list(explain(noise, **options))  # type: ignore[arg-type]
        except CannotTell:
            continue
        assert noise.startswith(of_the_frame(notes))


# --- frames


def golden_frames() -> list[dict[str, Any]]:
    path = GOLDEN / "_frames.jsonl.gz"
    if not path.exists():
        return []
    with gzip.open(path, "rt") as file:
        return [json.loads(line) for line in file]


@pytest.mark.skipif(not golden_frames(), reason="needs the golden vectors in ../shared/kafka/golden")
def test_every_frame_of_kafka_is_explained_to_its_last_byte() -> None:
    for case in golden_frames():
        data = bytes.fromhex(case["h"])
        told = {} if case["t"] == "request" else {"api": case["api"], "version": case["v"], "response": True}
        notes = list(explain(data, **told))
        assert of_the_frame(notes) == data
        assert not [note for note in notes if note.type in BROKEN]
        assert by_path(notes, "header.correlation_id").value == 4660
        sections = [note.meaning for note in notes if note.type == SECTION]
        assert f"{case['name']}{case['t'].capitalize()} v{case['v']}" in sections


def test_a_request_says_itself_what_it_is() -> None:
    notes = list(explain(METADATA))
    assert [(note.offset, note.path, note.type, note.value, note.meaning) for note in notes] == [
        (0, "size", "int32", 23, "23 bytes follow"),
        (4, "header", SECTION, None, "request header v1"),
        (4, "header.request_api_key", "int16", 3, "Metadata"),
        (6, "header.request_api_version", "int16", 4, ""),
        (8, "header.correlation_id", "int32", 7, ""),
        (12, "header.client_id", "nullable string", "me", ""),
        (16, "", SECTION, None, "MetadataRequest v4"),
        (16, "topics", "array", 1, "1 element"),
        (20, "topics[0].name", "string", "test", ""),
        (26, "allow_auto_topic_creation", "bool", True, ""),
    ]


def test_a_request_is_recognised_without_its_size_too() -> None:
    assert by_path(list(explain(METADATA[4:])), "topics[0].name").offset == 16


def test_frames_that_follow_one_another_are_all_explained() -> None:
    notes = list(explain(METADATA * 3))
    assert of_the_frame(notes) == METADATA * 3
    assert [note.meaning for note in notes if note.type == SECTION and note.meaning.startswith("frame")] == [
        "frame 2",
        "frame 3",
    ]


def test_a_body_alone_is_explained_when_api_and_version_are_told() -> None:
    body = MetadataRequest(topics=[MetadataRequestTopic(name="test")]).encode(4)
    notes = list(explain(body, api="metadata", version=4))
    assert by_path(notes, "topics[0].name").offset == 4


@pytest.mark.parametrize("shape", ["frame", "header", "body"])
def test_a_response_is_recognised_in_any_shape(shape: str) -> None:
    body = ApiVersionsResponse(error_code=0, api_keys=[ApiVersion(api_key=18, min_version=0, max_version=4)]).encode(3)
    head = struct.pack(">i", 99)
    data = {"frame": struct.pack(">i", 4 + len(body)) + head + body, "header": head + body, "body": body}[shape]
    notes = list(explain(data, api=18, version=3, response=True))
    assert not [note for note in notes if note.type in BROKEN]
    assert by_path(notes, "api_keys[0].api_key").meaning == "ApiVersions"


def test_an_api_versions_answer_to_an_unknown_version_is_read_as_version_0() -> None:
    code = ErrorCode.UNSUPPORTED_VERSION
    keys = [ApiVersion(api_key=18, min_version=0, max_version=4)]
    body = ApiVersionsResponse(error_code=code, api_keys=keys).encode(0)
    data = struct.pack(">ii", 4 + len(body), 1) + body
    notes = list(explain(data, api=18, version=4, response=True))
    assert "ApiVersionsResponse v0" in [note.meaning for note in notes]
    assert by_path(notes, "error_code").meaning.startswith("UNSUPPORTED_VERSION: ")


def test_a_message_is_explained_by_its_name() -> None:
    notes = list(explain(b"\0\0\0\x0d", api="EndTxnMarker"))
    assert by_path(notes, "coordinator_epoch").value == 13


@pytest.mark.parametrize(
    ("data", "told", "sentence"),
    [
        (b"", {}, "there are no bytes"),
        (b"\xff" * 20, {}, "no request and no record batch: tell their API and version"),
        (b"\0\0", {"api": 3, "response": True}, "a response does not say what it answers"),
        (b"\0\0", {"api": 999}, "no API key 999"),
        (b"\0\0", {"api": "Nothing"}, "neither an API nor a message called 'Nothing'"),
        (b"\0\0", {"api": "OffsetCommitValue"}, "tell which one"),
        (b"\0\0", {"api": "OffsetCommitValue", "version": 99}, "not 99"),
    ],
)
def test_what_cannot_be_told_is_said_in_one_sentence(data: bytes, told: dict[str, Any], sentence: str) -> None:
    with pytest.raises(CannotTell, match=sentence):
        explain(data, **told)


# --- broken frames


def test_a_frame_that_is_cut_off_is_explained_up_to_its_end() -> None:
    for cut in range(14, len(METADATA)):
        notes = list(explain(METADATA[:cut]))
        assert of_the_frame(notes) == METADATA[:cut]
        assert notes[-1].type == ERROR
        assert notes[0].meaning == f"23 bytes should follow, {27 - cut} of them are missing"


def test_the_last_note_says_what_was_expected_at_the_wrong_byte() -> None:
    broken = METADATA[:20] + struct.pack(">h", 500) + METADATA[22:]
    note = last(explain(broken))
    assert (note.type, note.offset, note.path) == (ERROR, 20, "topics[0].name")
    assert note.meaning == "expected a string of 500, but 5 bytes are left"
    assert note.raw == broken[20:]


def test_text_that_is_not_utf8_is_wrong_at_its_first_bad_byte() -> None:
    broken = METADATA.replace(b"test", b"te\xffx")
    *_, begun, note = explain(broken)
    assert (begun.type, begun.offset, begun.raw) == (PARTIAL, 20, b"\0\x04te")
    assert (note.offset, note.meaning) == (24, "expected UTF-8 (invalid start byte)")


def test_null_where_none_may_be_is_wrong() -> None:
    note = last(explain(METADATA[:20] + b"\xff\xff" + METADATA[26:]))
    assert note.meaning == "expected a string: null is not allowed here"


def test_an_unknown_version_has_an_explained_header() -> None:
    *_, before, note = explain(METADATA[:6] + b"\0\x2a" + METADATA[8:])
    assert before.path == "header.client_id" or before.path.startswith("header.tag")
    assert note.type == ERROR


def test_bytes_after_a_request_are_ignored_and_after_a_response_are_wrong() -> None:
    longer = struct.pack(">i", len(METADATA)) + METADATA[4:] + b"more"
    note = last(explain(longer))
    assert (note.type, note.raw) == (REST, b"more")
    body = ApiVersionsResponse(api_keys=[]).encode(0) + b"more"
    note = last(explain(struct.pack(">ii", len(body) + 4, 1) + body, api=18, version=0, response=True))
    assert (note.type, note.raw, note.meaning) == (
        ERROR,
        b"more",
        "expected the end of the message, 4 bytes are left over",
    )


# --- lines


def test_lines_stand_in_columns_and_show_every_byte() -> None:
    text = list(lines(explain(METADATA)))
    assert text[0].startswith("     0  00 00 00 17  ")
    assert text[0].endswith("23  23 bytes follow")
    assert len({line.find(word) for line in text for word in ("int32 ", "int16 ") if word in line}) == 1
    assert text[1] == "-- header: request header v1"
    assert text[2].split() == ["4", "00", "03", "header.request_api_key", "int16", "3", "Metadata"]
    assert "\x1b" not in "".join(text)


def test_colours_are_there_when_asked_for() -> None:
    assert "\x1b[" in next(lines(explain(METADATA), colour=True))


def test_long_values_go_on_over_lines_and_can_be_shortened() -> None:
    batch = bytes(build_batch([Record(b"k", bytes(range(64)), timestamp=1)]))
    everything = list(lines(explain(batch)))
    assert any(line.split() == ["78", *[f"{n:02x}" for n in range(8, 16)]] for line in everything)
    shortened = list(lines(explain(batch), longest=16))
    assert any("... and 48 more bytes" in line for line in shortened)


def test_nothing_from_the_bytes_can_steer_a_terminal() -> None:
    body = MetadataRequest(topics=[MetadataRequestTopic(name="\x1b[2J\r\n")]).encode(4)
    text = "".join(lines(explain_message(MetadataRequest, 4, body)))
    assert "\x1b" not in text
    assert "\r" not in text
