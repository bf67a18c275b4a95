"""docs/protocol/ is what the message definitions say today."""

import re

import pytest

from tests.pages import FOLDER, pages, sample
from wire.registry import APIS

WANTED = pages()


@pytest.mark.parametrize("name", sorted(WANTED))
def test_a_page_is_not_stale(name: str) -> None:
    path = FOLDER / name
    assert path.exists() and path.read_text() == WANTED[name], "python -m tests.pages writes it anew"


def test_no_page_is_left_over() -> None:
    assert {path.name for path in FOLDER.glob("*.md")} == set(WANTED)


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
