"""What a listener has that is not for everybody: a gate, and TLS.

    PLAINTEXT         nothing; nothing of this is imported
    SSL               TLS, and a gate that reads the client's certificate
    SASL_PLAINTEXT    a gate at which clients log in
    SASL_SSL          both: the login says who it is

What a listener with TLS shows, and whose certificates it believes, is read anew whenever a config of its
`listener.name.<listener>.ssl.` is altered, also to what it was (KIP-226): files of the same name may be others. Who is
connected stays.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from kbroker.config import ConfigError
from kbroker.server.gate import SaslGate, Strangers
from kbroker.server.logins import ways

if TYPE_CHECKING:
    import ssl

    from kbroker.cluster import Cluster
    from kbroker.config import Config
    from kbroker.listeners import ListenerSpec
    from kbroker.server.connection import Gate
    from kbroker.server.dispatch import Dispatcher
    from kbroker.server.tls import Showing

log = logging.getLogger("kbroker.connections")


class Guard(NamedTuple):
    """Who stands at a listener, and how it is encrypted."""

    gate: Gate
    tls: Showing | None
    handshake_seconds: float


class Guards:
    """Those of all listeners of a process: a stranger at one is a stranger at all."""

    def __init__(self, cluster: Cluster, dispatcher: Dispatcher) -> None:
        self._cluster = cluster
        self._dispatcher = dispatcher
        self._strangers = Strangers(cluster.world, cluster.config)
        self._showing: dict[str, tuple[Showing, bool]] = {}

    def of(self, spec: ListenerSpec) -> Guard:
        """Raises ConfigError where the configs do not say enough, or what cannot be."""
        config, name = self._cluster.config, spec.name
        with_sasl, with_tls = spec.security_protocol.startswith("SASL_"), spec.security_protocol.endswith("SSL")
        tls = None
        if with_tls:
            from kbroker.server.tls import Showing, context

            tls, _ = self._showing.setdefault(name, (Showing(), with_sasl))
            tls.now = context(config, name, with_sasl=with_sasl)
        gate: Gate
        if with_sasl:
            gate = SaslGate(self._cluster, self._dispatcher, ways(self._cluster, name), self._strangers)
        else:
            from kbroker.server.tls import CertificateGate

            gate = CertificateGate(config, name)
        return Guard(gate, tls, config["kbroker.authentication.timeout.ms"] / 1000)

    def check(self, own: Mapping[str, str]) -> None:
        """Could listeners with TLS go on with these configs of the broker? Raises ConfigError."""
        self._contexts(self._cluster.config.with_own(own))

    def renew(self) -> None:
        """Read again what the configs name; what cannot be read stays as it was."""
        try:
            made = self._contexts(self._cluster.config)
        except ConfigError as error:
            log.warning("listeners with TLS go on with what they have shown: %s", error)
            return
        for name, now in made.items():
            self._showing[name][0].now = now

    def _contexts(self, config: Config) -> dict[str, ssl.SSLContext]:
        from kbroker.server.tls import context

        return {name: context(config, name, with_sasl=with_sasl) for name, (_, with_sasl) in self._showing.items()}
