"""Which names a topic may have."""

import pytest

from kbroker.catalog.names import check, fault, folded
from wire.errors import ErrorCode, KafkaError


@pytest.mark.parametrize("name", ["a", "A.b_c-9", "..a", "a" * 249, "__consumer_offsets", "-"])
def test_a_proper_name_has_no_fault(name: str) -> None:
    assert fault(name) is None
    check(name)


@pytest.mark.parametrize("name", ["", ".", "..", "a" * 250, "a b", "a/b", "ü", "a\n", "a\x00"])
def test_an_improper_name_is_an_invalid_topic(name: str) -> None:
    with pytest.raises(KafkaError) as caught:
        check(name)
    assert caught.value.code is ErrorCode.INVALID_TOPIC_EXCEPTION
    assert (caught.value.message or "").startswith("Topic name is invalid: ")


def test_names_that_differ_in_dots_and_underscores_only_collide() -> None:
    assert folded("a.b_c") == folded("a_b.c") != folded("a-b_c")
