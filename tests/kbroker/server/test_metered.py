"""What is read of answers for the metrics, by the short ways that they are read, against the long ones."""

from typing import Any

import pytest

from kbroker.server.errors import is_error_code
from kbroker.server.metered import CODES, codes_in
from wire.errors import ErrorCode
from wire.registry import APIS
from wire.schema import Struct, keep


def filled(struct: type[Struct], next_code: list[int]) -> Any:
    """One of it, with two items in each array and another error code in each place."""
    made = struct()
    for field in struct.__fields__:
        if is_error_code(field):
            setattr(made, field.name, next_code[0])
            next_code[0] += 1
        elif field.kind == "array" and field.element is not None and field.element.struct is not None:
            setattr(made, field.name, [filled(field.element.struct, next_code) for _ in range(2)])
    return made


@pytest.mark.parametrize("key", sorted(APIS))
def test_every_error_code_of_an_answer_is_read_once(key: int) -> None:
    response_class, next_code = APIS[key].response_class(), [1]
    response = filled(response_class, next_code)
    assert sorted(codes_in(response_class)(response)) == list(range(1, next_code[0]))


def test_arrays_that_are_null_have_no_error_codes() -> None:
    response = APIS[3].response_class()(topics=None, brokers=[], error_code=ErrorCode.NONE)
    assert codes_in(type(response))(response) == [0]


def test_what_is_kept_for_many_answers_is_read_once() -> None:
    response = filled(APIS[3].response_class(), [1])
    codes = codes_in(type(response))(response)
    response.topics = [keep(topic) for topic in response.topics]
    assert [codes_in(type(response))(response) for _ in range(2)] == [codes, codes]
    assert [topic.memo[CODES] for topic in response.topics] == [codes[1:4], codes[4:7]]
