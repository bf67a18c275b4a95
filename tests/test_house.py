"""The layers and habits of the house, held as tests: who may import whom, and what no room of it may touch.

Nothing is imported here; every rule reads the syntax trees of the source. `docs/architecture.md` draws the same rules.
"""

import ast
import re
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
TOPS = ("wire", "storage", "kbroker")
CODECS = {"crc32c", "cramjam", "lz4", "zstandard", "xxhash"}
DOMAINS = ("partitions", "groups", "transactions", "catalog", "cleaner", "security", "quotas", "telemetry")

# What a room without a clock, dice, threads, files and sockets may not import.
WORLDLY = {
    "time", "datetime", "random", "secrets", "threading", "concurrent", "multiprocessing", "subprocess", "signal",
    "os", "io", "pathlib", "shutil", "tempfile", "glob", "mmap", "fcntl", "msvcrt", "socket", "ssl", "select",
    "selectors",
}  # fmt: skip
WORLDLY_CALLS = {"open", "input", "print", "breakpoint"}

# What every room may take from the standard library although its name is in WORLDLY: pure parts.
PURE = {"io.BytesIO", "os.PathLike"}

LONGEST_FILE = 450
LONGEST_FUNCTION = 60


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), str(path))


def sources(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def typing_only(path: Path) -> set[ast.AST]:
    """The nodes under `if TYPE_CHECKING:`: names for the type checker, not touched when the code runs."""
    return {
        inner
        for node in ast.walk(tree(path))
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
        for statement in node.body
        for inner in ast.walk(statement)
    }


def imports(path: Path) -> Iterator[tuple[str, int, int]]:
    """Every import that runs, as (dotted name, relative level, line), also those inside functions."""
    typing = typing_only(path)
    for node in ast.walk(tree(path)):
        if node in typing:
            continue
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, 0, node.lineno
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                yield f"{node.module}.{alias.name}" if node.module else alias.name, node.level, node.lineno


def top_level_imports(path: Path) -> Iterator[str]:
    for node in tree(path).body:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield node.module or ""


def breaches(paths: list[Path], wrong: Callable[[Path, str, int], bool]) -> list[str]:
    return [
        f"{name_of(path)}:{line}: imports {name}"
        for path in paths
        for name, level, line in imports(path)
        if wrong(path, name, level)
    ]


def root_of(name: str) -> str:
    return name.partition(".")[0]


def test_wire_knows_only_itself_the_standard_library_and_codecs() -> None:
    def wrong(path: Path, name: str, level: int) -> bool:
        return not level and root_of(name) not in sys.stdlib_module_names | CODECS

    assert breaches(sources("wire"), wrong) == []


def test_wire_imports_its_codecs_only_when_they_are_needed() -> None:
    eager = [
        f"{name_of(path)}: {name}"
        for path in sources("wire")
        for name in top_level_imports(path)
        if root_of(name) in CODECS
    ]
    assert eager == []


def test_storage_knows_only_itself_the_standard_library_and_the_batch_header() -> None:
    def wrong(path: Path, name: str, level: int) -> bool:
        return not level and not name.startswith("wire.batch") and root_of(name) not in sys.stdlib_module_names

    assert breaches(sources("storage"), wrong) == []


def rooms_without_a_world() -> list[Path]:
    inner = [f"kbroker/{domain}" for domain in DOMAINS if (ROOT / "kbroker" / domain).exists()]
    paths = sources("wire", "storage", *inner, "kbroker/handlers")
    return paths + [
        path for path in sources("kbroker") if name_of(path) in ("kbroker/machine.py", "kbroker/runtime.py")
    ]


def test_inner_rooms_touch_no_clock_no_dice_no_thread_no_file_no_socket() -> None:
    allowed_files = {"storage/disk/files.py"}

    def wrong(path: Path, name: str, level: int) -> bool:
        if level or name in PURE or name_of(path) in allowed_files:
            return False
        if name_of(path).startswith("wire/") and root_of(name) == "asyncio":
            return True
        return root_of(name) in WORLDLY

    assert breaches(rooms_without_a_world(), wrong) == []


def test_inner_rooms_open_no_file_and_print_nothing() -> None:
    calls = [
        f"{name_of(path)}:{node.lineno}: {node.func.id}()"
        for path in rooms_without_a_world()
        if name_of(path) != "storage/disk/files.py"
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in WORLDLY_CALLS
    ]
    assert calls == []


def test_inner_rooms_do_not_sleep() -> None:
    sleeps = [
        f"{name_of(path)}:{node.lineno}"
        for path in rooms_without_a_world()
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Attribute) and node.attr == "sleep"
    ]
    assert sleeps == []


