"""`kbroker proxy`: stand before any Kafka cluster, and see all that goes over the wire. Faults on command.

kbroker proxy --upstream kafka.example:9092 --listen 127.0.0.1:19092
kbroker proxy --upstream kafka:9092 --fault 'EndTxn drop once' --fault 'Fetch delay=200ms p=0.1' --seed 7
"""

from __future__ import annotations

import asyncio
import signal
from contextlib import ExitStack
from typing import Any

import click

from kbroker.cli._asking import sentences
from kbroker.cli._looking import Show, looking
from kbroker.cli.serve import loop_factory
from kbroker.client.errors import ClientError
from kbroker.client.settings import addresses, properties, settings
from kbroker.logs import LEVELS, to_stderr
from kbroker.proxy.addresses import newest_known
from kbroker.proxy.faults import Faults, NotAFault, Rule, parse
from kbroker.proxy.ports import CannotListen, Proxy
from wire.registry import find


@click.command("proxy")
@click.option("--upstream", required=True, metavar="HOST:PORT,...", help="The cluster.")
@click.option(
    "--listen", default="127.0.0.1:0", metavar="HOST:PORT", help="Where clients come in; 0 picks a free port."
)
@click.option("--advertise", metavar="HOST", help="What clients are told to connect to.  [the host of --listen]")
@click.option("--upstream-config", metavar="FILE", help="Properties for the cluster: TLS, and a login for all clients.")
@click.option("--max-version", "most", multiple=True, metavar="API=N", help="Advertise no newer version of this API.")
@click.option("--fault", "faults", multiple=True, metavar="'API ACTION [WHEN]'",
              help="delay=200ms, drop, refuse or error=NAME; once, nth=N, times=N or p=0.1.")  # fmt: skip
@click.option("--seed", type=int, help="For faults by chance, so that a run can be repeated.")
@click.option("--quiet", is_flag=True, help="Show nothing; files are written all the same.")
@click.option("--log-level", type=click.Choice(list(LEVELS)), default="warning", show_default=True)
@looking
def proxy(
    upstream: str,
    listen: str,
    advertise: str | None,
    upstream_config: str | None,
    most: tuple[str, ...],
    faults: tuple[str, ...],
    seed: int | None,
    quiet: bool,
    log_level: str,
    **options: Any,
) -> None:
    """Pass everything on between clients and a Kafka cluster, and show it."""
    to_stderr(LEVELS[log_level])
    with sentences(), ExitStack() as stack:
        asked = settings(upstream, properties(upstream_config) if upstream_config is not None else {})
        (here,) = addresses(listen)[:1]
        show = Show(stack, options)
        looks = not quiet or options["pcap"] or options["record"]
        rules = [_fault(text) for text in faults]
        made = Proxy(
            asked.bootstrap,
            here,
            security=asked.security,
            advertise=advertise,
            most=_capped(most),
            faults=Faults(rules, seed),
            sink=show if looks else None,
        )
        with asyncio.Runner(loop_factory=loop_factory()) as runner:
            try:
                runner.run(_run(made, upstream))
            except CannotListen as error:
                raise ClientError(str(error)) from None
        for rule in rules:
            click.echo(f"{rule.text}: met {rule.hits} of {rule.seen} requests", err=True)


async def _run(made: Proxy, upstream: str) -> None:
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        try:
            loop.add_signal_handler(number, ended.set)
        except NotImplementedError:  # Windows
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(ended.set))
    bound = await made.start()
    click.echo(f"kbroker proxy ready on {bound} upstream={upstream}", err=True)
    await ended.wait()
    await made.stop()


def _fault(text: str) -> Rule:
    try:
        return parse(text)
    except NotAFault as error:
        raise click.BadParameter(str(error), param_hint="--fault") from None


def _capped(texts: tuple[str, ...]) -> dict[int, int]:
    most = newest_known()
    for text in texts:
        name, _, number = text.partition("=")
        api = find(name)
        if api is None or not number.isdecimal():
            raise click.BadParameter(f"{text!r} is not API=N", param_hint="--max-version")
        most[api.key] = min(int(number), most.get(api.key, int(number)))
    return most
