"""What can be asked of a broker: the verbs of `kbroker/control`, typed, in the words of a test.

`timeout` is in seconds of real time everywhere. A wait that is not over by then raises NotSeen, which says what was
seen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from kbroker.control.shapes import (
    Connection,
    Fault,
    Frame,
    Header,
    LogLine,
    Place,
    Push,
    Record,
    Request,
    State,
    Topic,
    Versions,
)
from kbroker.testing.ask import Ask, verb
from kbroker.testing.groups import GroupVerbs, text_of, texts_of

Text = str | bytes


class Verbs(GroupVerbs):
    """Topics, records, and the broker as a whole; groups and transactions are inherited."""

    # --- topics -------------------------------------------------------------------------------------------------------

    @verb
    def create_topic(
        self,
        name: str,
        partitions: int = 1,
        *,
        replication_factor: int = -1,
        configs: Mapping[str, object] | None = None,
    ) -> Ask[Topic]:
        """Make a topic. It is there for every client when this returns."""
        texts = {each: text_of(value) for each, value in (configs or {}).items()}
        return self._ask(
            Topic,
            "topics.create",
            name=name,
            partitions=partitions,
            replication_factor=replication_factor,
            configs=texts,
        )

    @verb
    def topics(self, *, internal: bool = False) -> Ask[list[Topic]]:
        """All topics; the internal ones only if asked for."""
        return self._ask(list[Topic], "topics.list", internal=internal)

    @verb
    def topic(self, name: str) -> Ask[Topic]:
        """One topic: its id, configs, and every partition with its offsets, leader and epoch."""
        return self._ask(Topic, "topics.get", name=name)

    @verb
    def delete_topic(self, name: str) -> Ask[None]:
        """Delete a topic and what it holds."""
        return self._ask(None, "topics.delete", name=name)

    @verb
    def grow_topic(self, name: str, partitions: int) -> Ask[Topic]:
        """Give a topic more partitions, `partitions` in all."""
        return self._ask(Topic, "topics.grow", name=name, partitions=partitions)

    @verb
    def configure_topic(self, name: str, configs: Mapping[str, object]) -> Ask[Topic]:
        """Set configs of a topic; None takes one back."""
        return self._ask(Topic, "topics.configure", name=name, configs=texts_of(configs))

    @verb
    def delete_records(self, name: str, partition: int, before: int = -1) -> Ask[Topic]:
        """Delete the records below an offset; -1 deletes all."""
        return self._ask(Topic, "topics.delete_records", name=name, partition=partition, before=before)

    # --- records ------------------------------------------------------------------------------------------------------

    @verb
    def produce(
        self,
        topic: str,
        *values: Text | Record | None,
        key: Text | None = None,
        headers: Mapping[str, Text | None] | Sequence[tuple[str, Text | None]] = (),
        partition: int = -1,
        timestamp: int = -1,
    ) -> Ask[list[Place]]:
        """Write records: values that share a key, headers and partition, or whole `Record`s. The topic is made if the
        broker makes topics by itself. Where they lie now."""
        pairs = headers.items() if isinstance(headers, Mapping) else headers
        common = Record(
            key=bytes_of(key),
            headers=[Header(name, bytes_of(value)) for name, value in pairs],
            partition=partition,
            timestamp=timestamp,
        )
        records = [one if isinstance(one, Record) else common._replace(value=bytes_of(one)) for one in values]
        return self._ask(list[Place], "records.produce", topic=topic, records=records)

    @verb
    def records(
        self,
        topic: str,
        *,
        partition: int | None = None,
        offset: int = 0,
        limit: int = 10_000,
        read_committed: bool = True,
    ) -> Ask[list[Record]]:
        """What a topic holds, by partition and offset. Without `read_committed`, also what transactions have left open
        or taken back."""
        return self._ask(
            list[Record],
            "records.read",
            topic=topic,
            partition=partition,
            offset=offset,
            limit=limit,
            read_committed=read_committed,
        )

    @verb
    def wait_records(
        self,
        topic: str,
        count: int = 1,
        *,
        partition: int | None = None,
        offset: int = 0,
        read_committed: bool = True,
        timeout: float = 10.0,
    ) -> Ask[list[Record]]:
        """Wait until a topic has so many records; all that it has then."""
        return self._ask(
            list[Record],
            "records.wait",
            topic=topic,
            count=count,
            partition=partition,
            offset=offset,
            read_committed=read_committed,
            timeout=float(timeout),
        )

    # --- the data as a whole ------------------------------------------------------------------------------------------

    @verb
    def reset(self, *, keep: str = "") -> Ask[None]:
        """Forget everything, for the next test: topics, records, groups, faults, history. The port stays, and clients
        that are open come back by themselves. `keep="topics"` empties the topics and keeps their configs."""
        return self._ask(None, "data.reset", keep=keep)

    @verb
    def snapshot(self) -> Ask[int]:
        """Keep everything as it is now; the number for `restore`."""
        return self._ask(int, "data.snapshot")

    @verb
    def restore(self, snapshot: int) -> Ask[None]:
        """Bring back what was kept, as often as one likes."""
        return self._ask(None, "data.restore", snapshot=snapshot)

    @verb
    def load_recording(self, text: str) -> Ask[dict[str, int]]:
        """Make the topics and write the records of a recording of the wire; how many records each topic has got."""
        return self._ask(dict[str, int], "data.recording", text=text)

    @verb
    def forget_snapshot(self, snapshot: int) -> Ask[None]:
        """Let go of a snapshot."""
        return self._ask(None, "data.forget", snapshot=snapshot)

    @verb
    def allow_auto_create(self) -> Ask[None]:
        """After a reset: let clients that were connected before it make topics again by asking for them."""
        return self._ask(None, "data.allow_auto_create")

    # --- faults that have a name of their own -------------------------------------------------------------------------

    @verb
    def chaos(self, seed: int = 0, level: int = 1) -> Ask[list[Fault]]:
        """A mix of faults that a correct client survives, at level 1, 2 or 3; `faults.clear()` ends it."""
        return self._ask(list[Fault], "faults.chaos", seed=seed, level=level)

    @verb
    def half_open(self, *, client_id: str | None = None, connection: int | None = None) -> Ask[int]:
        """Let connections be half open: the client has them, and nobody reads or answers there any more. New ones
        work. How many they were; `disconnect` ends them."""
        return self._ask(int, "broker.half_open", client_id=client_id, connection=connection)

    @verb
    def truncate(self, topic: str, partition: int, end: int) -> Ask[Topic]:
        """Lose the records of a partition from an offset on, in a later leader epoch, as an unclean election does."""
        return self._ask(Topic, "topics.truncate", name=topic, partition=partition, end=end)

    # --- telemetry ----------------------------------------------------------------------------------------------------

    @verb
    def request_metrics(
        self, *metrics: str, interval_ms: int = 1000, match: str = "", name: str = "kbroker-control"
    ) -> Ask[None]:
        """Ask clients for metrics whose names begin so, "*" for all (KIP-714); without any, take the question back."""
        return self._ask(
            None, "telemetry.request", metrics=list(metrics), interval_ms=interval_ms, match=match, name=name
        )

    @verb
    def pushed_metrics(self, client_id: str | None = None) -> Ask[list[Push]]:
        """What clients have pushed, the oldest first."""
        return self._ask(list[Push], "telemetry.list", client_id=client_id)

    # --- access -------------------------------------------------------------------------------------------------------

    @verb
    def allow(self, principal: str, operation: str, resource_type: str, name: str) -> Ask[None]:
        """Add an access rule: ("User:alice", "READ", "TOPIC", "orders"); a name that ends with * is a prefix."""
        return self._ask(
            None,
            "access.allow",
            principal=principal,
            operation=operation,
            resource_type=resource_type,
            name=name,
        )

    # --- versions and disk --------------------------------------------------------------------------------------------

    @verb
    def limit_versions(self, api: str, max: int | None = None, *, min: int | None = None) -> Ask[list[Versions]]:
        """Serve only these versions of an API from now on; a max of -1 takes it away."""
        return self._ask(list[Versions], "versions.limit", api=api, max=max, min=min)

    @verb
    def emulate(self, release: str) -> Ask[list[Versions]]:
        """Serve the versions of an older release, "2.8" to "4.3", as far as this broker has them."""
        return self._ask(list[Versions], "versions.emulate", release=release)

    @verb
    def serve_all_versions(self) -> Ask[list[Versions]]:
        """Undo `limit_versions` and `emulate`."""
        return self._ask(list[Versions], "versions.clear")

    @verb
    def disk_full(self, on: bool = True) -> Ask[None]:
        """Refuse every write as a full disk does; off with `disk_full(False)`."""
        return self._ask(None, "disk.full", on=on)

    @verb
    def slow_disk(self, delay_ms: int) -> Ask[None]:
        """Let every write take so much longer; 0 heals it."""
        return self._ask(None, "disk.slow", delay_ms=delay_ms)

    @verb
    def crash(self) -> Ask[int]:
        """Lose the power and start again: what was never synced is gone; how many bytes. The port stays."""
        return self._ask(int, "disk.crash")

    # --- retention and compaction -------------------------------------------------------------------------------------

    @verb
    def compact(self, topic: str | None = None) -> Ask[None]:
        """Compact at once: of each key the newest record stays, the active segment included."""
        return self._ask(None, "clock.compact", topic=topic)

    @verb
    def apply_retention(self, topic: str | None = None) -> Ask[None]:
        """Delete at once what retention.ms and retention.bytes let go of."""
        return self._ask(None, "clock.apply_retention", topic=topic)

    # --- what clients did ---------------------------------------------------------------------------------------------

    @verb
    def requests(
        self,
        api: str | None = None,
        *,
        client_id: str | None = None,
        connection: int | None = None,
        since: int = 0,
        failed: bool = False,
        limit: int = 10_000,
    ) -> Ask[list[Request]]:
        """Requests with their responses, decoded, as they came: of one API, one client, after a number that `mark` has
        given, or only those that met an error."""
        return self._ask(
            list[Request],
            "requests.list",
            api=api,
            client_id=client_id,
            connection=connection,
            since=since,
            failed=failed,
            limit=limit,
        )

    @verb
    def wait_requests(
        self,
        api: str,
        count: int = 1,
        *,
        client_id: str | None = None,
        since: int = 0,
        failed: bool = False,
        timeout: float = 10.0,
    ) -> Ask[list[Request]]:
        """Wait until so many requests of an API have been answered."""
        return self._ask(
            list[Request],
            "requests.wait",
            api=api,
            count=count,
            client_id=client_id,
            since=since,
            failed=failed,
            timeout=float(timeout),
        )

    @verb
    def mark(self) -> Ask[int]:
        """The number of the newest request: `since` this one means from now on."""
        return self._ask(int, "requests.mark")

    @verb
    def forget_requests(self) -> Ask[None]:
        """Forget what was seen."""
        return self._ask(None, "requests.clear")

    @verb
    def disconnects(self) -> Ask[list[Connection]]:
        """The connections that have ended, each with the reason."""
        return self._ask(list[Connection], "requests.disconnects")

    @verb
    def frames(self, since: int = 0) -> Ask[list[Frame]]:
        """The bytes of requests and replies, in base64."""
        return self._ask(list[Frame], "requests.frames", since=since)

    # --- the broker ---------------------------------------------------------------------------------------------------

    @verb
    def state(self, *, internal: bool = False) -> Ask[State]:
        """Topics, groups, transactions, connections and the time, all at once."""
        return self._ask(State, "broker.state", internal=internal)

    @verb
    def disconnect(self, *, client_id: str | None = None, connection: int | None = None) -> Ask[int]:
        """Close the connections of a client, one connection, or all, at once. How many they were."""
        return self._ask(int, "broker.disconnect", client_id=client_id, connection=connection)

    @verb
    def log(self, level: str = "INFO", limit: int = 200) -> Ask[list[LogLine]]:
        """The newest lines of the broker's log."""
        return self._ask(list[LogLine], "broker.log", level=level, limit=limit)

    @verb
    def connections(self) -> Ask[list[Connection]]:
        """The clients that are connected now."""
        return self._ask(list[Connection], "broker.connections")

    @verb
    def configure(self, configs: Mapping[str, object]) -> Ask[None]:
        """Set broker configs while the broker runs; None takes one back."""
        return self._ask(None, "broker.configure", configs=texts_of(configs))


def bytes_of(text: Text | None) -> bytes | None:
    return text.encode() if isinstance(text, str) else text
