"""The console's files: what is served, how, and that the pages refer to nothing that is elsewhere."""

import json
import re

from kbroker.http.console import FOLDER, POLICY, TYPES

from ..running import run, serving
from .asking import get, head


def test_the_files_are_served_with_a_policy_that_lets_nothing_else_in() -> None:
    async def body() -> None:
        async with serving(kbroker_http="127.0.0.1:0") as broker:
            status, headers = await head(broker, "/")
            assert (status, headers["location"]) == (307, "/console/")
            for path in ("", "app.js", "style.css", "vendor/preact.js"):
                status, headers = await head(broker, f"/console/{path}")
                assert status == 200 and headers["content-security-policy"] == POLICY, path
                assert headers["x-content-type-options"] == "nosniff"
                assert headers["cross-origin-resource-policy"] == "same-origin"
                same, again = await head(broker, f"/console/{path}", If_None_Match=headers["etag"])
                assert (same, again["etag"]) == (304, headers["etag"]), "a browser loads a file once"
            assert headers["content-type"].startswith("text/javascript")

    run(body)


def test_no_path_leads_out_of_the_folder() -> None:
    async def body() -> None:
        async with serving(kbroker_http="127.0.0.1:0") as broker:
            for path in ("../http/guard.py", "..%2fhttp%2fguard.py", "/etc/passwd", "views", "nothing.js"):
                assert (await get(broker, f"/console/{path}"))[0] == 404, path

    run(body)


def test_off_loopback_the_files_come_without_a_token_and_nothing_else_does() -> None:
    async def body() -> None:
        async with serving(kbroker_http="127.0.0.1:0", kbroker_http_token="secret") as broker:
            assert (await get(broker, "/console/"))[0] == 200
            assert (await get(broker, "/console/app.js"))[0] == 200
            assert (await get(broker, "/about"))[0] == 401
            assert (await get(broker, "/about", Authorization="Bearer secret"))[0] == 200

    run(body)


def test_it_says_what_runs_here() -> None:
    async def body() -> None:
        async with serving(kbroker_http="127.0.0.1:0") as broker:
            about = json.loads((await get(broker, "/about"))[1])
            assert (about["control"], about["bootstrap"], about["nodes"]) == (False, broker.bound, [1])

    run(body)


def test_the_pages_name_only_files_that_are_there() -> None:
    for path in FOLDER.rglob("*.js"):
        for name in re.findall(r"""(?:from|import)\s*\(?\s*["'](\.[^"']+)["']""", path.read_text()):
            assert (path.parent / name).resolve().is_file(), f"{path.name} imports {name}"
    page = (FOLDER / "index.html").read_text()
    named = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert "app.js" in named and all((FOLDER / name).is_file() for name in named)


def test_the_page_holds_no_script_and_no_style_of_its_own() -> None:
    page = (FOLDER / "index.html").read_text()
    assert not re.search(r"<script(?![^>]*\ssrc=)|<style|\sstyle=|\son[a-z]+=", page)


def test_every_file_is_of_a_type_that_is_served() -> None:
    left = [path.name for path in FOLDER.rglob("*") if path.is_file() and path.suffix not in TYPES]
    assert [name for name in left if not name.startswith("LICENSE")] == []


def test_no_path_answers_a_page_from_elsewhere() -> None:
    async def body() -> None:
        async with serving(kbroker_http="127.0.0.1:0", kbroker_control="true") as broker:
            paths = json.loads((await get(broker, "/openapi.json"))[1])["paths"]
            looked = [path for path, item in paths.items() if "get" in item and "{" not in path]
            assert {"/about", "/metrics", "/kafka", "/telemetry", "/control/topics/list"} <= set(looked)
            for path in ("/", "/console/", "/console/app.js", "/openapi.json", *looked):
                for headers in (
                    {"Origin": "https://evil.example"},
                    {"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "no-cors"},
                ):
                    assert (await get(broker, path, **headers))[0] == 403, path

    run(body)
