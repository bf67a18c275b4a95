"""After a reset: a client that was connected before it still knows topics, and asks for them; that shall not make them.

Such a client comes back on another connection, so it is known by its host and client id. What a client of another name
asks for is made as ever, and what anybody makes on purpose, too. Stands in the place of Metadata's handler, as faults
do, only after a reset that found anybody connected.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from wire.messages.metadata import MetadataRequest

if TYPE_CHECKING:
    from kbroker.context import Context
    from kbroker.control.control import Control
    from kbroker.server.apis import Handler

METADATA = 3


class Guard:
    """`names` were topics, `clients` were there (host and client id)."""

    def __init__(self, control: Control) -> None:
        self._control = control
        self._handler: Handler | None = None
        self._own: Handler | None = None
        self.names: set[str] = set()
        self.clients: set[tuple[str, str | None]] = set()

    def stand(self) -> None:
        """Before a reset."""
        control = self._control
        self.names |= {topic.name for topic in control.cluster.catalog.topics()}
        self.clients |= {(connection.host, connection.client_id) for connection in control.server.connections}
        if self._handler is None and self.clients and self.names:
            entry = control.cluster.apis.entry(METADATA)
            assert entry is not None
            self._handler = entry.handler
            self._own = entry.handler = partial(self._ask, entry.handler)

    def lift(self) -> None:
        """Metadata has its own handler again, unless a fault stands before it: then this one lets everything pass."""
        self.names.clear()
        self.clients.clear()
        entry = self._control.cluster.apis.entry(METADATA)
        if entry is not None and self._handler is not None and entry.handler is self._own:
            entry.handler, self._handler = self._handler, None

    def _ask(self, handler: Handler, request: MetadataRequest, ctx: Context) -> Any:
        was_here = (ctx.connection.host, ctx.client_id) in self.clients
        if was_here and request.allow_auto_topic_creation and request.topics:
            known = self._control.cluster.catalog
            if any(each.name in self.names and known.topic(each.name or "") is None for each in request.topics):
                request.allow_auto_topic_creation = False
        return handler(request, ctx)
