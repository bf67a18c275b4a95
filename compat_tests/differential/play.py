"""Plays a scenario on a broker and tells what it answered, with names for what must differ.

Connections are opened at their first use and belong to the scenario. Nothing here knows which broker it talks to.
"""

from __future__ import annotations

import itertools
import socket
import struct
import threading
import time
from collections import deque
from typing import Any

from compat_tests.differential import records
from compat_tests.differential.names import Names
from compat_tests.differential.scenario import CLOSED, NOTHING, Ask, ClientId, Scenario, Take, Topic
from wire import jsonform
from wire.header import encode_request_header, response_header_version
from wire.registry import APIS

API = {api.kafka_name: api for api in APIS.values()}
CLIENT_ID = "differential"
TIMEOUT_S = 15.0
PAUSE_S = 0.02  # between two times of asking the same again
TIME_AGO_MS = 600_000


class Stuck(Exception):
    """No answer in time, or never the one that a step waits for."""


class Connection:
    """One socket, whose answers come in the order of its requests."""

    def __init__(self, host: str, port: int) -> None:
        self._address = (host, port)
        self._socket: socket.socket | None = None
        self._numbers = itertools.count(1)
        self.client_id = CLIENT_ID
        self.pending: deque[tuple[int, Ask]] = deque()

    def send(self, ask: Ask, body: dict[str, Any]) -> int:
        number = next(self._numbers)
        if ask.raw is not None:
            frame = ask.raw
        else:
            message = jsonform.from_json(API[ask.api].request_class(), body, ask.version)
            frame = encode_request_header(API[ask.api].key, ask.version, number, self.client_id)
            frame += message.encode(ask.version)
        if self._socket is None:
            self._socket = socket.create_connection(self._address, timeout=TIMEOUT_S)
        self._socket.sendall(struct.pack(">i", len(frame)) + frame)
        return number

    def receive(self) -> bytes | None:
        """The next frame, or None if the broker closed the connection."""
        size = self._exactly(4)
        return None if size is None else self._exactly(struct.unpack(">i", size)[0])

    def _exactly(self, count: int) -> bytes | None:
        assert self._socket is not None
        data = b""
        try:
            while len(data) < count:
                part = self._socket.recv(count - len(data))
                if not part:
                    self.close()
                    return None
                data += part
        except ConnectionResetError:
            self.close()
            return None
        except TimeoutError:
            raise Stuck("no answer") from None
        return data

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None


