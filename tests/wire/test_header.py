"""What stands before a body."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from wire.errors import MalformedMessage, ProtocolError
from wire.header import (
    RequestHeader,
    decode_request_header,
    decode_response_header,
    encode_request_header,
    request_header_version,
    response_head,
    response_header_version,
)
from wire.registry import APIS

from .golden import needs_schema, schema

PRODUCE, API_VERSIONS, SASL_HANDSHAKE = 0, 18, 17


@needs_schema
def test_header_versions_are_those_of_kafka() -> None:
    for row in schema("coverage")["apis"]:
        for version, request, response in row["headerVersions"]:
            assert request_header_version(row["key"], version) == request, row["name"]
            assert response_header_version(row["key"], version) == response, row["name"]


def test_the_answer_to_api_versions_never_has_tags() -> None:
    assert [response_header_version(API_VERSIONS, version) for version in range(6)] == [0] * 6
    assert request_header_version(API_VERSIONS, 3) == 2


@pytest.mark.parametrize(("version", "size"), [(8, 17), (9, 18)])
def test_a_flexible_version_has_tags_behind_the_client_id(version: int, size: int) -> None:
    header = encode_request_header(PRODUCE, version, 77, "rdkafka")
    assert len(header) == size
    assert decode_request_header(header + b"body") == (PRODUCE, version, 77, "rdkafka", size)


def test_a_client_may_have_no_name() -> None:
    header = encode_request_header(SASL_HANDSHAKE, 1, 1, None)
    assert decode_request_header(header) == (SASL_HANDSHAKE, 1, 1, None, 10)
    assert decode_request_header(encode_request_header(SASL_HANDSHAKE, 1, 1, ""))[3] == ""


def test_tags_that_we_do_not_know_are_skipped() -> None:
    header = RequestHeader(request_api_key=0, request_api_version=9, correlation_id=5, client_id="c")
    header.unknown_tags = {0: b"zero", 300: b"x" * 200}
    data = header.encode(2)
    assert decode_request_header(data + b"body") == (0, 9, 5, "c", len(data))


@pytest.mark.parametrize(("key", "version"), [(9999, 3), (-1, -1), (API_VERSIONS, 99), (4, 0)])
def test_an_unknown_key_or_version_still_tells_who_asks(key: int, version: int) -> None:
    data = key.to_bytes(2, "big", signed=True) + version.to_bytes(2, "big", signed=True) + b"\0\0\0\x07\0\x02me\0"
    assert decode_request_header(data)[:4] == (key, version, 7, "me")


@pytest.mark.parametrize(
    "data",
    [
        "",
        "0012",
        "0012000300000007",
        "00120003000000070005",
        "001200030000000700056d65",
        "0012000300000007fffe",
        "00120003000000070002c328",
        "001200030000000700026d65",
        "001200030000000700026d6501",
        "001200030000000700026d65010509ff",
        "001200030000000700026d6502050005",
        "001200030000000700026d65020500050000",
    ],
)
def test_a_broken_header_is_malformed(data: str) -> None:
    with pytest.raises(MalformedMessage):
        decode_request_header(bytes.fromhex(data))


@given(st.binary(max_size=40))
@example(b"\0\x12\0\x03\0\0\0\0\xff\xff\xff\xff\xff\xff\x0f")
def test_any_bytes_are_a_header_or_malformed(data: bytes) -> None:
    for form in (data, bytearray(data), memoryview(data)):
        try:
            assert 10 <= decode_request_header(form)[4] <= len(data)
        except ProtocolError:
            continue


def test_a_response_carries_the_correlation_id_back() -> None:
    assert response_head(77, 0) == b"\0\0\0\x4d"
    assert response_head(77, 1) == b"\0\0\0\x4d\0"
    assert decode_response_header(response_head(77, 1) + b"body", 1) == (77, 5)
    assert decode_response_header(response_head(-1, 0), 0) == (-1, 4)
    with pytest.raises(MalformedMessage):
        decode_response_header(b"\0\0\0\x4d", 1)


def test_only_flexible_versions_of_known_apis_are_flexible() -> None:
    assert all(request_header_version(api.key, api.min_version) in (1, 2) for api in APIS.values())
    assert request_header_version(9999, 30) == 1
