"""A cluster as a client sees it: which broker to ask for what, and asking again while things are moving.

The first bootstrap address that answers is asked about the others. A coordinator or a leader that has moved answers
with a retriable error: `settled` asks again, with what is known by then, until the time is up.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from typing import NamedTuple, TypeVar

from kbroker.client.connection import Connection
from kbroker.client.errors import ClientError, Unreachable, check
from kbroker.client.settings import Settings
from wire.errors import ErrorCode, KafkaError
from wire.messages.find_coordinator import FindCoordinatorRequest, FindCoordinatorResponse
from wire.messages.metadata import MetadataRequest, MetadataRequestTopic, MetadataResponse, MetadataResponseTopic
from wire.primitives import ZERO_UUID
from wire.schema import Request, Response

Answer = TypeVar("Answer", bound=Response)
Result = TypeVar("Result")

GROUP, TRANSACTION, SHARE = 0, 1, 2
PAUSE_S = 0.05


class Broker(NamedTuple):
    id: int
    host: str
    port: int
    rack: str | None


class Client:
    """Use it in a `with` block: leaving it closes the connections. Raises ClientError and KafkaError."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._any: Connection | None = None
        self._nodes: dict[int, Connection] = {}
        self._brokers: dict[int, Broker] = {}
        self.controller_id = -1

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        for connection in (*self._nodes.values(), *((self._any,) if self._any else ())):
            connection.close()
        self._any, self._nodes = None, {}

    # --- whom to ask ----------------------------------------------------------------------------------------------

    def any(self) -> Connection:
        """The first of the bootstrap addresses that answers."""
        if self._any is None:
            failures = []
            for address in self.settings.bootstrap:
                try:
                    self._any = self._connect(address)
                    return self._any
                except Unreachable as error:
                    failures.append(str(error))
            raise Unreachable("; ".join(failures))
        return self._any

    def node(self, id: int) -> Connection:
        """That broker, at the address that it advertises."""
        if id not in self._nodes:
            if id not in self._brokers:
                self.metadata(())
            if id not in self._brokers:
                raise ClientError(f"the cluster has no broker {id}; it has {', '.join(map(str, self._brokers))}")
            broker = self._brokers[id]
            try:
                self._nodes[id] = self._connect((broker.host, broker.port))
            except Unreachable as error:
                raise Unreachable(f"{error} (the address that broker {id} advertises)") from None
        return self._nodes[id]

    def controller(self) -> Connection:
        """Who decides about topics and configs. Brokers with KRaft name any of themselves, which passes it on."""
        self.metadata(())
        return self.node(self.controller_id) if self.controller_id >= 0 else self.any()

    def coordinator(self, key: str, kind: int = GROUP) -> Connection:
        """The broker that looks after this group or transactional id."""
        return self.node(self.settled(lambda: self._coordinator(key, kind)))

    def brokers(self) -> list[Broker]:
        self.metadata(())
        return sorted(self._brokers.values())

    def everywhere(self) -> list[Connection]:
        """Every broker of the cluster."""
        return [self.node(broker.id) for broker in self.brokers()]

    # --- what there is --------------------------------------------------------------------------------------------

    def metadata(self, topics: Collection[str] | None, *, create: bool = False) -> MetadataResponse:
        """These topics, or all with None. Learns the brokers' addresses on the way."""
        named = None if topics is None else [MetadataRequestTopic(topic_id=ZERO_UUID, name=name) for name in topics]
        request = MetadataRequest(
            topics=named,
            allow_auto_topic_creation=create,
            include_cluster_authorized_operations=False,
            include_topic_authorized_operations=False,
        )
        answer = self.any().call(request, MetadataResponse)
        check(answer.error_code)
        self._brokers = {one.node_id: Broker(one.node_id, one.host, one.port, one.rack) for one in answer.brokers}
        self.controller_id = answer.controller_id
        return answer

    def topic(self, name: str, *, create: bool = False) -> MetadataResponseTopic:
        """One topic whose partitions all have leaders; waits for a leader, and KafkaError where there is no such
        topic.
        """

        def look() -> MetadataResponseTopic:
            topic = self.metadata((name,), create=create).topics[0]
            check(topic.error_code, f"There is no topic {name}." if topic.error_code == 3 else None)
            for partition in topic.partitions:
                check(partition.error_code, f"Partition {partition.partition_index} of {name} has no leader.")
            return topic

        return self.settled(look, but=() if create else (ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,))

    def leaders(self, topic: str) -> dict[int, int]:
        """The node that leads each partition."""
        return {one.partition_index: one.leader_id for one in self.topic(topic).partitions}

    # --- asking ---------------------------------------------------------------------------------------------------

    def settled(self, attempt: Callable[[], Result], *, but: Sequence[ErrorCode] = ()) -> Result:
        """What the attempt gives, tried again on retriable errors (not those in `but`) until the time is up."""
        deadline = time.monotonic() + self.settings.timeout
        while True:
            try:
                return attempt()
            except KafkaError as error:
                if not error.code.retriable or error.code in but or time.monotonic() > deadline:
                    raise
            time.sleep(PAUSE_S)

    def ask_coordinator(
        self, key: str, request: Request, answer: type[Answer], code: Callable[[Answer], int], kind: int = GROUP
    ) -> Answer:
        """Ask a coordinator, and look for it again while it moves or loads. `code` finds the error that says so."""

        def attempt() -> Answer:
            got = self.coordinator(key, kind).call(request, answer)
            if code(got) in _MOVING:
                check(code(got))
            return got

        return self.settled(attempt)

    def _coordinator(self, key: str, kind: int) -> int:
        asked = FindCoordinatorRequest(key_type=kind, key=key, coordinator_keys=[key])
        connection = self.any()
        if connection.version_of(asked.__api_key__) >= 4:
            asked.key = ""
            found = connection.call(asked, FindCoordinatorResponse).coordinators[0]
            check(found.error_code, found.error_message)
            self._brokers[found.node_id] = Broker(found.node_id, found.host, found.port, None)
            return found.node_id
        asked.coordinator_keys = []
        answer = connection.call(asked, FindCoordinatorResponse)
        check(answer.error_code, answer.error_message)
        self._brokers[answer.node_id] = Broker(answer.node_id, answer.host, answer.port, None)
        return answer.node_id

    def _connect(self, address: tuple[str, int]) -> Connection:
        return Connection(
            address, self.settings.security, client_id=self.settings.client_id, timeout=self.settings.timeout
        )


_MOVING = {
    ErrorCode.COORDINATOR_LOAD_IN_PROGRESS,
    ErrorCode.COORDINATOR_NOT_AVAILABLE,
    ErrorCode.NOT_COORDINATOR,
    ErrorCode.CONCURRENT_TRANSACTIONS,
}