class Player:
    """One run of one scenario."""

    def __init__(self, host: str, port: int) -> None:
        self.host = host
        self.port = port
        self.names = Names(int(time.time() * 1000) - TIME_AGO_MS)
        self.connections: dict[str, Connection] = {}

    def play(self, scenario: Scenario) -> list[Any]:
        answers = []
        by_heartbeat = any(ask.api.endswith("GroupHeartbeat") for ask in scenario.asks)
        try:
            for step in scenario.steps:
                if isinstance(step, Topic):
                    self._make(step)
                    if by_heartbeat:
                        self._assignable(step)
                elif isinstance(step, ClientId):
                    self._connection(step.connection).client_id = step.client_id
                elif not step.waits:
                    connection = self._connection(step.connection)
                    connection.pending.append((connection.send(step, self._body(step)), step))
                else:
                    answers.append(self._answer(step))
        except Exception as error:
            where = f"{scenario.name}, line {getattr(step, 'line', '?')}"
            raise Stuck(f"{where}: {type(error).__name__}: {error}") from error
        finally:
            for connection in self.connections.values():
                connection.close()
        return answers

    def _connection(self, name: str) -> Connection:
        return self.connections.setdefault(name, Connection(self.host, self.port))

    def _body(self, ask: Ask) -> Any:
        return records.encode(self.names.fill(ask.body), self.names.time_ms)

    def _answer(self, ask: Ask) -> Any:
        connection = self._connection(ask.connection)
        if isinstance(ask, Take):
            number, asked = connection.pending.popleft()
            asked.lets = ask.lets
            return self._read(connection, number, asked)[1]
        body = self._body(ask)
        until = time.monotonic() + TIMEOUT_S
        while True:
            tree, shown = self._read(connection, connection.send(ask, body), ask)
            if not _again(ask, tree):
                return shown
            if time.monotonic() > until:
                raise Stuck(f"still {shown}")
            threading.Event().wait(PAUSE_S)

    def _read(self, connection: Connection, number: int, ask: Ask) -> tuple[Any, Any]:
        """The answer as a tree in Kafka's JSON form, and with names."""
        if ask.api == "Produce" and ask.body.get("acks") == 0:
            return None, self._silence(connection)
        frame = connection.receive()
        if frame is None:
            return None, CLOSED
        if ask.raw is not None:
            return None, {"hex": frame.hex()}
        if struct.unpack_from(">i", frame)[0] != number:
            raise Stuck("an answer with a correlation id that is not this request's")
        start = 4
        if response_header_version(API[ask.api].key, ask.version):
            start = 5
        kind = API[ask.api].response_class()
        version = ask.version
        tree = jsonform.to_json(kind.decode(memoryview(frame)[start:], version), version)
        for name, path in ask.lets:
            self.names.bind(name, at(tree, path))
        return tree, self.names.show(tree, kind)

    def _silence(self, connection: Connection) -> str:
        """The next answer is that of the next request, or the connection ends."""
        try:
            number = connection.send(Ask("", "ApiVersions"), {})
            frame = connection.receive()
        except OSError:
            connection.close()
            return CLOSED
        if frame is None:
            return CLOSED
        if struct.unpack_from(">i", frame)[0] != number:
            raise Stuck("an answer to what wants none")
        return NOTHING

    def _make(self, topic: Topic) -> None:
        """Creates the topic and waits until each of its partitions is led."""
        name = self.names.value(topic.name)
        configs = [{"name": key, "value": value} for key, value in topic.configs.items()]
        creation = {"name": name, "numPartitions": topic.partitions, "replicationFactor": 1, "configs": configs}
        ask = Ask("-", "CreateTopics", 7, {"topics": [creation], "timeoutMs": 30_000})
        made, _ = self._read(self._connection("-"), self._connection("-").send(ask, ask.body), ask)
        if made["topics"][0]["errorCode"]:
            raise Stuck(f"the topic is not made: {made}")
        self.names.bind(topic.name + ".id", made["topics"][0]["topicId"])
        places = [{"partitionIndex": number, "timestamp": -1} for number in range(topic.partitions)]
        body = {"replicaId": -1, "topics": [{"name": name, "partitions": places}]}
        self._answer(Ask("-", "ListOffsets", 7, body, again_while=(3, 5, 6)))

    def _assignable(self, topic: Topic) -> None:
        """Waits until coordinators of groups know the topic: Kafka's learn of it later than its brokers."""
        body = {
            "groupId": self.names.value("$warm") + topic.name,
            "memberId": self.names.value("$uuid_warm"),
            "rebalanceTimeoutMs": 60_000,
            "subscribedTopicNames": [self.names.value(topic.name)],
            "topicPartitions": [],
        }
        has_it = ("assignment.topicPartitions.0.partitions.0", "0")
        self._answer(Ask("-", "ConsumerGroupHeartbeat", 1, body, until=has_it))
        self._answer(Ask("-", "ConsumerGroupHeartbeat", 1, body | {"memberEpoch": -1}))


def at(tree: Any, path: str) -> Any:
    """What lies there: `groups.0.members.1.memberId`."""
    for part in path.split("."):
        tree = tree[int(part)] if isinstance(tree, list) else tree[part]
    return tree


def _again(ask: Ask, tree: Any) -> bool:
    if ask.again_while and any(code in ask.again_while for code in _codes(tree)):
        return True
    if ask.until is None:
        return False
    try:
        return str(at(tree, ask.until[0])) != ask.until[1]
    except (IndexError, KeyError, TypeError):
        return True


def _codes(tree: Any) -> list[int]:
    if isinstance(tree, list):
        return [code for item in tree for code in _codes(item)]
    if not isinstance(tree, dict):
        return []
    own = [tree["errorCode"]] if "errorCode" in tree else []
    return own + [code for item in tree.values() for code in _codes(item)]


def warm_up(host: str, port: int) -> None:
    """After this a fresh Kafka has what it is late with: its coordinators and its first block of producer ids."""
    player = Player(host, port)
    for key_type, key in ((0, "warm"), (1, "warm")):
        body = {"keyType": key_type, "coordinatorKeys": [key]}
        player._answer(Ask("-", "FindCoordinator", 4, body, again_while=(14, 15, 16)))
    ask = Ask("-", "InitProducerId", 4, {"transactionTimeoutMs": 60_000}, again_while=(14, 15, 16, 51))
    player._answer(ask)
    ask.body = {"transactionalId": "warm", "transactionTimeoutMs": 60_000}
    player._answer(ask)
    body = {"groups": [{"groupId": "warm", "topics": None}]}
    player._answer(Ask("-", "OffsetFetch", 9, body, again_while=(14, 15, 16)))
    player._connection("-").close()
