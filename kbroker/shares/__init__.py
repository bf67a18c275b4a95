"""Share groups' records: who has which record of a partition now, how often it was delivered, and what became of it
(KIP-932). Which member reads which partition is the business of groups/share.

    states.py       the states of a record, as a table: read it first
    window.py       the records of one partition that are on their way through one group, pure: the heart of it
    acquire.py      a member takes records             acknowledge.py   it says what became of them
    partition.py    one window with its log, its clock and its keeper
    sessions.py     what a member of a group fetches
    kept.py         what is kept of a window           machine.py       all that one partition of the topic keeps
    letters.py      what is written of records that nobody could process (KIP-1191)
    coordinator.py  Shares, the facade                 events.py        what can happen to what is kept

What is kept is in `__share_group_state`, in Kafka's own format: where a partition's window begins, and of what lies in
it which records are done, and how often the others were delivered. Who holds a record is not kept: after a restart all
that was held is to be had again.
"""

from kbroker.shares.coordinator import Shares

__all__ = ["Shares"]
