"""`kbroker topic`."""

from .conftest import Kbroker, Make


def test_a_topic_is_created_described_altered_and_deleted(kbroker: Kbroker, name: str) -> None:
    assert (
        kbroker.say("topic", "create", name, "--partitions", "2", "--config", "retention.ms=1000")
        == f"{name} created\n"
    )
    (described,) = kbroker.ask("topic", "describe", name)
    assert described["configs"] == {"retention.ms": "1000"}
    assert [one["partition"] for one in described["partitions"]] == [0, 1]
    kbroker.say(
        "topic", "alter", name, "--partitions", "3", "--delete-config", "retention.ms", "--config", "segment.ms=5000"
    )
    (described,) = kbroker.ask("topic", "describe", name)
    assert described["configs"] == {"segment.ms": "5000"} and len(described["partitions"]) == 3
    kbroker.say("topic", "delete", name, "--yes")
    assert name not in [one["name"] for one in kbroker.ask("topic", "list")]


def test_what_the_cluster_refuses_is_one_sentence(kbroker: Kbroker, name: str) -> None:
    kbroker.say("topic", "create", name)
    assert kbroker.refusal("topic", "create", name) == f"Error: TOPIC_ALREADY_EXISTS: Topic '{name}' already exists.\n"
    assert "There is no topic nowhere." in kbroker.refusal("topic", "describe", "nowhere")
    assert "INVALID_PARTITIONS" in kbroker.refusal("topic", "alter", name, "--partitions", "1")


def test_what_is_already_so_can_be_taken_for_done(kbroker: Kbroker, name: str) -> None:
    kbroker.say("topic", "create", name)
    assert kbroker.say("topic", "create", name, "--if-absent") == f"{name} is already there\n"
    kbroker.say("topic", "delete", name, "--yes")
    assert kbroker.say("topic", "delete", name, "--if-present", "--yes") == ""


def test_a_dry_run_changes_nothing(kbroker: Kbroker, name: str) -> None:
    assert "could be created" in kbroker.say("topic", "create", name, "--dry-run")
    assert "There is no topic" in kbroker.refusal("topic", "describe", name)
    kbroker.say("topic", "create", name)
    kbroker.say("topic", "alter", name, "--partitions", "9", "--config", "retention.ms=1", "--dry-run")
    (described,) = kbroker.ask("topic", "describe", name)
    assert described["configs"] == {} and len(described["partitions"]) == 1


def test_emptied_topics_keep_their_offsets(kbroker: Kbroker, records: Make) -> None:
    topic = records("a", "b", "c")
    assert kbroker.ask("topic", "empty", topic, "--before", "2", "--yes") == [
        {"topic": topic, "partition": 0, "first_offset": 2}
    ]
    assert kbroker.say("consume", topic) == "c\n"
    kbroker.say("topic", "empty", topic, "--yes")
    ((partition,),) = [one["partitions"] for one in kbroker.ask("topic", "describe", topic)]
    assert (partition["first_offset"], partition["next_offset"]) == (3, 3)


def test_nothing_is_lost_without_a_yes(kbroker: Kbroker, name: str) -> None:
    kbroker.say("topic", "create", name)
    asked = kbroker("topic", "delete", name)
    assert asked.exit_code == 2 and "Say --yes." in asked.stderr
    assert name in [one["name"] for one in kbroker.ask("topic", "list")]


def test_tables_have_numbers_on_the_right_and_dashes_for_nothing(kbroker: Kbroker, name: str) -> None:
    kbroker.say("topic", "create", name, "--partitions", "12")
    head, *rows = kbroker.say("topic", "list").splitlines()
    assert head.split() == ["NAME", "PARTITIONS", "REPLICAS", "INTERNAL"]
    (row,) = [row for row in rows if row.startswith(name)]
    assert row.rindex("12") + 2 == head.index("PARTITIONS") + len("PARTITIONS")


def test_a_cluster_that_is_not_there_is_one_sentence(kbroker: Kbroker) -> None:
    result = kbroker("topic", "list", to="127.0.0.1:1")
    assert result.exit_code == 1
    assert result.stderr == "Error: cannot connect to 127.0.0.1:1: connection refused\n"
    assert "no address" in kbroker("topic", "list", to="127.0.0.1:x").stderr
