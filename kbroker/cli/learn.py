"""`kbroker learn`: a broker that explains as it goes, and exercises that are checked by what a program has sent.

    kbroker learn                  serve, in memory, and say of every frame what is wrong with it, to the byte
    kbroker learn check            the exercises of docs/learn/, and how far you have come
    kbroker learn check 3          one of them, step by step

Strict: what Kafka lets pass without a word is told as well. What is answered is what Kafka answers. All that was heard
since the start is kept in a file, for `learn check` and for `kbroker trace --from FILE`.

Exit status of `learn check 3`: 0 done, 1 not yet.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kbroker.cli import _background
from kbroker.cli._asking import sentences
from kbroker.client.errors import ClientError
from kbroker.logs import LEVELS, to_stderr

if TYPE_CHECKING:
    from kbroker.learn.exercises import Sent

USERS = {"alice": "alice-secret"}
HISTORY_BYTES = 64 << 20
LOOK_S = 1.0


def _kept() -> Path:
    return _background.folder("learn") / "heard.jsonl"


@click.group("learn", invoke_without_command=True)
@click.option("--listen", default="127.0.0.1:9092", show_default=True, metavar="HOST:PORT", help="Where to listen.")
@click.option("--login", default="127.0.0.1:9093", show_default=True, metavar="HOST:PORT",
              help="Where one has to log in (SCRAM or PLAIN) as alice with alice-secret.")  # fmt: skip
@click.option("--http", metavar="HOST:PORT", help="The same by HTTP: /control/lessons/follow; needs kbroker[http].")
@click.option("--keep", metavar="FILE", help="Where what was heard is kept.  [default: in the state directory]")
@click.option("--only-wrong", is_flag=True, help="Show nothing of requests that are right.")
@click.pass_context
def learn(ctx: click.Context, listen: str, login: str, http: str | None, keep: str | None, only_wrong: bool) -> None:
    """A broker that says which byte of your client's frames is wrong, and why."""
    if ctx.invoked_subcommand is not None:
        return
    from kbroker.cli._lessons import serve
    from kbroker.cli.serve import loop_factory

    to_stderr(LEVELS["error"])
    path = Path(keep) if keep is not None else _kept()
    with sentences(), asyncio.Runner(loop_factory=loop_factory()) as runner:
        path.parent.mkdir(parents=True, exist_ok=True)
        runner.run(serve((f"PLAINTEXT://{listen}", f"SASL_PLAINTEXT://{login}"), http, path, only_wrong))


@learn.command("check")
@click.argument("number", type=int, required=False)
@click.option("--from", "path", metavar="FILE", help="What was kept.  [default: what kbroker learn keeps]")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def check(number: int | None, path: str | None, as_json: bool) -> None:
    """Hold what your program has sent against an exercise."""
    from kbroker.control.plain import to_plain
    from kbroker.learn.exercises import check as held_against
    from kbroker.learn.lessons import EXERCISES
    from kbroker.learn.telling import checked

    with sentences():
        life = _life(Path(path) if path is not None else _kept())
        asked = [each for each in EXERCISES if number in (None, each.number)]
        if not asked:
            raise ClientError(f"there is no exercise {number}; there are 1 to {len(EXERCISES)}")
    found = [held_against(each, life) for each in asked]
    colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    if as_json:
        click.echo(json.dumps(to_plain(found), ensure_ascii=False))
    elif number is None:
        for each in found:
            done = sum(step.state == "done" for step in each.steps)
            click.echo(f"{each.number:2}. {each.title:36} {done} of {len(each.steps)} steps")
    else:
        for line in checked(found[0], colour=colour):
            click.echo(line)
    if not all(each.done for each in found):
        raise SystemExit(1)


def _life(path: Path) -> list[Sent]:
    from kbroker.learn.exercises import seen
    from kbroker.trace.recording import NotARecording, recorded

    try:
        with path.open() as file:
            return seen(list(recorded(file)), USERS)
    except FileNotFoundError:
        raise ClientError(f"nothing was heard yet ({path} is not there): start kbroker learn first") from None
    except OSError as error:
        raise ClientError(f"cannot read {path}: {(error.strerror or str(error)).lower()}") from None
    except NotARecording as error:
        raise ClientError(f"{path}: {error}") from None
