"""The catalog: what the cluster is. Topics, ids, configs, leaders and epochs, nodes, features, users, quotas,
blocks of producer ids.

    names, placement, configs, moves, features, users, quotas    pure rules
    machine, alterations, registers  the decisions, on one log of our own records (wire/durable/catalog.py)
    catalog             the facade that everybody else asks
"""

from kbroker.catalog.catalog import Catalog
from kbroker.catalog.events import Change, LeaderChanged, TopicConfigured, TopicCreated, TopicDeleted, TopicGrown
from kbroker.catalog.state import Features, NewPartitions, NewTopic, Node, PartitionState, Topic

__all__ = [
    "Catalog",
    "Change",
    "Features",
    "LeaderChanged",
    "NewPartitions",
    "NewTopic",
    "Node",
    "PartitionState",
    "Topic",
    "TopicConfigured",
    "TopicCreated",
    "TopicDeleted",
    "TopicGrown",
]
