"""Transactions, the facade: finds the machine that a transactional id lives in, and does what the machines ask for.

A machine's tasks are done here: fresh producer ids come from the catalog, markers go to their partitions (markers.py).
A machine that is thrown away takes its orders with it: the next one sends markers again for what it finds decided, and
two orders for one transaction would let an old marker end a newer transaction.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from kbroker.coordinators import Coordinators, Logs, Topics
from kbroker.runtime import Asker, Runtime
from kbroker.transactions.settings import Settings
from wire.durable.codec import TRANSACTIONS
from wire.errors import ErrorCode, KafkaError

if TYPE_CHECKING:
    from kbroker.context import Context
    from kbroker.machine import Producer, Ticket
    from kbroker.machine_log import MachineLog
    from kbroker.transactions.machine import TransactionsMachine
    from kbroker.transactions.markers import Partitions
    from kbroker.transactions.transaction import Partition
    from kbroker.world import World

Admission = Mapping["Partition", ErrorCode] | None
"""The error of each partition; nothing said of one means that it may be written to."""
TRANSACTIONS_TOPIC = "__transaction_state"


class ProducerIds(Protocol):
    def next_producer_id(self) -> asyncio.Future[int]: ...


class Transactions:
    """One for the process. `ask` answers for the node that was asked: only the coordinator of an id knows it."""

    def __init__(
        self,
        config: Mapping[str, Any],
        world: World,
        topics: Topics,
        logs: Logs,
        producer_ids: ProducerIds,
        partitions: Partitions,
    ) -> None:
        self.settings = Settings.of(config)
        self._config = config
        self.world = world
        self.producer_ids = producer_ids
        self.partitions = partitions
        self.coordinators: Coordinators[TransactionsMachine] = Coordinators(
            TRANSACTIONS_TOPIC, config["transaction.state.log.num.partitions"], topics, logs, self._begin, eager=True
        )

    def coordinator(self, transactional_id: str) -> int:
        """The partition of `__transaction_state` whose leader coordinates this id."""
        return self.coordinators.place(transactional_id)

    def serve(self, ctx: Context, transactional_id: str, asker: Asker, event: object) -> Any:
        """Step an event whose ticket is its asker, in the machine of that id: the answer, or LATER. Raises
        NOT_COORDINATOR when this node has not got it.
        """
        return self.coordinators.of(transactional_id, ctx.node.id).serve(asker, event)

    def ask(self, ctx: Context, transactional_id: str, make_event: Callable[[Ticket], object]) -> asyncio.Future[Any]:
        """As `serve`, for who waits by a future."""
        return self.coordinators.of(transactional_id, ctx.node.id).ask(make_event)

    def ask_all(
        self, ctx: Context, make_event: Callable[[Ticket], object]
    ) -> Sequence[Callable[[], asyncio.Future[Any]]]:
        """One question for each machine that this node has, as `answers.gather` takes them."""
        return [partial(runtime.ask, make_event) for runtime in self.coordinators.all(ctx.node.id)]

    def admit(
        self, transactional_id: str, producer: Producer, partitions: Collection[Partition], raises_epochs: bool
    ) -> Admission | asyncio.Future[Admission]:
        """May this transaction write there (KIP-890)? Asked by who leads the partitions, on whatever node. In version 1
        they must have been added, and each has its answer; in version 2 they are added now, all or none. Answered at
        once when the coordinator has nothing under way that the answer would rest on.
        """
        if not transactional_id:
            raise KafkaError(ErrorCode.INVALID_REQUEST)
        if not raises_epochs and not self._config["transaction.partition.verification.enable"]:
            return None
        from kbroker.transactions.decisions import verify
        from kbroker.transactions.events import AddPartitions, VerifyPartitions

        runtime = self.coordinators.of(transactional_id)
        if raises_epochs:
            return runtime.ask(lambda ticket: AddPartitions(ticket, transactional_id, producer, partitions, True))
        if runtime.serving and runtime.is_settled:
            return verify(runtime.machine.ids.get(transactional_id), producer, partitions)
        return runtime.ask(lambda ticket: VerifyPartitions(ticket, transactional_id, producer, partitions))

    def resume(self) -> None:
        """After a start: what was decided is told to the partitions, what is open has its time; nobody need ask."""
        for runtime in self.coordinators.all():
            runtime.load()

    async def stop(self) -> None:
        await self.coordinators.stop()

    def _begin(self, log: MachineLog, epoch: int) -> Runtime[TransactionsMachine]:
        from kbroker.transactions.machine import TransactionsMachine

        post = _Post(self, epoch)
        post.runtime = Runtime(
            lambda: TransactionsMachine(self.settings),
            log,
            self.world,
            types=TRANSACTIONS,
            error=ErrorCode.NOT_COORDINATOR,
            run_task=post.run,
            on_loaded=post.made_anew,
            insists=True,
        )
        return post.runtime


class _Post:
    """The tasks of one coordinator. `_life` counts its machines: what an earlier one ordered is not wanted any more."""

    runtime: Runtime[TransactionsMachine]

    def __init__(self, transactions: Transactions, epoch: int) -> None:
        self._transactions = transactions
        self._epoch = epoch
        self._life = 0

    def made_anew(self, machine: TransactionsMachine) -> list[object]:
        self._life += 1
        return []

    def run(self, task: object) -> None:
        from kbroker.transactions.events import WriteMarkers
        from kbroker.transactions.markers import Delivery

        if isinstance(task, WriteMarkers):
            transactions, life = self._transactions, self._life
            Delivery(
                task,
                self._epoch,
                transactions.partitions,
                transactions.world,
                self.runtime.tell,
                lambda: self.runtime.serving and self._life == life,
            ).start()
        else:
            self._fetch_producer_id()

    def _fetch_producer_id(self) -> None:
        from kbroker.transactions.events import ProducerIdFetched

        def fetched(done: asyncio.Future[int]) -> None:
            failed = done.cancelled() or done.exception() is not None
            code = ErrorCode.COORDINATOR_LOAD_IN_PROGRESS if failed else ErrorCode.NONE
            self.runtime.tell(ProducerIdFetched(-1 if failed else done.result(), code))

        self._transactions.producer_ids.next_producer_id().add_done_callback(fetched)
