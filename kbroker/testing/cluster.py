"""Cluster: several brokers in one process, each of which can stop, die, hang and come back.

    with Cluster(brokers=3, racks=["a", "b", "c"]) as cluster:
        cluster.create_topic("orders", 3)                # on three brokers, min.insync.replicas 2
        cluster[2].kill()                                # others lead what it led
        cluster.partition("orders", 0).leader = 3
        cluster.shuffle_leaders(seed=7)
        cluster[2].start()

It is a Broker otherwise: `bootstrap` names all of them, and every verb works as there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from kbroker.control.shapes import Node as NodeState
from kbroker.testing.ask import Ask, Asker, verb
from kbroker.testing.broker import Broker
from kbroker.testing.link import Line


class Cluster(Broker):
    """`racks` go round if there are fewer than brokers; everything else is as Broker has it. Topics that say nothing
    else have a copy on up to three brokers, and acks=all wants all of these but one."""

    def __init__(
        self,
        brokers: int = 3,
        racks: Sequence[str] = (),
        *,
        configs: Mapping[str, object] | None = None,
        **keywords: object,
    ) -> None:
        if racks:
            configs = {"kbroker.racks": ",".join(racks)} | dict(configs or {})
        super().__init__(configs, brokers=brokers, **keywords)  # type: ignore[arg-type]  # Broker checks them

    # --- brokers ------------------------------------------------------------------------------------------------------

    def __getitem__(self, node_id: int) -> Node:
        """The broker of that id; the first is 1."""
        if node_id not in self.info.node_ids:
            raise KeyError(f"there is no broker {node_id}; there are {', '.join(map(str, self.info.node_ids))}")
        return Node(lambda: self._link, node_id)

    def __iter__(self) -> Iterator[Node]:
        return iter(self.nodes)

    @property
    def nodes(self) -> list[Node]:
        return [self[node_id] for node_id in self.info.node_ids]

    @verb
    def node_states(self) -> Ask[list[NodeState]]:
        """How each of them is."""
        return self._ask(list[NodeState], "nodes.list")

    # --- leaders ------------------------------------------------------------------------------------------------------

    @verb
    def shuffle_leaders(self, seed: int = 0, *, topic: str | None = None, internal: bool = True) -> Ask[int]:
        """Give every partition another leader among its in-sync replicas, by chance: the same seed, the same moves.
        Coordinators move too, unless `internal` is False. How many have moved."""
        return self._ask(int, "leaders.shuffle", seed=seed, topic=topic, internal=internal)

    @verb
    def elect(self, topic: str | None = None, partition: int | None = None, *, unclean: bool = False) -> Ask[int]:
        """Hold elections: the preferred replicas lead again. With `unclean`, any live replica leads where nobody does,
        and what it has not copied is lost. How many leaders changed."""
        return self._ask(int, "leaders.elect", topic=topic, partition=partition, unclean=unclean)


class Node(Asker):
    """One broker of a cluster."""

    def __init__(self, link: Callable[[], Line], node_id: int) -> None:
        self._find = link
        self.id = node_id

    @property
    def _link(self) -> Line:
        return self._find()

    @verb
    def look(self) -> Ask[NodeState]:
        """How it is: "running", "paused" or "stopped", how many partitions it leads, how many clients it has."""
        return self._ask(NodeState, "nodes.get", node=self.id)

    @property
    def bootstrap(self) -> str:
        """HOST:PORT of this one alone."""
        return self.look().bootstrap

    @verb
    def stop(self, *, elect: bool = True) -> Ask[NodeState]:
        """Stop it in good order: others lead first, then its connections close and its port refuses. With elect=False
        nobody notices that it is gone, until `notice` or `start`."""
        return self._ask(NodeState, "nodes.stop", node=self.id, elect=elect)

    @verb
    def kill(self, *, elect: bool = True) -> Ask[NodeState]:
        """Kill it: connections break in the middle of what they do; then others lead."""
        return self._ask(NodeState, "nodes.kill", node=self.id, elect=elect)

    @verb
    def pause(self, *, elect: bool = False) -> Ask[NodeState]:
        """Let it hang: it accepts connections and answers nobody, and leads on until somebody notices."""
        return self._ask(NodeState, "nodes.pause", node=self.id, elect=elect)

    @verb
    def notice(self) -> Ask[NodeState]:
        """Let the others notice that it is gone or hangs: they lead what it led."""
        return self._ask(NodeState, "nodes.notice", node=self.id)

    @verb
    def start(self) -> Ask[NodeState]:
        """Start it again, where it was, or let it go on. It catches up and is in sync."""
        return self._ask(NodeState, "nodes.start", node=self.id)

    @verb
    def restart(self) -> Ask[NodeState]:
        """Stop it in good order, and start it."""
        return self._ask(NodeState, "nodes.restart", node=self.id)

    @verb
    def advertise(self, host: str, port: int) -> Ask[NodeState]:
        """Tell clients from now on that they reach it there. It listens where it did."""
        return self._ask(NodeState, "nodes.advertise", node=self.id, host=host, port=port)

    @verb
    def move_rack(self, rack: str | None) -> Ask[NodeState]:
        """Let it stand in another rack."""
        return self._ask(NodeState, "nodes.move_rack", node=self.id, rack=rack)

    def __repr__(self) -> str:
        return f"<broker {self.id}>"
