"""`kbroker check`: does this broker speak Kafka? For whoever writes one.

Nine stages from ApiVersions to transactions, each a few promises. What does not hold is said with the byte of the
answer that is wrong, where it is one. All of them hold on Apache Kafka.

Exit status: 0 all promises hold, 1 one does not.
"""

from __future__ import annotations

import click

from kbroker.check.stages import Bench, run, stages
from kbroker.cli._asking import sentences
from kbroker.cli._tables import Output
from kbroker.client.settings import addresses


@click.command("check")
@click.argument("address", metavar="HOST:PORT")
@click.option("--stage", type=click.IntRange(1), help="Go no further than this stage.")
@click.option("--timeout", type=float, default=5.0, show_default=True, help="Seconds to wait for an answer.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def check(address: str, stage: int | None, timeout: float, as_json: bool) -> None:
    """Hold a broker to what Kafka answers, stage by stage."""
    with sentences():
        bench = Bench(addresses(address)[0], timeout)
    out = Output(as_json)
    rows = []
    title = ""
    for outcome in run(bench, stage):
        wrong = outcome.wrong
        rows.append(
            {
                "stage": outcome.stage,
                "title": outcome.title,
                "promise": outcome.promise,
                "holds": wrong is None,
                "wrong": None if wrong is None else wrong.what,
            }
        )
        if outcome.title != title:
            title = outcome.title
            out.say(f"{outcome.stage}. {title}")
        out.say(f"   {'ok   ' if wrong is None else 'WRONG'} {outcome.promise}")
        if wrong is not None:
            out.say(f"         {wrong.what}")
            for line in wrong.shown:
                out.say(f"         {line}")
    if as_json:
        out.json(rows)
    failed = sum(not row["holds"] for row in rows)
    out.say(f"{len(rows) - failed} promises hold, {failed} do not, of {len(stages())} stages")
    if failed:
        raise SystemExit(1)
