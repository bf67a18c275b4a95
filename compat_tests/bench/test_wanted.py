"""The table of the comparison: what is wanted, whether it is reached, and a run that goes on where it was cut off."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from compat_tests.bench import compare
from compat_tests.bench.wanted import OUTSIDE, verdict, with_derived

MEASURED = {
    "kafka": {"W7 produce broker CPU us": [20.0, 60.0, 24.0], "W4 consume lz4 MB/s": [100.0]},
    "kfake": {"W6 produce-to-consume p50 us": [100.0]},
    "kbroker": {
        "W7 produce broker CPU us": [12.0, 13.0, 50.0],
        "W4 consume lz4 MB/s": [99.0],
        "W6 produce-to-consume p50 us": [139.0],
        "W9 RSS per partition KiB": [6.1],
    },
}


@pytest.mark.parametrize(
    ("figure", "wanted", "reached"),
    [
        ("W7 produce broker CPU us", "≤ 0.58 of kafka", "yes"),
        ("W4 consume lz4 MB/s", "≥ 1 of kafka", "**no**: 0.99"),
        ("W6 produce-to-consume p50 us", "≤ 1.39 of kfake", "yes"),
        ("W9 RSS per partition KiB", "≤ 6", "**no**: 6.1"),
        ("W10 create topic p50 ms", "≤ 1.25 of kfake", "not measured"),
        ("W7 produce requests/s", "", ""),
    ],
)
def test_a_figure_is_held_against_what_was_wanted(figure: str, wanted: str, reached: str) -> None:
    assert verdict(figure, MEASURED) == (wanted, reached)


def test_what_the_kernel_takes_of_bulk_writes_is_taken_off() -> None:
    figures = {"W3 produce x broker CPU-s/GB": [3.0, 2.0], "W3 produce x of it in the kernel CPU-s/GB": [2.0, 1.5]}
    assert with_derived(figures)[f"W3 produce x {OUTSIDE}"] == [1.0, 0.5]


def test_every_row_comes_in_each_round_and_a_run_goes_on_where_it_was_cut_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def measured(piece: compare.Piece, folder: Path) -> dict[str, Any]:
        if len(asked) == 7:
            raise KeyboardInterrupt
        asked.append(piece.name)
        return {"figures": {"f": [1.0]}, "notes": [], "seconds": 1.0, "load": ["0.0"]}

    monkeypatch.setattr(compare, "RESULTS", tmp_path)
    monkeypatch.setattr(compare, "measure", measured)
    wanted = list(compare.pieces(["kafka", "kbroker"], 2, ""))
    assert len(wanted) == 20
    assert {name for piece in wanted[:5] for name in piece.workloads.split(",")} >= {"W11", "W12"}
    with pytest.raises(KeyboardInterrupt):
        compare.run("cut", {}, wanted, 60, tmp_path, {})
    kept = json.loads((tmp_path / "cut.json").read_text())["pieces"]
    assert list(kept) == [piece.name for piece in wanted[:7]]
    asked.clear()
    compare.run("cut", {}, wanted[:12], 60, tmp_path, kept)
    assert asked == [piece.name for piece in wanted[7:12]]
    assert compare.gathered(kept)["kafka"]["figures"]["f"] == [1.0] * 7


def test_what_there_is_no_time_for_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compare, "RESULTS", tmp_path)
    path = compare.run("late", {}, list(compare.pieces(["kbroker"], 1, "W9")), 0, tmp_path, {})
    assert "- left out: 1 kbroker partitions" in path.read_text()


def test_a_compiled_tree_of_another_source_is_not_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root, tree = tmp_path / "root", tmp_path / "tree"
    for package in compare.PACKAGES:
        (root / package).mkdir(parents=True)
        (root / package / "module.py").write_text("a = 1\n")
    monkeypatch.setattr(compare, "ROOT", root)
    monkeypatch.setattr(compare, "COMPILED", tree)
    assert not compare.compiled_is_ours(), "there is none"
    shutil.copytree(root, tree)
    assert compare.compiled_is_ours()
    (root / "wire" / "module.py").write_text("a = 2\n")
    assert not compare.compiled_is_ours()
