"""The keys that sign tokens: read, read again, fetched."""

import asyncio
import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from kbroker.config import Config, ConfigError
from kbroker.server import jwks
from kbroker.server.jwks import URL, KeySet
from kbroker.world import RealWorld

from .surroundings import run


def key_set(*names: str) -> bytes:
    key = ec.generate_private_key(ec.SECP256R1()).public_key()
    algorithm: Any = jwt.algorithms.get_default_algorithms()["ES256"]
    return json.dumps({"keys": [algorithm.to_jwk(key, as_dict=True) | {"kid": name} for name in names]}).encode()


def keys_of(**texts: str) -> KeySet:
    names = {f"sasl.oauthbearer.jwks.endpoint.{name.replace('_', '.')}": text for name, text in texts.items()}
    return KeySet(RealWorld(asyncio.get_running_loop()), Config(names), "SASL_SSL")


@pytest.mark.parametrize("prefix", ["", "file://"])
def test_a_file_is_read_at_the_start_and_when_a_key_is_missing(tmp_path: Path, prefix: str) -> None:
    async def body() -> None:
        path = tmp_path / "keys.json"
        path.write_bytes(key_set("one"))
        keys = keys_of(url=f"{prefix}{path}", retry_backoff_max_ms="0")
        assert [key.key_id for key in keys.of("one")] == ["one"]
        assert keys.of("two") == []
        path.write_bytes(key_set("one", "two"))
        assert [key.key_id for key in keys.of("two")] == ["two"]
        assert len(keys.of(None)) == 2
        path.write_text("rotten")
        assert keys.of("three") == []
        assert len(keys.of("one")) == 1, "what was known stays known"

    run(body)


def test_tokens_with_unknown_keys_do_not_make_the_broker_read_all_the_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def body() -> None:
        path = tmp_path / "keys.json"
        path.write_bytes(key_set("one"))
        reads = []
        read = jwks._read_file
        monkeypatch.setattr(jwks, "_read_file", lambda url: reads.append(url) or read(url))
        keys = keys_of(url=str(path))
        for number in range(100):
            assert keys.of(f"no {number}") == []
        assert len(reads) == 2

    run(body)


@pytest.mark.parametrize("content", [None, b"", b"[]", b"{}", b'{"keys": []}', b'{"keys": [{"kty": "what"}]}', b"\xff"])
def test_a_file_without_keys_keeps_the_broker_from_starting(tmp_path: Path, content: bytes | None) -> None:
    async def body() -> None:
        path = tmp_path / "keys.json"
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(ConfigError, match=f"Invalid value {path} for configuration {URL}: "):
            keys_of(url=str(path))

    run(body)


def test_an_address_is_fetched_beside_the_loop_and_again(monkeypatch: pytest.MonkeyPatch) -> None:
    sets = [key_set("one"), key_set("two")]

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(sets.pop(0) if len(sets) > 1 else sets[0])

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()

    async def body() -> None:
        fetched = asyncio.Event()
        fetch = KeySet._fetch

        async def told(self: KeySet) -> None:
            await fetch(self)
            fetched.set()

        monkeypatch.setattr(KeySet, "_fetch", told)
        keys = keys_of(url=f"http://127.0.0.1:{server.server_port}/keys")
        assert keys.of("one") == [], "nobody waits for it"
        await fetched.wait()
        assert len(keys.of("one")) == 1
        fetched.clear()
        keys._asked_at = float("-inf")
        assert keys.of("two") == []
        await fetched.wait()
        assert len(keys.of("two")) == 1

    try:
        run(body)
    finally:
        server.shutdown()
        server.server_close()


def test_an_address_that_does_not_answer_keeps_nobody_from_starting(caplog: pytest.LogCaptureFixture) -> None:
    async def body() -> None:
        keys = keys_of(url="http://127.0.0.1:1/keys")
        while not caplog.messages:
            await asyncio.sleep(0)
        assert keys.of("one") == []

    run(body)
    assert "cannot be fetched" in caplog.text
