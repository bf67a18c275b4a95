"""One table, held against the class bodies and against Kafka's own inventory."""

import subprocess
import sys

import pytest

from wire.registry import APIS, BROKER, CONTROLLER, message, message_names

from .golden import SCHEMA, needs_schema, schema


@pytest.mark.parametrize("api", APIS.values(), ids=lambda api: api.name)
def test_a_row_says_what_the_class_bodies_say(api) -> None:
    for cls in (api.request_class(), api.response_class()):
        assert cls.__api_key__ == api.key
        newest = api.max_version if api.unstable_version is None else api.unstable_version
        assert (cls.__versions__.low, cls.__versions__.high) == (api.min_version, newest)
        assert (cls.__flexible__.low if cls.__flexible__ else None) == api.flexible_from
        assert cls is message(cls.__name__)


@needs_schema
def test_the_table_is_the_inventory_of_kafka() -> None:
    rows = {row["key"]: row for row in schema("coverage")["apis"]}
    assert rows.keys() == APIS.keys()
    for key, api in APIS.items():
        row = rows[key]
        assert (api.kafka_name, list(api.listeners)) == (row["name"], row["listeners"] or [])
        if row["min"] is None:
            assert (api.min_version, api.max_version) == (0, -1)
            continue
        assert (api.min_version, api.max_version) == (row["min"], row["maxStable"])
        assert api.advertised_min == row.get("advertisedMin", row["min"])
        assert api.unstable_version == (row["max"] if row["max"] != row["maxStable"] else None)


@needs_schema
def test_message_finds_every_name_of_the_schema() -> None:
    others = {"coverage", "errors", "apiversions_observed"}
    names = {path.stem for path in SCHEMA.glob("*.json")} - others
    assert set(message_names()) == names
    assert len(names) == 259


def test_message_gives_the_class_of_that_name() -> None:
    for name in message_names():
        assert message(name).__name__ == name


@pytest.mark.parametrize(
    "name", ["Nonsense", "NonsenseRequest", "EndTxn", "endTxnRequest", "", "Struct", "ClusterRequest"]
)
def test_a_name_that_is_none_is_a_key_error(name: str) -> None:
    with pytest.raises(KeyError):
        message(name)


def test_produce_is_advertised_lower_than_it_is_served() -> None:
    assert (APIS[0].advertised_min, APIS[0].min_version) == (0, 3)
    assert [api.name for api in APIS.values() if api.advertised_min != api.min_version] == ["produce"]


def test_an_unstable_version_is_not_the_newest() -> None:
    assert {api.name: api.unstable_version for api in APIS.values() if api.unstable_version} == {"init_producer_id": 6}
    assert APIS[22].max_version == 5


def test_removed_keys_keep_their_names_and_have_no_versions() -> None:
    removed = [api.key for api in APIS.values() if api.max_version < api.min_version]
    assert removed == [4, 5, 6, 7]
    assert all(not APIS[key].request_class().__versions__ and not APIS[key].listeners for key in removed)


def test_votes_are_a_matter_of_controllers() -> None:
    assert APIS[52].listeners == (CONTROLLER,)
    assert APIS[0].listeners == (BROKER,)


def test_the_registry_imports_no_message() -> None:
    code = "import sys, wire.registry, wire.header; print([m for m in sys.modules if m.startswith('wire.messages')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
