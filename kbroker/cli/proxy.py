"""`kbroker proxy`: stand before any Kafka cluster, and see all that goes over the wire. Faults on command.

kbroker proxy --upstream kafka.example:9092 --listen 127.0.0.1:19092
kbroker proxy --upstream kafka:9092 --fault 'EndTxn drop once' --fault 'Fetch delay=200ms p=0.1' --seed 7
kbroker proxy --upstream kafka:9092 --http 127.0.0.1:9090       faults and history by HTTP, `kbroker trace` attaches
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from kbroker.cli._asking import sentences
from kbroker.cli._looking import Show, looking
from kbroker.cli.serve import loop_factory, on_signals
from kbroker.client.errors import ClientError
from kbroker.client.settings import addresses, properties, settings
from kbroker.logs import LEVELS, to_stderr
from kbroker.proxy.addresses import Place, newest_known
from kbroker.proxy.faults import NotAFault, Rule, parse
from kbroker.proxy.ports import CannotListen, Proxy
from wire.registry import find

if TYPE_CHECKING:
    from kbroker.http.door import Door
    from kbroker.proxy.desk import Desk

HISTORY_BYTES = 32 << 20


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
@click.option("--seed", type=int, default=0, help="For faults by chance, so that a run can be repeated.")
@click.option(
    "--http", metavar="HOST:PORT", help="Control of faults and requests, as of a broker; `kbroker trace` attaches."
)
@click.option(
    "--http-token", envvar="KBROKER_HTTP_TOKEN", help="What the HTTP door wants to know; needed off loopback."
)
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
    seed: int,
    http: str | None,
    http_token: str | None,
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
        rules = [_fault(text, seed) for text in faults]
        make = partial(
            Proxy,
            asked.bootstrap,
            here,
            security=asked.security,
            advertise=advertise,
            most=_capped(most),
            sink=show if looks else None,
        )
        with asyncio.Runner(loop_factory=loop_factory()) as runner:
            try:
                runner.run(_run(make, upstream, rules, addresses(http)[0] if http else None, http_token))
            except CannotListen as error:
                raise ClientError(str(error)) from None


async def _run(
    make: Callable[..., Proxy], upstream: str, rules: list[Rule], http: Place | None, token: str | None
) -> None:
    ended = asyncio.Event()
    on_signals(asyncio.get_running_loop(), ended.set)
    desk = _desk(rules, remembers=http is not None) if rules or http is not None else None
    door = None if http is None else _door(http, token)
    made = make(desk=desk)
    bound = await made.start()
    if door is not None and desk is not None:
        from kbroker.http.proxied import app

        await door.serve(app(desk))
    told = f" http={door.place}" if door is not None else ""
    click.echo(f"kbroker proxy ready on {bound} upstream={upstream}{told}", err=True)
    await ended.wait()
    await made.stop()
    if door is not None:
        await door.close()
    for plan in desk.faults.plans.values() if desk is not None else ():
        click.echo(f"{plan.name}: met {plan.met} of {plan.seen} requests", err=True)


def _desk(rules: list[Rule], *, remembers: bool) -> Desk:
    """With these faults installed; the history is for who can ask for it."""
    from kbroker.proxy.desk import Desk
    from kbroker.world import RealWorld

    desk = Desk(RealWorld(asyncio.get_running_loop()), HISTORY_BYTES if remembers else 0)
    for rule in rules:
        desk.faults.install(rule.text, rule.match, rule.when, rule.effect)
    return desk


def _door(address: Place, token: str | None) -> Door:
    from kbroker.http.door import Door, NoDoor

    try:
        return Door(address, token)
    except NoDoor as error:
        raise ClientError(str(error)) from None


def _fault(text: str, seed: int) -> Rule:
    try:
        return parse(text, seed)
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
