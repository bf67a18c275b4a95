"""What is read of answers for the metrics, by the short ways that they are read, against the long ones."""

from typing import Any

import pytest

from kbroker.server.errors import is_error_code
from kbroker.server.metered import error_reader, records_in
from wire.batch import batches
from wire.errors import ErrorCode
from wire.records import Record, build_batch
from wire.registry import APIS
from wire.schema import Struct


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
    codes: list[int] = []
    error_reader(response_class)(response, codes)
    assert sorted(codes) == list(range(1, next_code[0]))


def test_arrays_that_are_null_have_no_error_codes() -> None:
    response = APIS[3].response_class()(topics=None, brokers=[], error_code=ErrorCode.NONE)
    codes: list[int] = []
    error_reader(type(response))(response, codes)
    assert codes == [0]


def test_records_are_counted_by_the_headers_of_their_batches() -> None:
    each = [bytes(build_batch([Record(key=None, value=b"v", timestamp=1)] * count)) for count in (1, 7, 300)]
    blob = b"".join(each)
    assert records_in(blob) == sum(batch.count for batch in batches(blob)) == 308
    assert records_in(memoryview(blob)[: 30 - len(each[2])]) == 8, "what is cut off within a header is not counted"
    assert records_in(b"") == 0
    assert records_in(bytes(200)) == 0
