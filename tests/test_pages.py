"""docs/protocol/ is what the message definitions say today."""

import re

import pytest

from tests.pages import FOLDER, ROOT, measured, pages, sample
from wire.registry import APIS, find

WANTED = pages()


@pytest.mark.parametrize("name", sorted(WANTED))
def test_a_page_is_not_stale(name: str) -> None:
    path = FOLDER / name
    assert path.exists() and path.read_text() == WANTED[name], "python -m tests.pages writes it anew"


def test_no_page_is_left_over() -> None:
    assert {path.name for path in FOLDER.glob("*.md")} == set(WANTED)


def test_what_clients_use_was_measured_and_can_be() -> None:
    assert len(measured()) >= 8
    for name, told in measured().items():
        assert told["release"] and {"ApiVersions", "Metadata", "Produce"} <= set(told["versions"]), name
        for api_name, versions in told["versions"].items():
            api = find(api_name)
            assert api is not None and versions
            assert set(versions) <= set(range(api.advertised_min, api.max_version + 1)), (name, api_name)
            assert f"| {name} | {told['release']} | {', '.join(map(str, versions))} |" in WANTED[f"{api.name}.md"]


def test_an_error_is_told_with_its_cause() -> None:
    assert "| OUT_OF_ORDER_SEQUENCE_NUMBER | 45 | The sequence number of the batch does not" in WANTED["produce.md"]
    assert "| NOT_ENOUGH_REPLICAS_AFTER_APPEND | 20 |" in WANTED["produce.md"]
    said = "The member has to give up its partitions and rejoin. Here: give up everything and rejoin."
    assert f"| FENCED_MEMBER_EPOCH | 110 | {said} |" in WANTED["consumer_group_heartbeat.md"]
    served = [name for name, text in WANTED.items() if "Answered by" in text]
    assert len(served) > 60 and not [name for name in served if "Its definition names none." in WANTED[name]]


def test_versions_stand_side_by_side_with_their_tags() -> None:
    page = WANTED["produce.md"]
    assert "| &nbsp;&nbsp;&nbsp;&nbsp;topicId |  |  |  |  |  |  |  |  |  |  | x |" in page
    assert "currentLeader (tag 0)" in page and "| t0 |" in page


def test_the_links_to_the_source_lead_somewhere() -> None:
    for text in WANTED.values():
        for path in re.findall(r"\]\(\.\./\.\./([^)]+)\)", text):
            assert (ROOT / path).is_file(), path


def test_every_byte_of_every_example_has_a_name() -> None:
    for name, text in WANTED.items():
        assert not re.search(r"\b(error|damage)\s{2,}|not explained|unknown byte", text), name


def test_an_example_survives_its_own_way_over_the_wire() -> None:
    for api in APIS.values():
        if 0 <= api.min_version <= api.max_version:
            for message in (api.request_class(), api.response_class()):
                made = sample(message, api.max_version)
                again = message.decode(made.encode(api.max_version), api.max_version)
                assert again.to_json(api.max_version) == made.to_json(api.max_version), message.__name__
