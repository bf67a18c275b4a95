"""`kbroker group`, on groups that have committed from outside, as administrators do."""

import json
from pathlib import Path

import pytest

from .conftest import Kbroker, Make


@pytest.fixture
def group(kbroker: Kbroker, records: Make, name: str) -> str:
    """A group of the topic's name that is at offset 2 of 5; the records are from seconds 1 to 5 of 1970."""
    kbroker.say("topic", "create", name, "--config", "retention.ms=-1")
    lines = [json.dumps({"value": f"v{at}", "timestamp": at * 1000}) for at in range(1, 6)]
    kbroker.say("produce", name, "--json", given="\n".join(lines))
    kbroker.say("group", "reset-offsets", name, "--topic", name, "--to-offset", "2", "--execute")
    return name


def test_lag_is_what_is_between_the_committed_and_the_end(kbroker: Kbroker, group: str) -> None:
    assert kbroker.ask("group", "lag", group) == [
        {"group": group, "topic": group, "partition": 0, "committed": 2, "end": 5, "lag": 3, "member": None}
    ]


@pytest.mark.parametrize(
    ("wish", "to"),
    [
        (["--to-earliest"], 0),
        (["--to-latest"], 5),
        (["--to-current"], 2),
        (["--to-offset", "0"], 0),
        (["--to-offset", "999"], 5),
        (["--shift-by", "-1"], 1),
        (["--shift-by", "-9"], 0),
        (["--to-time", "1970-01-01T00:00:04"], 3),
        (["--to-time", "3000"], 2),
        (["--to-time", "1m"], 5),
    ],
)
def test_a_reset_goes_where_it_is_told_within_the_partition(
    kbroker: Kbroker, group: str, wish: list[str], to: int
) -> None:
    (plan,) = kbroker.ask("group", "reset-offsets", group, *wish)
    assert (plan["from"], plan["to"]) == (2, to)
    assert kbroker.ask("group", "lag", group)[0]["committed"] == 2, "without --execute nothing happens"
    kbroker.say("group", "reset-offsets", group, *wish, "--execute")
    assert kbroker.ask("group", "lag", group)[0]["committed"] == to


def test_a_plan_can_be_kept_and_carried_out_later(kbroker: Kbroker, group: str, tmp_path: Path) -> None:
    plan = tmp_path / "plan.json"
    plan.write_text(kbroker.say("group", "reset-offsets", group, "--to-offset", "4", "--json"))
    kbroker.say("group", "reset-offsets", group, "--from-file", str(plan), "--execute")
    assert kbroker.ask("group", "lag", group)[0]["committed"] == 4
    kafkas_own = tmp_path / "plan.csv"
    kafkas_own.write_text(f'"{group}",0,1\n')
    kbroker.say("group", "reset-offsets", group, "--from-file", str(kafkas_own), "--execute")
    assert kbroker.ask("group", "lag", group)[0]["committed"] == 1
    kafkas_own.write_text("what\n")
    assert "is no plan" in kbroker.refusal("group", "reset-offsets", group, "--from-file", str(kafkas_own))


def test_a_reset_wants_one_wish(kbroker: Kbroker, group: str) -> None:
    for wishes in ([], ["--to-earliest", "--to-latest"]):
        result = kbroker("group", "reset-offsets", group, *wishes)
        assert result.exit_code == 2 and "Say one of" in result.stderr


def test_offsets_and_groups_are_deleted(kbroker: Kbroker, group: str) -> None:
    kbroker.say("group", "delete-offsets", group, "--topic", f"{group}:0", "--yes")
    assert kbroker.ask("group", "lag", group) == []
    kbroker.say("group", "reset-offsets", group, "--topic", group, "--to-latest", "--execute")
    kbroker.say("group", "delete", group, "--yes")
    assert "There is no group" in kbroker.refusal("group", "describe", group)
    assert "GROUP_ID_NOT_FOUND" in kbroker.refusal("group", "delete", group, "--yes")


def test_a_group_is_listed_and_described_with_its_kind(kbroker: Kbroker, group: str) -> None:
    assert {"group": group, "kind": "classic", "state": "Empty", "protocol_type": ""} in kbroker.ask("group", "list")
    (described,) = kbroker.ask("group", "describe", group)
    assert (described["kind"], described["members"]) == ("classic", [])
    assert group not in [one["group"] for one in kbroker.ask("group", "list", "--kind", "share")]
