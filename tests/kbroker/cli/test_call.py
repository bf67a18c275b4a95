"""`kbroker encode` and `kbroker call`: requests from JSON, and frames shown byte by byte."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from kbroker.cli._frames import corrupted, frame_of, request_of
from wire.header import decode_request_header
from wire.registry import APIS

from .conftest import Kbroker


def test_encode_and_explain_are_inverse(kbroker: Kbroker) -> None:
    hexadecimal = kbroker.say("encode", "Metadata", '{"topics": [{"name": "orders"}]}', "-v", "9", "--client-id", "me")
    words = kbroker.say("explain", hexadecimal.strip())
    assert "MetadataRequest v9" in words and "'orders'" in words and "'me'" in words


@given(
    key=st.sampled_from(sorted(key for key, api in APIS.items() if api.max_version >= api.min_version)), data=st.data()
)
@settings(max_examples=100)
def test_every_request_can_be_written_in_every_version(key: int, data: st.DataObject) -> None:
    api = APIS[key]
    version = data.draw(st.integers(api.min_version, api.max_version))
    frame = frame_of(request_of(api, version, "{}"), version, 7, "c")
    assert int.from_bytes(frame[:4], "big") == len(frame) - 4
    assert decode_request_header(frame[4:])[:4] == (key, version, 7, "c")


def test_a_call_shows_both_frames(kbroker: Kbroker) -> None:
    words = kbroker.say("call", "ApiVersions", "-v", "3", '{"clientSoftwareName": "x", "clientSoftwareVersion": "1"}')
    asked, _, answered = words.partition("<--")
    assert "ApiVersionsRequest v3" in asked and "ApiVersionsResponse v3" in answered
    assert "api_keys[0].api_key" in answered


def test_a_quiet_call_is_json_for_programs(kbroker: Kbroker) -> None:
    answer = json.loads(kbroker.say("call", "DescribeCluster", "--quiet"))
    assert answer["errorCode"] == 0 and [broker["brokerId"] for broker in answer["brokers"]] == [1]
    assert json.loads(kbroker.say("call", "60", "--json", "--node", "1"))["controllerId"] == answer["controllerId"]


def test_a_spoilt_byte_is_shown_with_what_it_does(kbroker: Kbroker) -> None:
    result = kbroker("call", "ApiVersions", "--corrupt", "byte=7=99")
    assert result.exit_code == 0 and "UNSUPPORTED_VERSION" in result.stdout, "KIP-511: answered in version 0"
    result = kbroker("call", "Metadata", "--corrupt", "byte=5=0x7f")
    assert result.exit_code == 1 and "closed the connection without an answer" in result.stderr
    assert kbroker("call", "Metadata", "--corrupt", "byte=9999").exit_code == 2


def test_one_byte_is_spoilt_and_no_other() -> None:
    assert corrupted(b"abc", "byte=1") == bytes((97, 98 ^ 0xFF, 99))
    assert corrupted(b"abc", "byte=2=0") == b"ab\0"


def test_what_cannot_be_said_is_a_sentence(kbroker: Kbroker) -> None:
    for arguments, words in (
        (("encode", "Nothing"), "there is no API Nothing"),
        (("encode", "Metadata", "-v", "99"), "Metadata has versions 0 to 13"),
        (("encode", "Metadata", "{"), "it is no JSON"),
        (("encode", "Metadata", '{"topic": 1}'), "has no field 'topic'"),
    ):
        result = kbroker(*arguments)
        assert result.exit_code == 2 and words in result.stderr, arguments
