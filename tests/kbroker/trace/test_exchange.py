"""What the bytes of an exchange say, as far as they can be read; which are wanted; a line for people."""

import pytest

from kbroker.trace.choosing import Choice
from kbroker.trace.exchange import read
from kbroker.trace.lines import about, every_byte, fields, one_line
from wire.primitives import ZERO_UUID, uuid_text

from .seen import heartbeat, metadata


def test_both_messages_are_read_with_all_their_errors() -> None:
    found = read(metadata(error=3).request, metadata(error=3).reply)
    assert (found.api, found.version, found.client_id, found.correlation_id) == ("Metadata", 12, "app", 1)
    assert found.request is not None and found.request["topics"][0]["name"] == "orders"
    assert found.errors == ["UNKNOWN_TOPIC_OR_PARTITION"]


def test_what_cannot_be_read_is_told_as_far_as_it_goes() -> None:
    whole = metadata()
    assert read(whole.request, None).response is None
    assert read(whole.request[:-3], whole.reply).request == {"topics": [{"topicId": NO_ID, "name": "orders"}]}
    assert read(whole.request[:14], whole.reply).request is None
    assert read(whole.request, b"\0\0\0\1\xff").response is None
    assert read(b"\0", None).api == "?"
    assert read(b"\x7f\xff" + whole.request[2:], None).api == "32767"


NO_ID = uuid_text(ZERO_UUID)


@pytest.mark.parametrize(
    ("choice", "taken"),
    [
        (Choice(), True),
        (Choice(apis=("metadata",)), True),
        (Choice(apis=("Fetch", "Produce")), False),
        (Choice(client_id="pp"), True),
        (Choice(client_id="other"), False),
        (Choice(topic="orders"), True),
        (Choice(topic="order"), False),
        (Choice(group="orders"), False),
        (Choice(failed=True), True),
        (Choice(error="unknown_topic_or_partition"), True),
        (Choice(error="NOT_COORDINATOR"), False),
        (Choice(apis=("Metadata",), topic="payments"), False),
    ],
)
def test_a_choice_takes_what_is_so_in_every_respect(choice: Choice, taken: bool) -> None:
    seen = metadata(error=3)
    assert choice.takes(read(seen.request, seen.reply)) == taken


def test_a_group_is_found_by_its_name() -> None:
    seen = heartbeat("readers")
    assert Choice(group="readers").takes(read(seen.request, seen.reply))


def test_a_line_says_who_what_how_large_how_long_and_what_went_wrong() -> None:
    seen = metadata(error=3)
    reading = read(seen.request, seen.reply)
    line = one_line(seen, reading)
    assert line.startswith("22:13:20.123") and "Metadata v12" in line and "1.5 ms" in line and " orders" in line
    assert line.endswith("UNKNOWN_TOPIC_OR_PARTITION")
    assert "no answer" in one_line(seen._replace(reply=None), read(seen.request, None))
    assert about(read(heartbeat().request, None)) == "readers"


def test_fields_and_bytes_are_all_there() -> None:
    seen = heartbeat(error=25)
    reading = read(seen.request, seen.reply)
    text = "\n".join(fields(reading))
    assert '"groupId": "readers"' in text and '"errorCode": 25' in text
    annotated = "\n".join(every_byte(seen, reading))
    assert "'readers'" in annotated and "UNKNOWN_MEMBER_ID" in annotated
