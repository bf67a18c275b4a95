"""Every message of Apache Kafka 4.4.0, as its own classes write it; and frames of our own, which are always there."""

import json
from pathlib import Path

import pytest

from wire.header import (
    decode_request_header,
    decode_response_header,
    encode_request_header,
    response_head,
    response_header_version,
)
from wire.registry import APIS, message, message_names

from .golden import GOLDEN, needs_golden, vectors

FRAMES = sorted((Path(__file__).parent / "frames").glob("*.txt"))
REMOVED = {"LeaderAndIsr", "StopReplica", "UpdateMetadata", "ControlledShutdown"}
WRITTEN = [name for name in message_names() if name.removesuffix("Request").removesuffix("Response") not in REMOVED]


@needs_golden
@pytest.mark.parametrize("name", WRITTEN)
def test_bytes_and_json_of_kafka_are_ours(name: str) -> None:
    cls = message(name)
    for case in vectors(f"{name}.jsonl.gz"):
        version, data, value = case["v"], bytes.fromhex(case["h"]), case["j"]
        unknown = {tag: bytes.fromhex(content) for tag, content in case.get("ut", [])} or None

        decoded = cls.decode(data, version)
        assert decoded.to_json(version) == value
        assert decoded.unknown_tags == unknown
        assert decoded.encode(version) == data

        made = cls.from_json(value, version)
        made.unknown_tags = unknown
        assert made.encode(version) == data
        assert made == decoded == cls.decode(memoryview(data), version)


@needs_golden
def test_every_message_has_its_vectors() -> None:
    there = {path.name.removesuffix(".jsonl.gz") for path in GOLDEN.glob("[A-Z]*.jsonl.gz")}
    assert there == set(WRITTEN)


@needs_golden
def test_whole_frames_of_every_api_and_version_are_read_and_written() -> None:
    cases = vectors("_frames.jsonl.gz")
    assert len(cases) > 400
    for case in cases:
        frame, version, key = bytes.fromhex(case["h"]), case["v"], case["api"]
        body = memoryview(frame)[4:]
        assert int.from_bytes(frame[:4], "big") == len(body)
        if case["t"] == "request":
            *head, end = decode_request_header(body)
            assert head == [key, version, 4660, "golden"]
            decoded = APIS[key].request_class().decode(body[end:], version)
            assert encode_request_header(key, version, 4660, "golden") + decoded.encode(version) == body
        else:
            assert response_header_version(key, version) == case["hv"]
            correlation_id, end = decode_response_header(body, case["hv"])
            assert correlation_id == 4660
            answer = APIS[key].response_class().decode(body[end:], version)
            assert response_head(4660, case["hv"]) + answer.encode(version) == body


@needs_golden
def test_headers_are_messages_too() -> None:
    for case in vectors("_headers.jsonl.gz"):
        cls = message("RequestHeader" if case["t"].startswith("request") else "ResponseHeader")
        data = bytes.fromhex(case["h"])
        assert cls.decode(data, case["hv"]).to_json(case["hv"]) == case["j"]
        assert cls.from_json(case["j"], case["hv"]).encode(case["hv"]) == data


@pytest.mark.parametrize("path", FRAMES, ids=lambda path: path.stem)
def test_our_own_frames_say_what_they_said(path: Path) -> None:
    title, value, *lines = path.read_text().splitlines()
    name, version = title.split(" v")
    data = bytes.fromhex("".join(lines))
    cls = message(name)
    assert cls.decode(data, int(version)).to_json(int(version)) == json.loads(value)
    assert cls.from_json(json.loads(value), int(version)).encode(int(version)) == data


def test_there_are_frames_of_our_own() -> None:
    assert len(FRAMES) >= 12
