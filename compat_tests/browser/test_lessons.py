"""Lessons: what a learner's own frames say, with the byte that is wrong."""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable
from typing import TYPE_CHECKING

from compat_tests.browser.conftest import Shown
from compat_tests.tools import need_module

if TYPE_CHECKING:
    from playwright.sync_api import Page

expect = need_module("playwright.sync_api", "browser").expect

API_VERSIONS_V0 = struct.pack(">ihhih", 14, 18, 0, 1, 4) + b"mine"
TOO_LONG = struct.pack(">ihhih", 14, 18, 0, 2, 40) + b"mine"  # a client id of 40 bytes in a frame of 14


def test_an_exercise_moves_on_and_a_wrong_frame_is_shown_with_its_byte(
    new_shown: Callable[..., Shown], page: Page, snapshot: Callable[[str], None]
) -> None:
    shown = new_shown("kbroker.control=true")
    page.goto(f"{shown.url}#/lessons")
    page.get_by_text("Nothing so far").wait_for()
    steps = page.get_by_role("list", name="Steps")
    expect(steps).not_to_contain_text("done")
    with socket.create_connection((shown.process.host, shown.process.port)) as client:
        client.sendall(API_VERSIONS_V0)
        assert client.recv(4)
        page.get_by_role("button", name="Check").click()
        expect(steps).to_contain_text("done")
    with socket.create_connection((shown.process.host, shown.process.port)) as client:
        client.sendall(TOO_LONG)
        assert client.recv(4) == b""
    table = page.get_by_role("table", name="Mistakes")
    expect(table).to_contain_text("client_id")
    expect(table).to_contain_text("12")
    snapshot("lessons")
