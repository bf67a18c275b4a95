"""A member of a streams group, as it has said it is: a value. Where it stands is another (`reconcile.Current`).

Members with the same process id run in one process and share its state on disk; an endpoint is where a process answers
questions about that state (interactive queries).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from wire.durable.streams import Endpoint as RecordedEndpoint
from wire.durable.streams import KeyValue, StreamsGroupMemberMetadataValue


class Endpoint(NamedTuple):
    host: str
    port: int


class Member(NamedTuple):
    id: str
    instance_id: str | None = None
    rack_id: str | None = None
    client_id: str = ""
    client_host: str = ""
    rebalance_timeout_ms: int = -1
    topology_epoch: int = -1
    process_id: str = ""
    endpoint: Endpoint | None = None
    tags: Mapping[str, str] = {}

    @property
    def wishes(self) -> tuple[object, ...]:
        """What the assignment depends on."""
        return self.topology_epoch, self.rack_id, self.tags, self.process_id

    @classmethod
    def of(cls, member_id: str, value: StreamsGroupMemberMetadataValue) -> Member:
        endpoint = value.user_endpoint
        return cls(
            member_id,
            value.instance_id,
            value.rack_id,
            value.client_id,
            value.client_host,
            value.rebalance_timeout_ms,
            value.topology_epoch,
            value.process_id,
            None if endpoint is None else Endpoint(endpoint.host, endpoint.port),
            {tag.key: tag.value for tag in value.client_tags},
        )

    def value(self) -> StreamsGroupMemberMetadataValue:
        endpoint = self.endpoint
        return StreamsGroupMemberMetadataValue(
            instance_id=self.instance_id,
            rack_id=self.rack_id,
            client_id=self.client_id,
            client_host=self.client_host,
            rebalance_timeout_ms=self.rebalance_timeout_ms,
            topology_epoch=self.topology_epoch,
            process_id=self.process_id,
            user_endpoint=None if endpoint is None else RecordedEndpoint(host=endpoint.host, port=endpoint.port),
            client_tags=[KeyValue(key=key, value=value) for key, value in sorted(self.tags.items())],
        )
