"""Whom to ask instead (KIP-951): a node that does not lead a partition says who does, and where that one listens.

It saves the client a round of Metadata. Sent with NOT_LEADER_OR_FOLLOWER and FENCED_LEADER_EPOCH, and only then.
"""

from __future__ import annotations

from collections.abc import Iterator

from kbroker.catalog import Topic
from kbroker.context import Context
from wire.errors import ErrorCode

HINTED = frozenset((ErrorCode.NOT_LEADER_OR_FOLLOWER, ErrorCode.FENCED_LEADER_EPOCH))


class Leaders:
    """The leaders that one answer names."""

    __slots__ = ("_ctx", "named")

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self.named: set[int] = set()

    def name(self, code: int, topic: Topic | None, index: int) -> tuple[int, int] | None:
        """The leader and its epoch, if this error is one that calls for it."""
        if code not in HINTED or topic is None:
            return None
        leader, epoch = self._ctx.cluster.catalog.leader(topic, index)
        self.named.add(leader)
        return leader, epoch

    def endpoints(self) -> Iterator[tuple[int, str, int, str | None]]:
        """Node id, host, port and rack of all that were named."""
        for node_id in sorted(self.named):
            endpoint = self._ctx.endpoint(node_id)
            if endpoint is not None:
                yield node_id, *endpoint, self._ctx.cluster.catalog.nodes[node_id].rack
