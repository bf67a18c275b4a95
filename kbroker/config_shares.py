"""The broker configs of share groups that act; rows as in `config_acting.py`.

They are a table of their own because a start without share groups does without them.
"""

from kbroker.config_acting import Row

# fmt: off
SHARES: tuple[Row, ...] = (
    (
        "errors.deadletterqueue.auto.create.topics.enable", "BOOLEAN", "false", None, True,
        "Whether the dead letter queue that a share group names is created when it is first needed.",
    ),
    (
        "errors.deadletterqueue.topic.name.prefix", "STRING", "dlq.", None, True,
        "What the names of dead letter queues begin with that are created so.",
    ),
    (
        "group.share.assignment.interval.ms", "INT", "0", "[0,...]", True,
        "How long a share group waits after an assignment before it computes the next one.",
    ),
    (
        "group.share.delivery.count.limit", "INT", "5", "[2,...,10]", False,
        "How often a record is delivered to a share group at most.",
    ),
    (
        "group.share.heartbeat.interval.ms", "INT", "500", "[1,...]", False,
        "How often members of share groups are told to send heartbeats.",
    ),
    (
        "group.share.max.assignment.interval.ms", "INT", "15000", "[0,...]", False,
        "The longest assignment interval that may be set for share groups.",
    ),
    (
        "group.share.max.delivery.count.limit", "INT", "10", "[5,...,25]", False,
        "The highest delivery limit that may be set for share groups.",
    ),
    (
        "group.share.max.heartbeat.interval.ms", "INT", "15000", "[1,...]", False,
        "The longest heartbeat interval that may be set for share groups.",
    ),
    (
        "group.share.max.partition.max.record.locks", "INT", "4000", "[2000,...,10000]", False,
        "The most locks of a partition that may be set for share groups.",
    ),
    (
        "group.share.max.record.lock.duration.ms", "INT", "60000", "[30000,...,3600000]", False,
        "The longest lock that may be set for share groups.",
    ),
    (
        "group.share.max.session.timeout.ms", "INT", "60000", "[1,...]", False,
        "The longest session timeout that may be set for share groups.",
    ),
    (
        "group.share.max.share.sessions", "INT", "2000", "[1,...]", False,
        "How many share sessions there may be at one time.",
    ),
    ("group.share.max.size", "INT", "200", "[1,...,1000]", False, "The most members of a share group."),
    (
        "group.share.min.assignment.interval.ms", "INT", "0", "[0,...]", False,
        "The shortest assignment interval that may be set for share groups.",
    ),
    (
        "group.share.min.delivery.count.limit", "INT", "2", "[2,...,5]", False,
        "The lowest delivery limit that may be set for share groups.",
    ),
    (
        "group.share.min.heartbeat.interval.ms", "INT", "100", "[1,...]", False,
        "The shortest heartbeat interval that may be set for share groups.",
    ),
    (
        "group.share.min.partition.max.record.locks", "INT", "100", "[100,...,2000]", False,
        "The fewest locks of a partition that may be set for share groups.",
    ),
    (
        "group.share.min.record.lock.duration.ms", "INT", "1000", "[1000,...,30000]", False,
        "The shortest lock that may be set for share groups.",
    ),
    (
        "group.share.min.session.timeout.ms", "INT", "100", "[1,...]", False,
        "The shortest session timeout that may be set for share groups.",
    ),
    (
        "group.share.partition.max.record.locks", "INT", "2000", "[100,...,10000]", False,
        "How many records of a partition may be on their way through a share group at one time.",
    ),
    (
        "group.share.record.lock.duration.ms", "INT", "30000", "[1000,...,3600000]", False,
        "How long a member of a share group has to say what became of a record.",
    ),
    (
        "group.share.session.timeout.ms", "INT", "45000", "[1,...]", False,
        "How long a member of a share group may be silent before it is removed.",
    ),
    (
        "share.coordinator.cold.partition.snapshot.interval.ms", "INT", "300000", "[1,...]", False,
        "How long nothing was written of a share partition before a new snapshot lets the old one go.",
    ),
    (
        "share.coordinator.snapshot.update.records.per.snapshot", "INT", "500", "[0,...,500]", False,
        "How many updates of a share partition are written between two snapshots.",
    ),
    (
        "share.coordinator.state.topic.min.isr", "SHORT", "2", "[1,...]", False,
        "min.insync.replicas of __share_group_state when it is created, if it has as many replicas.",
    ),
    (
        "share.coordinator.state.topic.num.partitions", "INT", "50", "[1,...]", False,
        "The number of partitions of __share_group_state when it is created.",
    ),
    (
        "share.coordinator.state.topic.prune.interval.ms", "INT", "300000", "[1,...]", False,
        "How long after a write the front of __share_group_state is let go that nobody needs.",
    ),
    (
        "share.coordinator.state.topic.replication.factor", "SHORT", "3", "[1,...]", False,
        "The replication factor of __share_group_state when it is created, if there are as many nodes.",
    ),
    (
        "share.coordinator.state.topic.segment.bytes", "INT", "104857600", "[1,...]", False,
        "The segment size of __share_group_state.",
    ),
)
# fmt: on
