"""The history of requests tells no password: not decoded, not as bytes."""

from base64 import b64decode

from kbroker.control.control import Control
from kbroker.control.plain import to_plain
from kbroker.control.verbs import requests
from wire.messages.sasl_authenticate import SaslAuthenticateRequest
from wire.messages.sasl_handshake import SaslHandshakeRequest

from ..running import connect, run, serving

LISTENER = {"listeners": "SASL_PLAINTEXT://127.0.0.1:0", "kbroker_sasl_users": "alice:geheim"}


def test_a_login_is_seen_without_its_password() -> None:
    async def body() -> None:
        async with serving(**LISTENER) as broker:
            control = Control(broker, history_bytes=1 << 20)
            client = await connect(broker)
            await client.ask(SaslHandshakeRequest(mechanism="PLAIN"), 1)
            answer = await client.ask(SaslAuthenticateRequest(auth_bytes=b"\0alice\0geheim"), 2)
            assert answer.error_code == 0
            told = to_plain(requests.list_(control))
            assert "geheim" not in str(told)
            frames = requests.frames(control)
            assert not any(b"geheim" in b64decode(frame.request) for frame in frames)
            await client.close()

    run(body)
