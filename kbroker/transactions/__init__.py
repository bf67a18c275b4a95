"""Transactions: who writes under which transactional id, in which epoch, and how it ended (KIP-98, KIP-360, KIP-890).

    states.py        what each state lets each request do, and where it may go: the table to read first
    transaction.py   one transactional id as it is now, and its record in Kafka's own format
    decisions.py     pure choices: the next value, or a refusal
    machine.py       TransactionsMachine: all ids of one partition of `__transaction_state`
    events.py        what can happen: requests with their tickets, timers, outcomes of tasks
    markers.py       the end of a transaction on its way to the partitions
    coordinator.py   Transactions, the facade: which machine an id lives in, and the tasks of the machines
    settings.py      the configs

A transaction is the coordinator's: its record says which partitions it has written to and how it ends. A partition
knows only that a producer has something open in it, until a marker says how that ended (kbroker/partitions); a group
keeps the offsets of a transaction aside until then (kbroker/groups). Between the two lies what makes it exactly once:

1. No partition takes a first write of a transaction before the coordinator has it on record that it is part of it.
2. The decision is one record. Once that is durable, every partition gets its marker, whatever happens in between.
3. No next transaction of the same id begins before the last marker stands.
"""

from kbroker.transactions.coordinator import Transactions

__all__ = ["Transactions"]
