"""The table: every verb is documented and typed in what doors can carry, and says what is wrong with its arguments."""

from typing import Any, get_args, get_origin

import pytest

from kbroker.control.plain import hints
from kbroker.control.table import ControlError, Verb, every, find

ALL = every()


def plain(type_: Any) -> bool:
    """Whether JSON can carry it, by plain.py's rules."""
    if type_ in (Any, None, type(None), bool, int, float, str, bytes):
        return True
    if get_origin(type_) in (list, dict):
        return all(plain(each) for each in get_args(type_))
    if get_args(type_):
        return all(plain(each) for each in get_args(type_))
    return hasattr(type_, "_fields") and all(plain(each) for each in hints(type_).values())


@pytest.mark.parametrize("verb", ALL, ids=[verb.name for verb in ALL])
def test_every_verb_is_documented_and_carried_by_json(verb: Verb) -> None:
    assert verb.doc.endswith("."), verb.name
    assert plain(verb.answer)
    assert all(plain(argument.type) for argument in verb.arguments.values())


def test_a_verb_is_found_by_its_noun_and_name() -> None:
    verb = find("topics.create")
    assert verb.arguments["name"].required
    assert verb.arguments["partitions"].default == 1
    assert not verb.streams


@pytest.mark.parametrize(
    ("name", "arguments", "kind", "sentence"),
    [
        ("topics.paint", {}, "unknown", "there is no verb topics.paint; there are "),
        ("os.system", {}, "unknown", "there is no verb os.system; there are "),
        ("topics.get", {}, "argument", "topics.get needs the argument name (a string)"),
        ("topics.get", {"name": 3}, "argument", "name of topics.get wants a string, not 3"),
        ("topics.get", {"name": "a", "at": 1}, "argument", "topics.get has no argument at; it has name"),
    ],
)
def test_a_wrong_question_is_told_why(name: str, arguments: dict[str, Any], kind: str, sentence: str) -> None:
    with pytest.raises(ControlError) as told:
        find(name).bind(arguments)
    assert told.value.kind == kind
    assert str(told.value).startswith(sentence)
