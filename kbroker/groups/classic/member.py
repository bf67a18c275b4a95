"""A member of a classic group.

Its session is a deadline, not a timer that every heartbeat sets anew: `deadline` moves with each sign of life, the
timer is armed once and looks at the deadline when it rings. A member that waits for a join or sync answer cannot send
anything, so it cannot expire then; except a newcomer, whose client may have gone away while it was parked, and which
is given five minutes.
"""

from __future__ import annotations

from collections.abc import Sequence

from kbroker.machine import Ticket


class Member:
    __slots__ = (
        "armed_at",
        "assignment",
        "client_host",
        "client_id",
        "deadline",
        "id",
        "instance_id",
        "is_new",
        "join_ticket",
        "protocols",
        "rebalance_timeout_ms",
        "session_timeout_ms",
        "sync_ticket",
    )

    def __init__(
        self,
        id: str,
        instance_id: str | None,
        client_id: str,
        client_host: str,
        rebalance_timeout_ms: int,
        session_timeout_ms: int,
        protocols: Sequence[tuple[str, bytes]],
        assignment: bytes = b"",
    ) -> None:
        self.id = id
        self.instance_id = instance_id
        self.client_id = client_id
        self.client_host = client_host
        self.rebalance_timeout_ms = rebalance_timeout_ms
        self.session_timeout_ms = session_timeout_ms
        self.protocols = tuple(protocols)
        """Names with metadata (of consumers: the subscription), best liked first."""
        self.assignment = assignment
        self.join_ticket: Ticket | None = None
        self.sync_ticket: Ticket | None = None
        self.is_new = False
        self.deadline = 0
        self.armed_at: int | None = None

    def metadata(self, protocol: str | None) -> bytes:
        for name, metadata in self.protocols:
            if name == protocol:
                return metadata
        return b""

    @property
    def may_expire(self) -> bool:
        return self.is_new or (self.join_ticket is None and self.sync_ticket is None)

    def __repr__(self) -> str:
        return f"<Member {self.id}>"
