"""One connection to one broker: connect, agree on versions, say who we are, then ask.

The first request is ApiVersions. A broker that does not know our version answers in version 0 with its own range
(KIP-511), and is asked once more. After that each request goes in the newest version that both ends have.

Requests may be pipelined: `send` to several brokers, then `receive` from each, waits for the slowest and not for the
sum.
"""

from __future__ import annotations

import socket
import ssl
from typing import TypeVar

from kbroker.client.errors import ClientError, Unreachable, check
from kbroker.client.security import Security, authenticate
from kbroker.listeners import place
from kbroker.version import VERSION
from wire.conversation import ClientConversation
from wire.errors import ErrorCode, ProtocolError
from wire.messages.api_versions import ApiVersionsRequest, ApiVersionsResponse
from wire.registry import APIS
from wire.schema import Request, Response

Address = tuple[str, int]
Answer = TypeVar("Answer", bound=Response)

RECEIVE_BYTES = 1 << 18


class Connection:
    """A socket with a broker at its end. Raises Unreachable when it is none, ClientError when the two cannot agree."""

    def __init__(self, address: Address, security: Security, *, client_id: str, timeout: float) -> None:
        self.address = address
        self.place = place(*address)
        self._conversation = ClientConversation(client_id)
        self._timeout = timeout
        self._answers: list[Response] = []
        self._socket = self._connected(security)
        self.versions: dict[int, tuple[int, int]] = {}
        try:
            self.features = self._agree()
            if security.mechanism is not None:
                authenticate(self, security)
        except BaseException:
            self.close()
            raise

    @property
    def raw(self) -> socket.socket:
        """The socket, connected and logged in, for whoever has frames of his own to send."""
        return self._socket

    def close(self) -> None:
        self._socket.close()

    def call(self, request: Request, answer: type[Answer], *, newest: int | None = None, wait: float = 0) -> Answer:
        """Ask and wait for the answer, `wait` seconds longer than usual where the broker may take its time."""
        self.send(request, newest=newest)
        got = self.receive(wait)
        assert isinstance(got, answer)
        return got

    def send(self, request: Request, *, newest: int | None = None) -> None:
        """Ask in the newest version that both know, or that `newest` allows."""
        try:
            parts = self._conversation.send(request, self.version_of(request.__api_key__, newest))
        except ProtocolError as error:
            raise ClientError(f"{self.place} is too old for this: {error}") from None
        try:
            self._socket.sendall(b"".join(parts))
        except OSError as error:
            raise Unreachable(f"{self.place} closed the connection: {_reason(error)}") from None

    def receive(self, wait: float = 0) -> Response:
        """The answer to the oldest request that has none."""
        self._socket.settimeout(self._timeout + wait)
        while not self._answers:
            try:
                data = self._socket.recv(RECEIVE_BYTES)
            except TimeoutError:
                raise Unreachable(f"{self.place} did not answer within {self._timeout + wait:g} s") from None
            except OSError as error:
                raise Unreachable(f"{self.place} closed the connection: {_reason(error)}") from None
            if not data:
                raise Unreachable(f"{self.place} closed the connection; its log may say why")
            try:
                self._answers += [response for _, response in self._conversation.receive_data(data)]
            except ProtocolError as error:
                raise ClientError(f"{self.place} does not answer as Kafka does: {error}") from None
        return self._answers.pop(0)

    def version_of(self, key: int, newest: int | None = None) -> int:
        """The newest version of an API that both ends have."""
        api = APIS[key]
        if key not in self.versions:
            raise ClientError(f"{self.place} has no {api.kafka_name} (key {key})")
        low, high = self.versions[key]
        version = min(high, api.max_version, high if newest is None else newest)
        if version < max(low, api.min_version):
            raise ClientError(
                f"{self.place} has {api.kafka_name} v{low} to v{high}; "
                f"spoken here are v{api.min_version} to v{api.max_version}"
            )
        return version

    def has(self, key: int, version: int = 0) -> bool:
        """Whether the broker has this API in this version or a newer one."""
        return key in self.versions and self.versions[key][1] >= version

    # --- the first steps -------------------------------------------------------------------------------------------

    def _connected(self, security: Security) -> socket.socket:
        host, port = self.address
        try:
            plain = socket.create_connection((host, port), self._timeout)
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            context = security.context()
            if context is None:
                return plain
            return context.wrap_socket(plain, server_hostname=host)
        except TimeoutError:
            raise Unreachable(f"{self.place} does not answer within {self._timeout:g} s") from None
        except ssl.SSLCertVerificationError as error:
            raise ClientError(f"the certificate of {self.place} is not trusted: {error.verify_message}") from None
        except ssl.SSLError as error:
            raise ClientError(f"{self.place} does not speak TLS here: {error.reason or error}") from None
        except OSError as error:
            raise Unreachable(f"cannot connect to {self.place}: {_reason(error)}") from None

    def _agree(self) -> dict[str, int]:
        """What the broker can do; gives the finalized features."""
        api = APIS[ApiVersionsRequest.__api_key__]
        asking = ApiVersionsRequest(client_software_name="kbroker", client_software_version=VERSION)
        self.versions = {api.key: (0, api.max_version)}
        answer = self.call(asking, ApiVersionsResponse)
        if answer.error_code == ErrorCode.UNSUPPORTED_VERSION:
            theirs = [(one.min_version, one.max_version) for one in answer.api_keys if one.api_key == api.key]
            self.versions = {api.key: theirs[0] if theirs else (0, 0)}
            answer = self.call(asking, ApiVersionsResponse)
        check(answer.error_code)
        self.versions = {one.api_key: (one.min_version, one.max_version) for one in answer.api_keys}
        return {one.name: one.max_version_level for one in answer.finalized_features}


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()
