"""Exchanges for people: a line each, all fields, or every byte.

14:30:05.123  127.0.0.1:51234 > 1   orders-app   Produce v12   1,204 > 56 B   0.8 ms   orders/0
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from kbroker.trace.exchange import Exchange, Reading
from wire.explain import explain
from wire.explain_text import lines as explained

RED, PLAIN = "\x1b[31m", "\x1b[0m"
MOST_ABOUT = 60
LONGEST_BYTES = 256
SIZE_BYTES = 4


def one_line(exchange: Exchange, reading: Reading, *, colour: bool = False) -> str:
    """Time, who and whom, client, what, sizes, how long, what about, and what went wrong."""
    at = datetime.fromtimestamp(exchange.at_ms / 1000, UTC).strftime("%H:%M:%S.%f")[:-3]
    answer = "no answer" if exchange.whole_reply is None else f"{exchange.whole_reply:,} B"
    what = f"{reading.api} v{reading.version}"
    line = (
        f"{at}  {exchange.connection:>15} > {exchange.broker:<4} {(reading.client_id or '-')[:20]:<20} {what:<28} "
        f"{exchange.whole_request:>9,} > {answer:<11} {exchange.took_ms:>9.1f} ms  {about(reading)}"
    ).rstrip()
    errors = " ".join(reading.errors)
    if not errors:
        return line
    return f"{line}  {RED}{errors}{PLAIN}" if colour else f"{line}  {errors}"


def about(reading: Reading) -> str:
    """The topic, group, transactional id or coordinator that a request names first."""
    request = reading.request or {}
    for name in ("transactionalId", "groupId", "group"):
        if isinstance(request.get(name), str):
            return _short(request[name])
    for name in ("topicData", "topics", "coordinatorKeys", "groups", "groupIds", "resources"):
        items = request.get(name)
        if items:
            named = [_item(item) for item in items[:3]]
            return _short(" ".join(named) + (f" and {len(items) - 3} more" if len(items) > 3 else ""))
    return ""


def _item(item: Any) -> str:
    if not isinstance(item, dict):
        return str(item)
    name = item.get("name") or item.get("topic") or item.get("topicName") or item.get("resourceName")
    name = name or item.get("groupId") or item.get("topicId") or ""
    partitions = item.get("partitionData") or item.get("partitions") or ()
    indexes = [
        one.get("index", one.get("partition", one.get("partitionIndex"))) for one in partitions if isinstance(one, dict)
    ]
    return f"{name}/{','.join(map(str, indexes[:4]))}" if indexes else str(name)


def _short(text: str) -> str:
    return text if len(text) <= MOST_ABOUT else text[: MOST_ABOUT - 3] + "..."


def fields(reading: Reading) -> Iterator[str]:
    """Both messages in Kafka's JSON, indented."""
    for arrow, message in (("-->", reading.request), ("<--", reading.response)):
        if message is not None:
            first, *rest = json.dumps(message, indent=2, ensure_ascii=False).splitlines()
            yield f"  {arrow} {first}"
            yield from (f"      {line}" for line in rest)


def every_byte(exchange: Exchange, reading: Reading, *, colour: bool = False) -> Iterator[str]:
    """Both frames annotated."""
    yield "  -->"
    yield from _annotated(exchange.request, colour)
    if exchange.reply is not None and reading.key >= 0:
        yield "  <--"
        yield from _annotated(exchange.reply, colour, api=reading.key, version=reading.version, response=True)


def _annotated(frame: bytes, colour: bool, **known: Any) -> Iterator[str]:
    whole = len(frame).to_bytes(SIZE_BYTES, "big") + frame
    try:
        yield from (f"  {line}" for line in explained(explain(whole, **known), colour=colour, longest=LONGEST_BYTES))
    except ValueError as error:
        yield f"  {error}"


def as_json(exchange: Exchange, reading: Reading) -> str:
    """One object for programs, on one line."""
    told = {
        "number": exchange.number,
        "at_ms": exchange.at_ms,
        "took_ms": exchange.took_ms,
        "connection": exchange.connection,
        "broker": exchange.broker,
        "request_bytes": exchange.whole_request,
        "response_bytes": exchange.whole_reply,
        **reading._asdict(),
    }
    return json.dumps(told, ensure_ascii=False)
