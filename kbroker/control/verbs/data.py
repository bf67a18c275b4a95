"""The data as a whole: emptied, kept, brought back. Clients are let go of each time; the port stays."""

from __future__ import annotations

from io import StringIO

from kbroker.control.control import Control
from kbroker.control.table import ControlError, verb
from kbroker.trace.recording import NotARecording, recorded

BATCH_RECORDS = 500


@verb
async def reset(control: Control, keep: str = "") -> None:
    """Forget everything: topics, records, groups, configs that were set at run time; with keep="topics" the topics stay
    with their configs. Faults and the history go too; a frozen clock stays frozen. Leader epochs, producer ids and the
    like go on upwards."""
    control.forget()
    await control.anew.reset(keep)
    control.forget()


@verb
async def snapshot(control: Control) -> int:
    """Keep everything as it is now. The number to restore it by."""
    return await control.anew.snapshot()


@verb
async def restore(control: Control, snapshot: int) -> None:
    """Bring back what was kept: topics with their ids, records, committed offsets, configs. Nobody is in the groups,
    and transactions that were open are aborted. As often as one likes."""
    await control.anew.restore(snapshot)


@verb
def forget(control: Control, snapshot: int) -> None:
    """Let go of a snapshot."""
    control.anew.forget(snapshot)


@verb
async def recording(control: Control, text: str) -> dict[str, int]:
    """Make the topics that a recording of the wire knows (`--record` of `kbroker trace` and `kbroker proxy`), and write
    the records that were fetched or acknowledged in it: in their order and with their times, from offset 0 on. Answers
    with how many records each topic has got."""
    from kbroker.control.recorded import data_of
    from kbroker.control.verbs.records import write
    from kbroker.control.verbs.topics import create

    try:
        found = data_of(recorded(StringIO(text)))
    except NotARecording as error:
        raise ControlError("argument", str(error)) from None
    for name, partitions in found.topics.items():
        if control.cluster.catalog.topic(name) is None:
            await create(control, name, partitions)
    written = dict.fromkeys(found.topics, 0)
    for (name, index), records in found.records.items():
        for at in range(0, len(records), BATCH_RECORDS):
            await write(control, name, index, records[at : at + BATCH_RECORDS])
        written[name] += len(records)
    return written


@verb
def allow_auto_create(control: Control) -> None:
    """After a reset: let clients that were connected before it make topics again by asking for them."""
    control.guard.lift()
