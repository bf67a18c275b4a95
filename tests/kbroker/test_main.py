"""The entry point: in the wheel our `wire` and `storage` come first for this process, and only for it."""

import gc
import sys
from pathlib import Path

import pytest

import kbroker.cli
from kbroker import __main__ as entry


@pytest.fixture(autouse=True)
def undisturbed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(gc, "disable", lambda: None)


def test_in_the_wheel_the_house_comes_first(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "_house").mkdir()
    monkeypatch.setattr(entry, "__file__", str(tmp_path / "__main__.py"))
    called = []
    monkeypatch.setattr(kbroker.cli, "cli", lambda prog_name: called.append((prog_name, sys.path[0])))
    entry.main()
    assert called == [("kbroker", str(tmp_path / "_house"))]


def test_in_the_repository_there_is_no_such_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    before = list(sys.path)
    called = []
    monkeypatch.setattr(kbroker.cli, "cli", lambda prog_name: called.append(prog_name))
    entry.main()
    assert (called, sys.path) == (["kbroker"], before)
