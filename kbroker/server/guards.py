"""What a listener has that is not for everybody: a gate, and TLS.

    PLAINTEXT         nothing; nothing of this is imported
    SSL               TLS, and a gate that reads the client's certificate
    SASL_PLAINTEXT    a gate at which clients log in
    SASL_SSL          both: the login says who it is
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from kbroker.server.gate import SaslGate, Strangers
from kbroker.server.logins import ways

if TYPE_CHECKING:
    import ssl

    from kbroker.context import Cluster
    from kbroker.listeners import ListenerSpec
    from kbroker.server.connection import Gate
    from kbroker.server.dispatch import Dispatcher


class Guard(NamedTuple):
    """Who stands at a listener, and how it is encrypted."""

    gate: Gate
    tls: ssl.SSLContext | None
    handshake_seconds: float


class Guards:
    """Those of all listeners of a process: a stranger at one is a stranger at all."""

    def __init__(self, cluster: Cluster, dispatcher: Dispatcher) -> None:
        self._cluster = cluster
        self._dispatcher = dispatcher
        self._strangers = Strangers(cluster.world, cluster.config)

    def of(self, spec: ListenerSpec) -> Guard:
        """Raises ConfigError where the configs do not say enough, or what cannot be."""
        config, name = self._cluster.config, spec.name
        with_sasl, with_tls = spec.security_protocol.startswith("SASL_"), spec.security_protocol.endswith("SSL")
        tls = None
        if with_tls:
            from kbroker.server.tls import CertificateGate, context

            tls = context(config, name, with_sasl=with_sasl)
        gate: Gate
        if with_sasl:
            gate = SaslGate(self._cluster, self._dispatcher, ways(self._cluster, name), self._strangers)
        else:
            gate = CertificateGate(config, name)
        return Guard(gate, tls, config["kbroker.authentication.timeout.ms"] / 1000)
