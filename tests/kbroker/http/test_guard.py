"""Who may come in by HTTP."""

import pytest

from kbroker.http.guard import LOCAL, Guard, is_loopback

JSON = {b"content-type": b"application/json; charset=utf-8"}


async def nothing(*_: object) -> None:
    raise AssertionError("only the guard is asked")


def local() -> Guard:
    return Guard(nothing, hosts=LOCAL, token=None)


@pytest.mark.parametrize("host", [b"localhost", b"localhost:9090", b"LOCALHOST:1", b"127.0.0.1:9090", b"[::1]:9090"])
def test_our_own_names_are_let_in(host: bytes) -> None:
    assert local().refusal("GET", "/metrics", {b"host": host}) is None


@pytest.mark.parametrize("host", [b"", b"evil.example", b"127.0.0.1.evil.example:9090", b"[::2]:1"])
def test_a_name_that_was_made_to_point_here_is_turned_away(host: bytes) -> None:
    refusal = local().refusal("GET", "/metrics", {b"host": host})
    assert refusal is not None and refusal[0] == 421


def test_a_web_page_can_change_nothing() -> None:
    host = {b"host": b"localhost:9090"}
    for kind in (b"text/plain", b"application/x-www-form-urlencoded", b"multipart/form-data", b""):
        refusal = local().refusal("POST", "/control/reset", host | {b"content-type": kind})
        assert refusal is not None and refusal[0] == 415
    foreign = local().refusal("POST", "/control/reset", host | JSON | {b"origin": b"https://evil.example"})
    assert foreign is not None and foreign[0] == 403
    assert local().refusal("POST", "/control/reset", host | JSON | {b"origin": b"null"}) == foreign
    own = host | JSON | {b"origin": b"http://localhost:9090"}
    assert local().refusal("POST", "/control/reset", own) is None
    assert local().refusal("POST", "/control/reset", host | JSON) is None, "curl has no origin"
    neighbour = host | JSON | {b"origin": b"http://localhost:3000"}
    assert local().refusal("POST", "/control/reset", neighbour) == foreign, "another port is another origin"


@pytest.mark.parametrize("path", ["/metrics", "/about", "/kafka/Metadata", "/openapi.json", "/console/app.js"])
def test_a_web_page_can_read_nothing(path: str) -> None:
    host = {b"host": b"localhost:9090"}
    for said in (
        {b"origin": b"https://evil.example"},
        {b"origin": b"http://localhost:3000"},
        {b"origin": b"null"},
        {b"sec-fetch-site": b"cross-site", b"sec-fetch-mode": b"no-cors"},
        {b"sec-fetch-site": b"same-site", b"sec-fetch-mode": b"cors"},
    ):
        refusal = local().refusal("GET", path, host | said)
        assert refusal is not None and refusal[0] == 403, said
    rebound = local().refusal("GET", path, {b"host": b"evil.example:9090", b"origin": b"http://evil.example:9090"})
    assert rebound is not None and rebound[0] == 421
    for said in (
        {b"sec-fetch-site": b"same-origin", b"sec-fetch-mode": b"cors"},
        {b"sec-fetch-site": b"none", b"sec-fetch-mode": b"navigate"},
        {b"sec-fetch-site": b"cross-site", b"sec-fetch-mode": b"navigate"},
    ):
        assert local().refusal("GET", path, host | said) is None, said


def test_off_loopback_a_token_is_needed_for_all_but_health() -> None:
    guard = Guard(nothing, hosts=frozenset("*"), token="secret")
    host = {b"host": b"kafka.example:9090"}
    for path in ("/metrics", "/control/reset", "/healthz/x", "//healthz", "/about", "/console", "//console/app.js"):
        assert guard.refusal("GET", path, host) == (401, "a token is needed: Authorization: Bearer TOKEN")
    assert guard.refusal("GET", "/metrics", host | {b"authorization": b"Bearer secre"}) is not None
    assert guard.refusal("GET", "/metrics", host | {b"authorization": b"Bearer secret"}) is None
    assert guard.refusal("GET", "/healthz", host) is None
    for path in ("/", "/console/", "/console/app.js"):
        assert guard.refusal("GET", path, host) is None, "the files hold nothing, and ask for the token"


def test_loopback_is_known_by_address() -> None:
    assert all(map(is_loopback, ("localhost", "127.0.0.1", "127.9.9.9", "::1")))
    assert not any(map(is_loopback, ("0.0.0.0", "::", "10.0.0.1", "kafka.example")))
