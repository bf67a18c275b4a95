"""Apache Kafka's Java clients: fetched from Maven Central once, compiled against with the JDK, no network after that.

The jars lie under ~/.cache/kbroker (XDG_CACHE_HOME), by pom and version. Without java, javac or (the first time) mvn
the tests are skipped with the reason, or fail when COMPAT_REQUIRE names `java`.
"""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

from compat_tests.tools import need_command

HERE = Path(__file__).resolve().parent
SOURCES = HERE / "src" / "main" / "java"
FETCH_S = 300


def jars(pom: str = "pom.xml") -> Path:
    """The folder of what a pom names, fetched if it is not there."""
    need_command("java", "java")
    version = re.findall(r"<kafka>(.*)</kafka>", (HERE / pom).read_text())[0]
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = cache / "kbroker" / f"{Path(pom).stem.replace('pom', 'java')}-{version}"
    if not (folder / ".complete").exists():
        mvn = need_command("mvn", "java")
        words = [mvn, "-q", "-B", "-f", str(HERE / pom), "dependency:copy-dependencies", "-DincludeScope=runtime"]
        subprocess.run([*words, f"-DoutputDirectory={folder}"], check=True, timeout=FETCH_S)
        (folder / ".complete").touch()
    return folder


def compiled(folder: Path) -> str:
    """The class path of the checks, compiled into this folder."""
    javac = need_command("javac", "java")
    libraries = f"{jars()}/*"
    sources = [str(path) for path in sorted(SOURCES.rglob("*.java"))]
    done = subprocess.run(
        [javac, "-Xlint:all", "-Werror", "-d", str(folder), "-cp", libraries, *sources], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return f"{folder}{os.pathsep}{libraries}"
