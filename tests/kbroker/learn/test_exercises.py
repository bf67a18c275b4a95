"""The exercises: each is done by the requests that its chapter speaks of, and by nothing less; a mistake in one of them
is told with its byte."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path

import pytest

from kbroker.learn.exercises import check, seen
from kbroker.learn.lessons import EXERCISES
from kbroker.learn.scram import Login, proof_of
from kbroker.learn.shapes import Checked
from kbroker.learn.telling import checked, mistakes
from kbroker.trace.exchange import Exchange
from kbroker.trace.lines import one_line
from tests.kbroker.learn.making import answer, batch, produce, request, sent, stored
from tests.kbroker.learn.test_mistakes import PLANTED, PRODUCE_3

USERS = {"alice": "alice-secret"}


def held(number: int, *exchanges: Exchange) -> Checked:
    found = [one._replace(number=at) for at, one in enumerate(exchanges, 1)]
    return check(EXERCISES[number - 1], seen(found, USERS))


def states(exercise: Checked) -> list[str]:
    return [step.state for step in exercise.steps]


def test_there_is_one_for_each_chapter() -> None:
    assert [each.number for each in EXERCISES] == list(range(1, 11))


def test_nothing_is_done_at_the_beginning() -> None:
    for each in EXERCISES:
        assert set(states(held(each.number))) == {"to do"}


@pytest.mark.parametrize("name", PLANTED)
def test_a_mistake_is_told_in_its_exercise_with_its_byte(name: str) -> None:
    exercise = held(int(name.partition(":")[0]), sent(PLANTED[name].frame))
    wrong = [step for step in exercise.steps if step.state == "wrong"]
    assert not exercise.done and wrong
    assert wrong[0].mistakes[0].offset == PLANTED[name].offset and wrong[0].number == 1
    said = "\n".join(checked(exercise))
    assert f"byte {PLANTED[name].offset}" in said and "WRONG" in said and "because" in said


def test_the_page_shows_what_is_told() -> None:
    exchange = sent(PLANTED["2: a compact array whose count is not one larger"].frame)._replace(broker="127.0.0.1:9092")
    (one,) = seen([exchange], {})
    said = [one_line(exchange, one.reading), *mistakes(exchange, one.mistakes)]
    page = (Path(__file__).parents[3] / "docs" / "learn" / "index.md").read_text()
    assert "\n".join(said) in page, "\n".join(said)


def test_1_both_kinds_of_versions() -> None:
    told = {"errorCode": 0, "apiKeys": []}
    first = sent(request("ApiVersions", 0, {}), answer("ApiVersions", 0, told))
    new = request("ApiVersions", 3, {"clientSoftwareName": "mine", "clientSoftwareVersion": "1"})
    assert states(held(1, first)) == ["done", "to do"]
    assert held(1, first, sent(new, answer("ApiVersions", 3, told))).done


def test_3_three_records_with_keys() -> None:
    few = held(3, sent(produce(batch(2)), stored(0)))
    assert states(few) == ["done", "to do"] and "has 2 records, 3 are wanted" in few.steps[1].hint
    assert held(3, sent(produce(batch(3)), stored(0))).done


def test_5_compression_has_to_pay() -> None:
    plain = held(5, sent(produce(batch(20)), stored(0)))
    assert not plain.done and "not compressed" in plain.steps[0].hint
    assert "has 2 records" in held(5, sent(produce(batch(2, compression=1)), stored(0))).steps[0].hint
    assert held(5, sent(produce(batch(20, compression=1)), stored(0))).done


def test_6_sent_twice_and_stored_once() -> None:
    id = sent(
        request("InitProducerId", 0, {"transactionalId": None, "transactionTimeoutMs": 1}),
        answer("InitProducerId", 0, {"throttleTimeMs": 0, "errorCode": 0, "producerId": 7, "producerEpoch": 0}),
    )
    first, second = (
        sent(produce(batch(3, producer_id=7, producer_epoch=0, base_sequence=at)), stored(at)) for at in (0, 3)
    )
    assert states(held(6, id, first)) == ["done", "done", "to do", "to do"]
    assert held(6, id, first, second, first).done
    again = first._replace(reply=stored(6))
    assert states(held(6, id, first, second, again))[-1] == "to do", "it was stored once more"


def test_what_our_own_tools_send_is_nobodys_exercise() -> None:
    frame = PRODUCE_3.replace(b"\0\4mine", b"\0\x0bkbroker-cli")
    frame = (len(frame) - 4).to_bytes(4, "big") + frame[4:]
    assert set(states(held(3, sent(frame, stored(0, 3))))) == {"to do"}


def test_a_later_success_counts() -> None:
    wrong = sent(PLANTED["3: another checksum"].frame)
    assert states(held(3, wrong)) == ["wrong", "wrong"]
    assert held(3, wrong, sent(produce(batch(3)), stored(0))).done


# --- logins

SERVER_FIRST = "r=abcXYZ,s=" + b64encode(b"salt").decode() + ",i=4096"
FIRST = "n,,n=alice,r=abc"
WITHOUT = "c=biws,r=abcXYZ"
PROOF = proof_of("sha256", "alice-secret", b"salt", 4096, f"n=alice,r=abc,{SERVER_FIRST},{WITHOUT}")
FINAL = f"{WITHOUT},p={b64encode(PROOF).decode()}"

LOGINS = {
    "no channel binding flag": (("n=alice,r=abc",), 0, 0, "'n,,'"),
    "no name": (("n,,r=abc",), 0, 3, "n= and the user's name"),
    "no nonce": (("n,,n=alice",), 0, 10, ",r= and a nonce"),
    "another begin": ((FIRST, FINAL.replace("biws", "bix=")), 1, 0, "c=biws"),
    "one's own nonce only": ((FIRST, FINAL.replace("abcXYZ", "abc")), 1, 7, "both nonces"),
    "no proof": ((FIRST, WITHOUT + ",x=1"), 1, 16, "p= and the proof"),
    "another proof": ((FIRST, WITHOUT + ",p=AAAA"), 1, 18, "made of the password"),
    "another user": (("n,,n=bob,r=abc", FINAL), 1, 5, "a user that there is: alice"),
}


@pytest.mark.parametrize("name", LOGINS)
def test_the_byte_of_a_login_is_named(name: str) -> None:
    messages, which, offset, words = LOGINS[name]
    found = Login("SCRAM-SHA-256", [each.encode() for each in messages], [SERVER_FIRST.encode()]).mistake(USERS)
    assert found is not None and (found[0], found[1].offset) == (which, offset), found
    assert words in found[1].expected and "RFC 5802" in found[1].rule


def test_a_right_login_has_no_mistake() -> None:
    assert Login("SCRAM-SHA-256", [FIRST.encode(), FINAL.encode()], [SERVER_FIRST.encode()]).mistake(USERS) is None


def test_10_a_login_is_told_at_its_byte_in_the_frame() -> None:
    hands = sent(
        request("SaslHandshake", 1, {"mechanism": "SCRAM-SHA-256"}),
        answer("SaslHandshake", 1, {"errorCode": 0, "mechanisms": []}),
    )
    plain = "c29tZXRoaW5n"
    first = request("SaslAuthenticate", 0, {"authBytes": plain})
    found = held(10, hands, sent(first))
    assert states(found) == ["done", "wrong", "to do"]
    mistake = found.steps[1].mistakes[0]
    assert first[mistake.offset :].startswith(bytes.fromhex(mistake.found.replace(" ", ""))) and mistake.found
