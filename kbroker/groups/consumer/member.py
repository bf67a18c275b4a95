"""A member of a consumer group, as it has said it is. A value; where it stands is another (`reconcile.Current`).

A member of the classic protocol can be in such a group, too, while the group moves from one protocol to the other: then
`classic` has what JoinGroup told, and its topics are read from its subscription.
"""

from __future__ import annotations

from typing import NamedTuple

from wire.durable.groups import (
    ClassicMemberMetadata,
    ClassicProtocol,
    ConsumerGroupMemberMetadataValue,
)


class Classic(NamedTuple):
    """What a member of the classic protocol has brought."""

    session_timeout_ms: int
    protocols: tuple[tuple[str, bytes], ...]

    def metadata(self, protocol: str) -> bytes:
        return dict(self.protocols).get(protocol, b"")


class Member(NamedTuple):
    id: str
    instance_id: str | None
    rack_id: str | None
    client_id: str
    client_host: str
    topics: tuple[str, ...] = ()
    regex: str = ""
    rebalance_timeout_ms: int = -1
    assignor: str | None = None
    classic: Classic | None = None

    @property
    def wishes(self) -> tuple[object, ...]:
        """What the assignment depends on."""
        return self.topics, self.regex, self.assignor, self.rack_id

    @classmethod
    def of(cls, member_id: str, value: ConsumerGroupMemberMetadataValue) -> Member:
        classic = value.classic_member_metadata
        return cls(
            member_id,
            value.instance_id,
            value.rack_id,
            value.client_id,
            value.client_host,
            tuple(value.subscribed_topic_names),
            value.subscribed_topic_regex or "",
            value.rebalance_timeout_ms,
            value.server_assignor,
            None
            if classic is None
            else Classic(
                classic.session_timeout_ms,
                tuple([(protocol.name, protocol.metadata) for protocol in classic.supported_protocols]),
            ),
        )

    def value(self) -> ConsumerGroupMemberMetadataValue:
        classic = self.classic
        return ConsumerGroupMemberMetadataValue(
            instance_id=self.instance_id,
            rack_id=self.rack_id,
            client_id=self.client_id,
            client_host=self.client_host,
            subscribed_topic_names=list(self.topics),
            subscribed_topic_regex=self.regex,
            rebalance_timeout_ms=self.rebalance_timeout_ms,
            server_assignor=self.assignor,
            classic_member_metadata=None
            if classic is None
            else ClassicMemberMetadata(
                session_timeout_ms=classic.session_timeout_ms,
                supported_protocols=[
                    ClassicProtocol(name=name, metadata=metadata) for name, metadata in classic.protocols
                ],
            ),
        )
