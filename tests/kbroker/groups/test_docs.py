"""The state tables in docs/groups.md are drawn from the code's own. KBROKER_REWRITE=1 draws them anew."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from kbroker.groups.classic.states import STATES, State
from kbroker.groups.consumer.states import GROUP_STATES, MEMBER_STATES
from kbroker.groups.share.states import GROUP_STATES as SHARE_STATES
from kbroker.groups.streams import states as streams
from kbroker.shares.states import OUTCOMES, RECORD_STATES, Acknowledge, RecordState
from wire.errors import ErrorCode

PAGE = Path(__file__).resolve().parents[3] / "docs" / "groups.md"


def table(*rows: tuple[str, ...]) -> str:
    head, *rest = rows
    lines = ["| " + " | ".join(row) + " |" for row in [head, ("---",) * len(head), *rest]]
    return "\n".join(lines) + "\n"


def code(error: ErrorCode) -> str:
    return "accepted" if error is ErrorCode.NONE else error.name


def diagram() -> str:
    """The states of a classic group, as Mermaid draws them."""
    steps = [
        f"    {state.value} --> {'[*]' if after is State.DEAD else after.value}\n"
        for state, row in STATES.items()
        for after in State
        if after in row.next
    ]
    return "```mermaid\nstateDiagram-v2\n    [*] --> Empty\n" + "".join(steps) + "```\n\n"


def classic() -> str:
    return diagram() + table(
        ("state", "meaning", "JoinGroup of a member", "SyncGroup", "Heartbeat", "OffsetCommit", "becomes"),
        *[
            (
                state.value,
                row.meaning,
                row.rejoin.value,
                row.sync.value,
                code(row.heartbeat),
                code(row.commit),
                ", ".join([each.value for each in State if each in row.next]) or "nothing",
            )
            for state, row in STATES.items()
        ],
    )


def groups(states: Mapping[Any, Any]) -> str:
    return table(
        ("state", "meaning", "holds when"),
        *[(state.value, row.meaning, row.holds_when) for state, row in states.items()],
    )


def members(states: Mapping[Any, Any]) -> str:
    return table(
        ("state", "number in the log", "meaning", "its epoch", "waits for"),
        *[(state.name, str(int(state)), row.meaning, row.epoch, row.waits_for) for state, row in states.items()],
    )


def statuses() -> str:
    return table(
        ("status", "number", "meaning", "until"),
        *[(status.name, str(int(status)), row.meaning, row.ends_when) for status, row in streams.STATUSES.items()],
    )


def records() -> str:
    return table(
        ("state", "number in the log", "meaning", "is kept", "becomes"),
        *[
            (
                state.name.capitalize(),
                str(int(state)),
                row.meaning,
                "yes" if row.is_kept else "no",
                ", ".join([each.name.capitalize() for each in RecordState if each in row.next]) or "nothing",
            )
            for state, row in RECORD_STATES.items()
        ],
    )


def acknowledgements() -> str:
    return table(
        ("number", "word", "the record becomes"),
        *[
            (str(int(word)), word.name.lower(), OUTCOMES[word].name.capitalize() if word in OUTCOMES else "held longer")
            for word in Acknowledge
        ],
    )


TABLES: dict[str, Callable[[], str]] = {
    "classic": classic,
    "consumer": lambda: groups(GROUP_STATES),
    "member": lambda: members(MEMBER_STATES),
    "share": lambda: groups(SHARE_STATES),
    "record": records,
    "acknowledge": acknowledgements,
    "streams": lambda: groups(streams.GROUP_STATES),
    "streams member": lambda: members(streams.MEMBER_STATES),
    "streams status": statuses,
}


def test_the_page_shows_the_tables_of_the_code() -> None:
    text = PAGE.read_text()
    drawn = text
    for name, draw in TABLES.items():
        start, end = f"<!-- table: {name} -->\n", f"<!-- end: {name} -->"
        before, _, rest = drawn.partition(start)
        _, _, after = rest.partition(end)
        assert after, f"{start!r} is missing"
        drawn = before + start + draw() + end + after
    if os.environ.get("KBROKER_REWRITE"):
        PAGE.write_text(drawn)
    else:
        assert drawn == text
