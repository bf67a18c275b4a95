"""The README's table of requests is what ApiVersions advertises: the registry's versions of what has a handler."""

import re
from pathlib import Path

from kbroker.protocol import explain
from wire.registry import APIS

ROOT = Path(__file__).resolve().parent.parent
START = "<!-- supported apis: tests/test_readme.py holds this table against the handlers -->\n"
END = "<!-- end of supported apis -->"


def table() -> str:
    handlers = {path.stem for path in (ROOT / "kbroker/handlers").glob("*.py") if not path.stem.startswith("_")}
    rows = [
        f"| {api.key} | {api.kafka_name} | {api.min_version}-{api.max_version} |\n"
        for api in APIS.values()
        if api.name in handlers
    ]
    return "| key | request | versions |\n|---|---|---|\n" + "".join(rows)


def test_the_readme_lists_what_has_a_handler() -> None:
    text = (ROOT / "README.md").read_text()
    assert text.partition(START)[2].partition(END)[0] == table(), f"the table should be:\n{table()}"


def test_every_page_that_the_readme_names_is_there() -> None:
    text = (ROOT / "README.md").read_text()
    named = {part.partition(")")[0] for part in text.split("](")[1:]}
    assert {name for name in named if not name.startswith("http") and not (ROOT / name).exists()} == set()


def test_the_frame_that_the_readme_explains_is_whole() -> None:
    (example,) = re.findall(r"kbroker explain ([0-9a-f ]+?) +#", (ROOT / "README.md").read_text())
    notes = list(explain(bytes.fromhex(example)))
    assert notes[-1].path == "tags"
    assert not [note for note in notes if note.type == "error"]
