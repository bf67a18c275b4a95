"""The APIs of this broker are the files of a folder."""

from pathlib import Path

from kbroker.server.apis import Apis
from wire.registry import APIS

HANDLERS = Path(__file__).resolve().parents[3] / "kbroker" / "handlers"


def test_every_file_in_the_folder_is_an_api_and_answers_under_its_name() -> None:
    apis = Apis()
    names = {path.stem for path in HANDLERS.glob("*.py") if not path.stem.startswith("_")}
    assert names == {APIS[key].name for key, _, _ in apis.advertised()}
    for key, _, _ in apis.advertised():
        entry = apis.entry(key)
        assert entry is not None
        assert entry.handler.__name__ == APIS[key].name


def test_what_has_no_file_is_not_there() -> None:
    apis = Apis()
    assert 52 not in apis
    assert apis.entry(52) is None
    assert apis.entry(-1) is None