@pytest.mark.parametrize("domain", DOMAINS)
def test_a_domain_knows_neither_the_server_nor_the_handlers_nor_its_neighbours(domain: str) -> None:
    forbidden = {f"kbroker.{other}" for other in (*DOMAINS, "server", "handlers", "cli", "broker", "http", "control")}
    forbidden.discard(f"kbroker.{domain}")

    def wrong(path: Path, name: str, level: int) -> bool:
        return ".".join(name.split(".")[:2]) in forbidden

    assert breaches(sources(f"kbroker/{domain}"), wrong) == []


def test_handlers_know_nothing_of_the_server() -> None:
    def wrong(path: Path, name: str, level: int) -> bool:
        return name.startswith(("kbroker.server", "kbroker.broker", "kbroker.cli"))

    assert breaches(sources("kbroker/handlers"), wrong) == []


def test_one_handler_does_not_call_another() -> None:
    def wrong(path: Path, name: str, level: int) -> bool:
        return name.startswith("kbroker.handlers.") and not name.startswith("kbroker.handlers._")

    assert breaches([p for p in sources("kbroker/handlers") if p.name != "__init__.py"], wrong) == []


def test_an_api_version_number_stands_only_at_the_edges() -> None:
    versions = {"version", "api_version"}
    bare = []
    for path in sources("storage", "kbroker"):
        if name_of(path).startswith(("kbroker/handlers/", "kbroker/server/", "kbroker/cli/", "kbroker/check/")):
            continue
        for node in ast.walk(tree(path)):
            if not isinstance(node, ast.Compare):
                continue
            sides = [node.left, *node.comparators]
            named = any(
                (isinstance(s, ast.Attribute) and s.attr in versions) or (isinstance(s, ast.Name) and s.id in versions)
                for s in sides
            )
            if named and any(isinstance(s, ast.Constant) and isinstance(s.value, int) for s in sides):
                bare.append(f"{name_of(path)}:{node.lineno}")
    assert bare == []


def test_handlers_and_messages_have_the_same_names() -> None:
    messages = {path.stem for path in (ROOT / "wire/messages").glob("*.py")}
    handlers = {path.stem for path in (ROOT / "kbroker/handlers").glob("*.py") if not path.stem.startswith("_")}
    assert handlers - messages == set()


def test_the_package_itself_imports_nothing() -> None:
    assert list(imports(ROOT / "kbroker/__init__.py")) == []


def test_every_file_opens_with_its_story() -> None:
    silent = [
        name_of(path)
        for path in sources(*TOPS)
        if not ast.get_docstring(tree(path)) and path.read_text().count("\n") > 3
    ]
    assert silent == []


def test_files_fit_a_head_and_functions_a_screen() -> None:
    long = [
        f"{name_of(path)}: {lines} lines"
        for path in sources(*TOPS)
        if (lines := path.read_text().count("\n")) > LONGEST_FILE and not name_of(path).startswith("wire/messages/")
    ]
    for path in sources(*TOPS):
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                size = (node.end_lineno or node.lineno) - node.lineno + 1
                if size > LONGEST_FUNCTION:
                    long.append(f"{name_of(path)}:{node.lineno}: {node.name} has {size} lines")
    assert long == []


def test_nothing_is_left_for_later() -> None:
    words = re.compile(r"\b(TODO|FIXME|XXX|HACK|raise NotImplementedError)\b")
    left = [
        f"{name_of(path)}:{number}: {line.strip()}"
        for path in sources(*TOPS, "tests", "compat_tests")
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if path != Path(__file__) and words.search(line)
    ]
    assert left == []


def test_tests_wait_for_events_and_never_sleep() -> None:
    sleeping = [
        f"{name_of(path)}:{node.lineno}"
        for path in sources("tests", "compat_tests")
        if "proof" not in path.parts  # loads, which are paced
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "sleep"
        and not (node.args and isinstance(node.args[0], ast.Constant) and node.args[0].value == 0)
    ]
    assert sleeping == []


@cache
def named_in(module: Path) -> set[str]:
    """Every name that a module gives to anything."""
    names = set()
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.Name):
            names.add(node.id)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names.update(alias.asname or alias.name for alias in node.names)
    return names


def test_what_tests_take_from_one_another_is_there() -> None:
    """mypy reads the source alone, and suites of real clients run seldom: what has gone would be missed late."""
    gone = []
    for path in sources("tests", "compat_tests"):
        for name, _, line in imports(path):
            *parts, last = name.split(".")
            module = ROOT.joinpath(*parts).with_suffix(".py")
            if parts and parts[0] in ("tests", "compat_tests") and module.is_file() and last not in named_in(module):
                gone.append(f"{name_of(path)}:{line}: {name}")
    assert not gone


def test_the_page_on_the_house_names_every_room() -> None:
    page = (ROOT / "docs/architecture.md").read_text()
    rooms = {name_of(path.parent) for path in sources("kbroker") if path.parent.parent.name == "kbroker"}
    assert sorted(room for room in rooms if f"{room}/" not in page) == []
