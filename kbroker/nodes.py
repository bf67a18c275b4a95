"""Which brokers a process is: their ids, their racks, and what several of them begin with."""

from __future__ import annotations

from kbroker.config import Config, ConfigError
from kbroker.context import LocalNode


def local_nodes(config: Config, count: int) -> list[LocalNode]:
    """Ids are counted up from the first; racks go round."""
    racks = config["kbroker.racks"] or (config["broker.rack"],)
    first = _first_id(config)
    return [LocalNode(first + index, racks[index % len(racks)]) for index in range(count)]


def for_several(config: Config, count: int) -> Config:
    """With what `count` brokers have unless it is said otherwise: one of them may end, and nothing is missed."""
    copies = min(count, 3)
    return config.unless_set(
        {"default.replication.factor": str(copies), "min.insync.replicas": str(max(1, copies - 1))}
    )


def _first_id(config: Config) -> int:
    """node.id, or its older name."""
    older: int = config["broker.id"]
    if config.is_set("broker.id") and config.is_set("node.id") and older != config["node.id"]:
        raise ConfigError(f"broker.id is {older}, but node.id is {config['node.id']}: they are two names of one thing")
    return older if config.is_set("broker.id") and older >= 0 else int(config["node.id"])
