"""The compiled wheel: the modules of the hot path as C extensions by mypyc, all else as it is. Off unless asked for.

    make compiled                      such a wheel, in dist/; needs mypy and a C compiler
    python hatch_build.py FOLDER       the packages and the tests in FOLDER, with the compiled modules among them

The source is the same, and every module runs uncompiled: where an extension lies beside its source, Python imports the
extension. docs/performance.md says what it gives.

What is not compiled, and why: `wire` (its readers and writers are made at run time, and `kbroker.protocol` imports it
by another name than the broker does); handlers that are coroutines, which the dispatcher knows by their type; what has
a `__getattr__` (`Cluster`) or inherits from a class that is not compiled (`Receiver`). The other way round, too: a
class may inherit from a compiled one only if it is compiled itself.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOT = Path(__file__).resolve().parent
PACKAGES = ("wire", "storage", "kbroker")
HOT = {
    "storage": ("answers", "engine", "placing"),
    "storage/disk": ("engine", "handles", "index", "log", "segment"),
    "kbroker": ("context", "coordinators", "machine_log", "runtime"),
    "kbroker/catalog": ("log",),
    "kbroker/control": ("asking",),
    "kbroker/handlers": ("_commits", "_fetched", "_leaders", "fetch", "heartbeat", "offset_commit", "produce"),
    "kbroker/partitions": (
        "epochs", "partition", "producers", "readable", "registry", "replicas", "staging", "undecided", "validate",
        "waiters",
    ),
    "kbroker/server": ("apis", "connection", "dispatch", "memory", "relief", "server", "sessions"),
}  # fmt: skip
MYPY = ("--strict", "--ignore-missing-imports")


def hot_sources() -> list[str]:
    return [f"{package}/{module}.py" for package, modules in HOT.items() for module in modules]


def compile_into(folder: Path, *more: str) -> list[Path]:
    """Copy the packages (and `more`) there and compile what is hot. The extensions, relative to the folder."""
    for name in (*PACKAGES, *more):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True)
    command = [sys.executable, "-m", "mypyc", *MYPY, *hot_sources()]
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    shutil.rmtree(folder / "build")
    return sorted(extensions(folder))


def extensions(folder: Path) -> Iterator[Path]:
    for suffix in ("*.so", "*.pyd"):
        for path in folder.rglob(suffix):
            yield path.relative_to(folder)


class CompiledWheel(BuildHookInterface[Any]):
    """Puts the extensions into the wheel, each beside its source."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        self.folder = Path(mkdtemp())
        build_data["pure_python"] = False
        build_data["infer_tag"] = True
        for path in compile_into(self.folder):
            place = Path("kbroker/_house", path) if path.parts[0] == "storage" else path
            build_data["force_include"][str(self.folder / path)] = place.as_posix()

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        shutil.rmtree(self.folder)


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    made = compile_into(target, "tests", "compat_tests", "docs")
    for name in ("pyproject.toml", "README.md", "Makefile"):
        shutil.copy(ROOT / name, target)
    print(f"{len(made)} extensions in {target}")
