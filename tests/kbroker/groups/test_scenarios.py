"""Groups as scenarios: scripts of events and what comes of them, in `tests/scenarios/groups`.

A step is a line, its outcome stands under `----` up to an empty line. With KBROKER_REWRITE=1 in the environment this
test writes down what really happens, to be read before it is believed. Every step is also checked against what must
hold always: what the log says is what the machine believes.

    settings initial_delay=3000 max_size=2 retention=60000 check=10000 metadata=16
    join NAME [id=A] [instance=I] [group=G] [type=T] [protocols=range:t+u,sticky:t] [session=MS] [rebalance=MS]
        [known] [noskip]
    sync ID GENERATION [give=A:text,B:text] [instance=I] [type=T] [protocol=P] [group=G]
    beat ID GENERATION [instance=I]                 leave ID|@INSTANCE|ID@INSTANCE ...
    commit t/0=5 ... [by=ID] [generation=N] [retention=MS] [metadata=TEXT] [instance=I] [group=G]
    fetch [all | t/0 ...] [stable] [group=G]        forget t/0 ... [group=G]
    describe [GROUP]      list [states=a,b] [types=a,b]      delete GROUP      dropped TOPIC
    pass MS      crash      txn PRODUCER t/0=5 [group=G]      end PRODUCER commit|abort

A member id is written as the client's name and a number: `a.1` is the first id made for client (or instance) `a`.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest

from kbroker.groups.events import Delete, DeleteOffsets, Describe, ListAll, TopicsDeleted
from kbroker.groups.settings import Settings
from kbroker.machine import Batch, Effects, Marker, Producer, Record, Ticket
from wire.durable.groups import GroupMetadataKey, GroupMetadataValue
from wire.durable.offsets import OffsetCommitKey, OffsetCommitValue
from wire.errors import ErrorCode
from wire.messages.describe_groups import DescribedGroup
from wire.messages.join_group import JoinGroupResponse
from wire.messages.leave_group import LeaveGroupResponse, MemberIdentity
from wire.messages.offset_commit import OffsetCommitResponse
from wire.messages.offset_delete import (
    OffsetDeleteRequest,
    OffsetDeleteRequestPartition,
    OffsetDeleteRequestTopic,
    OffsetDeleteResponse,
)
from wire.messages.offset_fetch import OffsetFetchResponseGroup
from wire.messages.sync_group import SyncGroupResponse

from .bench import START, Bench, subscription

FOLDER = Path(__file__).parents[2] / "scenarios" / "groups"
SETTINGS = {
    "initial_delay": "initial_rebalance_delay_ms",
    "max_size": "max_size",
    "retention": "offsets_retention_ms",
    "check": "offsets_check_interval_ms",
    "metadata": "offset_metadata_max_bytes",
}
MEMBER_ID = re.compile(r"(\w+)-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


class Play:
    """Runs the lines of one script, and tells what comes of them in the words of the script."""

    def __init__(self) -> None:
        self.bench = Bench(watch=self._watch)
        self.labels: dict[Ticket, str] = {}
        self.short: dict[str, str] = {}
        self.out: list[str] = []

    def run(self, line: str) -> str:
        verb, *words = line.split()
        options = dict(word.split("=", 1) for word in words if "=" in word and "/" not in word)
        plain = [word for word in words if "=" not in word or "/" in word]
        self.out = []
        getattr(self, f"do_{verb}")(plain, options)
        self.check()
        return "\n".join(self.out) + "\n" if self.out else ""

    def check(self) -> None:
        live, replayed = self.bench.machine.store, self.bench.replayed().store
        assert live.groups == replayed.groups
        assert live.offsets == replayed.offsets
        assert live.undecided == replayed.undecided
        assert set(self.bench.machine.groups) == set(live.group_ids())

    # --- verbs ------------------------------------------------------------------------------------------------------

    def do_settings(self, plain: list[str], options: dict[str, str]) -> None:
        values: dict[str, Any] = {SETTINGS[name]: int(value) for name, value in options.items()}
        self.bench.settings = Settings(**values)
        self.do_crash(plain, options)

    def do_join(self, plain: list[str], options: dict[str, str]) -> None:
        client = plain[0]
        protocols = None
        if "protocols" in options:
            protocols = []
            for each in options["protocols"].split(",") if options["protocols"] else ():
                name, _, topics = each.partition(":")
                protocols.append((name, subscription(*topics.split("+")) if topics else b"?"))
        self._label(client)
        self.bench.join(
            client,
            self._long(options.get("id", "")),
            group=options.get("group", "g"),
            instance=options.get("instance"),
            protocols=protocols,
            protocol_type=options.get("type", "consumer"),
            session_ms=int(options.get("session", 10_000)),
            rebalance_ms=int(options.get("rebalance", 30_000)),
            known_id="known" in plain,
            skipping="noskip" not in plain,
        )

    def do_sync(self, plain: list[str], options: dict[str, str]) -> None:
        give = dict(each.split(":") for each in options["give"].split(",")) if "give" in options else {}
        self._label(plain[0])
        self.bench.sync(
            self._long(plain[0]),
            int(plain[1]),
            {self._long(member): text.encode() for member, text in give.items()},
            group=options.get("group", "g"),
            instance=options.get("instance"),
            protocol_type=options.get("type"),
            protocol=options.get("protocol"),
        )

    def do_beat(self, plain: list[str], options: dict[str, str]) -> None:
        self._label(plain[0])
        self.bench.heartbeat(
            self._long(plain[0]), int(plain[1]), group=options.get("group", "g"), instance=options.get("instance")
        )

    def do_leave(self, plain: list[str], options: dict[str, str]) -> None:
        leaving = []
        for word in plain:
            member, at, instance = word.partition("@")
            leaving.append(MemberIdentity(member_id=self._long(member), group_instance_id=instance if at else None))
        self._label("leave")
        self.bench.leave(*leaving, group=options.get("group", "g"))

    def do_commit(self, plain: list[str], options: dict[str, str]) -> None:
        self._label(options.get("by", "commit"))
        self.bench.commit(
            {_partition(word.partition("=")[0]): int(word.partition("=")[2]) for word in plain},
            group=options.get("group", "g"),
            generation=int(options.get("generation", -1)),
            member=self._long(options.get("by", "")),
            instance=options.get("instance"),
            metadata=options.get("metadata", ""),
            retention_ms=int(options.get("retention", -1)),
        )

    def do_fetch(self, plain: list[str], options: dict[str, str]) -> None:
        topics: dict[str, list[int]] | None = None
        if "all" not in plain:
            topics = {}
            for word in plain:
                if word != "stable":
                    topic, index = _partition(word)
                    topics.setdefault(topic, []).append(index)
        self._label("fetch")
        self.bench.fetch(topics, group=options.get("group", "g"), stable="stable" in plain)

    def do_describe(self, plain: list[str], options: dict[str, str]) -> None:
        self._ask("describe", lambda ticket: Describe(ticket, plain[0] if plain else "g"))

    def do_list(self, plain: list[str], options: dict[str, str]) -> None:
        states, types = ([word for word in options.get(key, "").split(",") if word] for key in ("states", "types"))
        self._ask("list", lambda ticket: ListAll(ticket, states, types))

    def do_delete(self, plain: list[str], options: dict[str, str]) -> None:
        self._ask("delete", lambda ticket: Delete(ticket, plain[0]))

    def do_forget(self, plain: list[str], options: dict[str, str]) -> None:
        topics = []
        for word in plain:
            topic, index = _partition(word)
            partitions = [OffsetDeleteRequestPartition(partition_index=index)]
            topics.append(OffsetDeleteRequestTopic(name=topic, partitions=partitions))
        request = OffsetDeleteRequest(group_id=options.get("group", "g"), topics=topics)
        self._ask("forget", lambda ticket: DeleteOffsets(ticket, request))

    def do_dropped(self, plain: list[str], options: dict[str, str]) -> None:
        self.bench.step(TopicsDeleted(dict.fromkeys(plain)))

    def do_pass(self, plain: list[str], options: dict[str, str]) -> None:
        self.bench.advance(int(plain[0]))

    def do_crash(self, plain: list[str], options: dict[str, str]) -> None:
        for ticket in sorted(self.bench.crash()):
            self.out.append(f"{self.labels[ticket]}: lost")

    def do_txn(self, plain: list[str], options: dict[str, str]) -> None:
        for word in plain[1:]:
            place, _, offset = word.partition("=")
            topic, index = _partition(place)
            key = OffsetCommitKey(group=options.get("group", "g"), topic=topic, partition=index)
            now = self.bench.now
            value = OffsetCommitValue(offset=int(offset), metadata="", commit_timestamp=now, topic_id=bytes(16))
            self.bench.write(Record(key, value, 4), Producer(int(plain[0]), 0))
        self.bench.crash()  # transactions are another's business: here they are found in the log

    def do_end(self, plain: list[str], options: dict[str, str]) -> None:
        self.bench.mark(Marker(Producer(int(plain[0]), 0), plain[1] == "commit", 0))

    # --- telling ----------------------------------------------------------------------------------------------------

    def _ask(self, label: str, make_event: Any) -> None:
        self._label(label)
        self.bench.ask(make_event)

    def _label(self, label: str) -> None:
        self.labels[Ticket(self.bench.tickets + 1)] = label

    def _watch(self, label: str, effects: Effects) -> None:
        if not hasattr(self, "out"):
            return  # its first event, Loaded
        for reply in effects.replies:
            self.out.append(self._brief(f"{self.labels[reply.ticket]}: {_tell(reply.response)}"))
        for batch in effects.batches:
            assert isinstance(batch, Batch)
            for record in batch.records:
                self.out.append(self._brief(f"  writes {_tell_record(record)}"))

    def _brief(self, text: str) -> str:
        """Member ids by their short names, which are given in the order in which ids are seen."""

        def name(found: re.Match[str]) -> str:
            long, prefix = found.group(), found.group(1)
            if long not in self.short.values():
                count = sum(1 for short in self.short if short.startswith(prefix + "."))
                self.short[f"{prefix}.{count + 1}"] = long
            return next(short for short, known in self.short.items() if known == long)

        return MEMBER_ID.sub(name, text)

    def _long(self, short: str) -> str:
        return self.short.get(short, short)


def _partition(word: str) -> tuple[str, int]:
    topic, _, index = word.partition("/")
    return topic, int(index)


def _code(code: int) -> str:
    return "ok" if not code else ErrorCode(code).name


def _tell(response: Any) -> str:
    match response:
        case ErrorCode():
            return _code(response)
        case JoinGroupResponse():
            if response.error_code:
                return _code(response.error_code) + (f" id={response.member_id}" if response.member_id else "")
            roster = " ".join([f"{each.member_id}" for each in response.members])
            skip = " skip" if response.skip_assignment else ""
            return (
                f"joined as {response.member_id} generation={response.generation_id} protocol={response.protocol_name}"
                f" leader={response.leader}" + (f" members=[{roster}]" if response.members else "") + skip
            )
        case SyncGroupResponse():
            return _code(response.error_code) if response.error_code else f"assigned {response.assignment.decode()!r}"
        case LeaveGroupResponse():
            return " ".join([_code(each.error_code) for each in response.members])
        case OffsetCommitResponse():
            parts = [(topic.name, each) for topic in response.topics for each in topic.partitions]
            return " ".join([f"{name}/{each.partition_index} {_code(each.error_code)}" for name, each in parts])
        case OffsetFetchResponseGroup():
            fetched = [(topic.name, each) for topic in response.topics for each in topic.partitions]
            told = [
                f"{name}/{each.partition_index}={_code(each.error_code) if each.error_code else each.committed_offset}"
                for name, each in fetched
            ]
            return " ".join(told) or "nothing"
        case OffsetDeleteResponse():
            if response.error_code:
                return _code(response.error_code)
            deleted = [(topic.name, each) for topic in response.topics for each in topic.partitions]
            return " ".join([f"{name}/{each.partition_index} {_code(each.error_code)}" for name, each in deleted])
        case DescribedGroup():
            members = [
                f"{each.member_id}({'metadata ' if each.member_metadata else ''}{each.member_assignment.decode()!r})"
                for each in response.members
            ]
            head = f"{response.group_state} type={response.protocol_type!r} protocol={response.protocol_data!r}"
            code = f" {_code(response.error_code)}" if response.error_code else ""
            return f"{head}{code} members=[{' '.join(members)}]"
        case list():
            listed = [f"{each.group_id}:{each.group_state}:{each.protocol_type!r}" for each in response]
            return " ".join(listed) or "nothing"
        case _:
            return _code(response.error_code)


def _tell_record(record: Record) -> str:
    key, value = record.key, record.value
    if isinstance(key, GroupMetadataKey):
        if value is None:
            return f"{key.group}: gone"
        assert isinstance(value, GroupMetadataValue)
        members = " ".join([f"{each.member_id}({each.assignment.decode()!r})" for each in value.members])
        return (
            f"{key.group}: generation={value.generation} type={value.protocol_type!r} protocol={value.protocol}"
            f" leader={value.leader} members=[{members}]"
        )
    assert isinstance(key, OffsetCommitKey)
    if value is None:
        return f"{key.group} {key.topic}/{key.partition}: gone"
    assert isinstance(value, OffsetCommitValue)
    expires = f" expires={value.expire_timestamp - START}" if value.expire_timestamp >= 0 else ""
    return f"{key.group} {key.topic}/{key.partition}: {value.offset}{expires}"


def play(script: str) -> str:
    """The script with what really happens."""
    stage, out, skipping = Play(), [], False
    for line in script.splitlines():
        if line == "----":
            skipping = True
        elif skipping:
            skipping = bool(line)
        elif not line or line.startswith("#"):
            out.append(line)
        else:
            result = stage.run(line)
            out += [line, "----", *result.splitlines(), ""]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(out).rstrip() + "\n")


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.txt")), ids=lambda path: path.stem)
def test_a_scenario_ends_as_it_is_written(path: Path) -> None:
    written = path.read_text()
    happens = play(written)
    if os.environ.get("KBROKER_REWRITE"):
        path.write_text(happens)
    else:
        assert happens == written


def test_there_are_scenarios() -> None:
    assert len(list(FOLDER.glob("*.txt"))) >= 10
