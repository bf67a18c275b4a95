"""The table of states: it is complete, nothing in it leads nowhere, and docs/transactions.md shows it as it is."""

from pathlib import Path

from kbroker.transactions.states import BY_TITLE, PREPARED, RESTING, STATES, End, Ends, State

PAGE = Path(__file__).parents[3] / "docs" / "transactions.md"
START, END = "<!-- states -->\n", "<!-- end of states -->"


def drawn() -> str:
    seen = [state for state in State if STATES[state].next]
    lines = ["```mermaid\n", "stateDiagram-v2\n", "    [*] --> Empty\n"]
    for state in seen:
        lines += [
            f"    {state.title} --> {'[*]' if after is State.DEAD else after.title}\n"
            for after in sorted(STATES[state].next, key=lambda each: each.value)
        ]
    lines += ["```\n\n"]
    lines += [f"- **{state.title}**: {STATES[state].meaning}\n" for state in State]
    lines += ["\n| state | InitProducerId | a partition or group is added |\n|---|---|---|\n"]
    lines += [f"| {state.title} | {STATES[state].init.value} | {STATES[state].add.value} |\n" for state in seen]
    lines += [
        "\nEndTxn, as commit and as abort. In version 2 the epoch says which transaction is meant: with the one of\n",
        "now it is this one, with the one before it is the last one, whose answer was lost.\n\n",
        "| state | version 1 | version 2, the epoch of now | version 2, the epoch before |\n|---|---|---|---|\n",
    ]
    for state in seen:
        row = STATES[state]
        cells = [told(ends) for ends in (row.end, row.end_raising, row.end_repeated)]
        lines.append(f"| {state.title} | {' | '.join(cells)} |\n")
    return "".join(lines)


def told(ends: Ends) -> str:
    if ends.commit is ends.abort:
        return ends.commit.value
    return f"commit: {ends.commit.value}; abort: {ends.abort.value}"


def test_the_page_shows_the_table() -> None:
    text = PAGE.read_text()
    assert text.partition(START)[2].partition(END)[0] == drawn(), f"it should be:\n{drawn()}"


def test_every_state_has_a_row_and_only_what_nobody_sees_leads_nowhere() -> None:
    assert set(STATES) == set(State)
    assert {state for state in State if not STATES[state].next} == {State.DEAD, State.PREPARE_EPOCH_FENCE}
    reached = {after for row in STATES.values() for after in row.next}
    assert reached == set(State) - {State.PREPARE_EPOCH_FENCE}


def test_the_names_are_kafkas() -> None:
    assert [state.title for state in State] == [
        "Empty", "Ongoing", "PrepareCommit", "PrepareAbort", "CompleteCommit", "CompleteAbort", "Dead",
        "PrepareEpochFence",
    ]  # fmt: skip
    assert all(BY_TITLE[state.title] is state for state in State)


def test_what_is_decided_has_one_way_to_go_and_waits_for_nothing_else() -> None:
    for state, after in PREPARED.items():
        row = STATES[state]
        assert row.next == {after}
        assert {*row.end, *row.end_raising, *row.end_repeated} == {End.WAIT}


def test_only_what_rests_may_be_forgotten() -> None:
    assert {state for state in State if State.DEAD in STATES[state].next} == RESTING
