"""`kbroker produce`, `kbroker consume` and `kbroker copy`: what goes in comes out."""

import base64
import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from kbroker.records.lines import from_json, to_json
from kbroker.records.read import Read

from .conftest import Kbroker, Make

content = st.none() | st.binary(max_size=20) | st.text(max_size=20).map(str.encode)


@given(key=content, value=content, headers=st.lists(st.tuples(st.text(max_size=5), content), max_size=3))
@settings(max_examples=200)
def test_json_lines_are_inverse(key: Any, value: Any, headers: Any) -> None:
    read = Read("t", 3, 7, 1_000, key, value, headers)
    record, partition = from_json(json.dumps(to_json(read)))
    assert (record.key, record.value, list(record.headers)) == (key, value, headers)
    assert (record.timestamp, partition) == (1_000, 3)


def test_a_topic_survives_the_way_through_json_lines(kbroker: Kbroker, name: str) -> None:
    lines = [
        {"key": "k", "value": None, "headers": [["a", "1"], ["a", None]], "timestamp": 5},
        {"key": None, "value": {"base64": base64.b64encode(b"\xff\x00").decode()}, "partition": 1},
        {"key": {"base64": "/w=="}, "value": "ü", "partition": 0},
    ]
    kbroker.say("topic", "create", name, f"{name}-2", "--partitions", "2", "--config", "retention.ms=-1")
    kbroker.say("produce", name, "--json", given="\n".join(map(json.dumps, lines)))
    first = kbroker.say("consume", name, "--json")
    kbroker.say("produce", f"{name}-2", "--json", given=first)
    second = kbroker.say("consume", f"{name}-2", "--json")
    assert first.replace(name, f"{name}-2") == second
    assert len(first.splitlines()) == 3


def test_lines_have_keys_tombstones_and_headers(kbroker: Kbroker, name: str) -> None:
    kbroker.say("produce", name, "--key-separator", ":", "--null", "-", "--header", "x=1", given="a:1\nb:-\n-:3\n")
    assert kbroker.say("consume", name, "--format", r"%o %k %v %h;") == "0 a 1 x=1;1 b NULL x=1;2 NULL 3 x=1;"
    assert "has no ':'" in kbroker("produce", name, "--key-separator", ":", given="abc\n").stderr


def test_reading_begins_where_it_is_told(kbroker: Kbroker, records: Make) -> None:
    topic = records("a", "b", "c", "d")
    for start, seen in (
        ("earliest", "abcd"), ("latest", ""), ("2", "cd"), ("99", ""), ("-1", "d"), ("-99", "abcd"), ("1h", "abcd"),
        ("2999-01-01", ""), ("1999-01-01T00:00+02:00", "abcd"),
    ):  # fmt: skip
        assert kbroker.say("consume", topic, "--from", start, "--format", "%v") == seen, start
    assert kbroker.say("consume", topic, "-n", "2") == "a\nb\n"
    assert kbroker("consume", topic, "--from", "soon").exit_code == 2


def test_only_what_is_wanted_is_shown(kbroker: Kbroker, name: str) -> None:
    lines = [
        {"key": "one", "value": '{"order": {"state": "paid", "items": [{"price": 3}]}}', "headers": [["from", "web"]]},
        {"key": "two", "value": '{"order": {"state": "open"}, "paid": true}'},
        {"key": "paid", "value": "no json"},
    ]
    kbroker.say("produce", name, "--json", given="\n".join(map(json.dumps, lines)))
    for options, keys in (
        (["--grep", "paid"], "one two paid"),
        (["--grep", "key:paid"], "paid"),
        (["--grep", "header.from:web"], "one"),
        (["--regex", "^t.o$"], "two"),
        (["--regex", "value:^no"], "paid"),
        (["--path", ".order.state"], "one two"),
        (["--path", ".order.state=paid"], "one"),
        (["--path", ".order.items[0].price=3"], "one"),
        (["--path", ".paid=true"], "two"),
        (["--path", ".order", "--grep", "open"], "two"),
    ):
        assert kbroker.say("consume", name, "--format", "%k ", *options).split() == keys.split(), options
    assert "is no regular expression" in kbroker.refusal("consume", name, "--regex", "(")
    assert "is no path" in kbroker.refusal("consume", name, "--path", "order")


def test_records_of_the_brokers_own_topics_say_what_they_mean(kbroker: Kbroker, records: Make) -> None:
    topic = records("a")
    kbroker.say("group", "reset-offsets", topic, "--topic", topic, "--to-latest", "--execute")
    shown = [json.loads(line) for line in kbroker.say("consume", "__consumer_offsets", "--grep", topic).splitlines()]
    (row,) = [one for one in shown if "OffsetCommit" in one["key"]]
    assert row["key"]["OffsetCommit"] == {"group": topic, "topic": topic, "partition": 0}
    assert row["value"]["offset"] == 1
    asked = ("consume", "__consumer_offsets", "--grep", topic, "-n", "1")
    said = kbroker.say(*asked, "--format", "%k: %v")
    assert said.startswith(f'{{"OffsetCommit":{{"group":"{topic}","topic":"{topic}","partition":0}}}}: {{"offset":1,')
    assert "offset" not in kbroker.say(*asked, "--format", "%v", "--raw")


def test_a_format_that_means_nothing_is_refused(kbroker: Kbroker, records: Make) -> None:
    assert "%q means nothing" in kbroker.refusal("consume", records("a"), "--format", "%q")


def test_a_copy_keeps_partitions_times_and_configs(kbroker: Kbroker, name: str) -> None:
    kbroker.say("topic", "create", name, "--partitions", "3", "--config", "retention.ms=-1")
    lines = [json.dumps({"value": str(at), "partition": at % 3, "timestamp": at}) for at in range(9)]
    kbroker.say("produce", name, "--json", given="\n".join(lines))
    copy = f"{name}-copy"
    arguments = ("copy", name, "--from", kbroker.address, "--to", kbroker.address)
    kbroker.say(*arguments, "--as", copy, "--dry-run")
    assert "There is no topic" in kbroker.refusal("topic", "describe", copy)
    kbroker.say(*arguments, "--as", copy, "--last", "2")
    (described,) = kbroker.ask("topic", "describe", copy)
    assert described["configs"] == {"retention.ms": "-1"} and len(described["partitions"]) == 3
    assert sorted(kbroker.say("consume", copy, "--format", "%p:%v@%T ").split()) == [
        f"{at % 3}:{at}@{at}" for at in sorted(range(3, 9), key=lambda at: (at % 3, at))
    ]
    assert kbroker(*arguments).exit_code == 2, "not onto itself"
