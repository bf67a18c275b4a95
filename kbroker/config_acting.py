"""The broker configs that act, one row each: name, type, default, what is valid, dynamic, and what it does.

Names, types and rules are those of Apache Kafka 4.4; `kbroker.*` are our own. Where a default differs from Kafka's,
`docs/differences.md` says so. A rule is in Kafka's notation: `[0,...]` at least, `[1,...,9]` from to, `[a, b]` one of.
Dynamic means that Kafka can change it at run time.
"""

Row = tuple[str, str, str | None, str | None, bool, str]

# fmt: off
ACTING: tuple[Row, ...] = (
    (
        "advertised.listeners", "LIST", None, None, False,
        "What clients are told to connect to, by listener name. Unset: the host as listened on, and for a "
        "listener on all addresses the local address of the connection.",
    ),
    (
        "allow.everyone.if.no.acl.found", "BOOLEAN", "false", None, False,
        "With an authorizer: whether everybody may use what no access rule concerns.",
    ),
    (
        "authorizer.class.name", "STRING", "", "[, org.apache.kafka.metadata.authorizer.StandardAuthorizer]", False,
        "Who decides what clients may do: empty for nobody, or the name of Kafka's authorizer for access rules.",
    ),
    (
        "auto.create.topics.enable", "BOOLEAN", "true", None, False,
        "Whether a topic is created when a client first asks for its metadata.",
    ),
    ("broker.id", "INT", "-1", None, False, "An older name of node.id."),
    ("broker.rack", "STRING", None, None, False, "The rack that clients are told this broker stands in."),
    (
        "compression.type", "STRING", "producer", "[uncompressed, zstd, lz4, snappy, gzip, producer]", True,
        "The codec that batches are stored with; producer keeps the producer's.",
    ),
    (
        "connections.max.idle.ms", "LONG", "600000", None, False,
        "Connections that were silent for this long are closed.",
    ),
    (
        "controller.listener.names", "LIST", "CONTROLLER", None, False,
        "Listeners of these names are not listened on: the broker is its own controller, and nobody else talks to it.",
    ),
    (
        "controller.quota.window.num", "INT", "11", "[1,...]", False,
        "How many windows a quota of changes to topics is counted over.",
    ),
    (
        "controller.quota.window.size.seconds", "INT", "1", "[1,...]", False,
        "How long each of these windows is.",
    ),
    ("default.replication.factor", "INT", "1", None, False, "The replication factor of topics that do not say one."),
    ("delete.topic.enable", "BOOLEAN", "true", None, False, "Whether topics may be deleted."),
    ("fetch.max.bytes", "INT", "57671680", "[1024,...]", False, "The most bytes that one Fetch is answered with."),
    (
        "group.consumer.assignment.interval.ms", "INT", "0", "[0,...]", True,
        "How long a consumer group waits after an assignment before it computes the next one.",
    ),
    (
        "group.consumer.assignors", "LIST", "uniform,range", "[uniform, range]", False,
        "The assignors that members of consumer groups may ask for; the first one is for those who do not.",
    ),
    (
        "group.consumer.heartbeat.interval.ms", "INT", "500", "[1,...]", False,
        "How often members of consumer groups are told to send heartbeats.",
    ),
    (
        "group.consumer.max.heartbeat.interval.ms", "INT", "15000", "[1,...]", False,
        "The longest heartbeat interval that may be set for consumer groups.",
    ),
    (
        "group.consumer.max.session.timeout.ms", "INT", "60000", "[1,...]", False,
        "The longest session timeout that may be set for consumer groups.",
    ),
    ("group.consumer.max.size", "INT", "2147483647", "[1,...]", False, "The most members of a consumer group."),
    (
        "group.consumer.migration.policy", "STRING",
        "bidirectional", "(case insensitive) [DISABLED, DOWNGRADE, UPGRADE, BIDIRECTIONAL]", False,
        "Whether a group with members may become a consumer group (upgrade), or a classic one (downgrade).",
    ),
    (
        "group.consumer.min.heartbeat.interval.ms", "INT", "100", "[1,...]", False,
        "The shortest heartbeat interval that may be set for consumer groups.",
    ),
    (
        "group.consumer.min.session.timeout.ms", "INT", "100", "[1,...]", False,
        "The shortest session timeout that may be set for consumer groups.",
    ),
    (
        "group.consumer.session.timeout.ms", "INT", "45000", "[1,...]", False,
        "How long a member of a consumer group may be silent before it is removed.",
    ),
    (
        "group.coordinator.rebalance.protocols", "LIST",
        "classic,consumer,streams", "[consumer, classic, share, streams]", False,
        "The group protocols that are spoken.",
    ),
    (
        "group.initial.rebalance.delay.ms", "INT", "0", None, False,
        "How long an empty group waits for more members before its first assignment.",
    ),
    (
        "group.max.session.timeout.ms", "INT", "1800000", None, False,
        "The longest session timeout that a member may ask for.",
    ),
    ("group.max.size", "INT", "2147483647", "[1,...]", False, "The most members of a classic group."),
    (
        "group.min.session.timeout.ms", "INT", "100", None, False,
        "The shortest session timeout that a member may ask for.",
    ),
    (
        "group.streams.acceptable.recovery.lag", "LONG", "10000", "[0,...]", False,
        "How many records a copy of a task's state may lack, as members of streams groups are told.",
    ),
    (
        "group.streams.assignment.interval.ms", "INT", "0", "[0,...]", True,
        "How long a streams group waits after an assignment before it computes the next one.",
    ),
    (
        "group.streams.assignors", "LIST", "sticky", None, False,
        "The assignors that streams groups may name. There is one, whatever stands here: sticky.",
    ),
    (
        "group.streams.heartbeat.interval.ms", "INT", "500", "[1,...]", False,
        "How often members of streams groups are told to send heartbeats.",
    ),
    (
        "group.streams.initial.rebalance.delay.ms", "INT", "0", "[0,...]", False,
        "How long an empty streams group waits for more members before its first assignment.",
    ),
    (
        "group.streams.max.assignment.interval.ms", "INT", "15000", "[0,...]", False,
        "The longest assignment interval that may be set for streams groups.",
    ),
    (
        "group.streams.max.heartbeat.interval.ms", "INT", "15000", "[1,...]", False,
        "The longest heartbeat interval that may be set for streams groups.",
    ),
    (
        "group.streams.max.session.timeout.ms", "INT", "60000", "[1,...]", False,
        "The longest session timeout that may be set for streams groups.",
    ),
    ("group.streams.max.size", "INT", "2147483647", "[1,...]", False, "The most members of a streams group."),
    (
        "group.streams.max.standby.replicas", "INT", "2", "[0,...]", False,
        "The most standbys of each task that may be set for streams groups.",
    ),
    (
        "group.streams.min.assignment.interval.ms", "INT", "0", "[0,...]", False,
        "The shortest assignment interval that may be set for streams groups.",
    ),
    (
        "group.streams.min.heartbeat.interval.ms", "INT", "100", "[1,...]", False,
        "The shortest heartbeat interval that may be set for streams groups.",
    ),
    (
        "group.streams.min.session.timeout.ms", "INT", "100", "[1,...]", False,
        "The shortest session timeout that may be set for streams groups.",
    ),
    (
        "group.streams.min.task.offset.interval.ms", "INT", "15000", "[1,...]", False,
        "The shortest interval of reports on states that may be set for streams groups.",
    ),
    (
        "group.streams.num.standby.replicas", "INT", "0", "[0,...]", False,
        "How many standbys each task with state has.",
    ),
    (
        "group.streams.rack.aware.assignment.tags", "LIST", "", None, False,
        "Client tags that members of streams groups must have; who lacks one is told so.",
    ),
    (
        "group.streams.session.timeout.ms", "INT", "45000", "[1,...]", False,
        "How long a member of a streams group may be silent before it is removed.",
    ),
    (
        "group.streams.task.offset.interval.ms", "INT", "60000", "[1,...]", False,
        "How often members of streams groups are told to report how far their states are.",
    ),
    (
        "listener.security.protocol.map", "STRING",
        "SASL_SSL:SASL_SSL,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT", None, True,
        "The security protocol of each listener name.",
    ),
    (
        "listeners", "LIST", "PLAINTEXT://127.0.0.1:9092", None, True,
        "Where to listen, as NAME://HOST:PORT. Port 0 picks a free one, an empty host or 0.0.0.0 means all addresses.",
    ),
    (
        "log.cleaner.backoff.ms", "LONG", "15000", "[0,...]", True,
        "How long after a write a compacted log is looked at.",
    ),
    (
        "log.cleaner.dedupe.buffer.size", "LONG", "134217728", None, True,
        "The memory for the keys of one compaction; what does not fit takes several passes.",
    ),
    (
        "log.cleaner.delete.retention.ms", "LONG", "86400000", "[0,...]", True,
        "How long tombstones and transaction markers stay in a compacted log.",
    ),
    ("log.cleaner.enable", "BOOLEAN", "true", None, False, "Whether compacted topics are compacted."),
    (
        "log.cleaner.io.buffer.load.factor", "DOUBLE", "0.9", None, True,
        "How full the memory for the keys of a compaction may get.",
    ),
    (
        "log.cleaner.max.compaction.lag.ms", "LONG", "9223372036854775807", "[1,...]", True,
        "How long a record may wait to be compacted, whatever the ratio.",
    ),
    (
        "log.cleaner.min.cleanable.ratio", "DOUBLE", "0.5", "[0,...,1]", True,
        "The share of bytes not yet compacted from which on a log is compacted.",
    ),
    (
        "log.cleaner.min.compaction.lag.ms", "LONG", "0", "[0,...]", True,
        "How long a record stays as it is before it may be compacted.",
    ),
    (
        "log.cleanup.policy", "LIST", "delete", "[compact, delete]", True,
        "What happens to old records: delete, compact, or both.",
    ),
    ("log.dir", "LIST", "./data", None, False, "The directory that holds the data."),
    ("log.dirs", "LIST", None, None, False, "The directory that holds the data; there can be only one."),
    (
        "log.flush.interval.messages", "LONG", "9223372036854775807", "[1,...]", True,
        "1 makes every write wait for the disk; larger values sync in the background.",
    ),
    ("log.flush.interval.ms", "LONG", None, None, True, "How long after a write a sync follows in the background."),
    (
        "log.flush.scheduler.interval.ms", "LONG", "9223372036854775807", None, False,
        "How long after a write a sync follows, where log.flush.interval.ms is not set.",
    ),
    (
        "log.initial.task.delay.ms", "LONG", "30000", "[0,...]", False,
        "How long after the start all logs are looked at for retention and compaction.",
    ),
    (
        "log.message.timestamp.after.max.ms", "LONG", "3600000", "[0,...]", True,
        "How far ahead of the broker a record timestamp may lie.",
    ),
    (
        "log.message.timestamp.before.max.ms", "LONG", "9223372036854775807", "[0,...]", True,
        "How far behind the broker a record timestamp may lie.",
    ),
    (
        "log.message.timestamp.type", "STRING", "CreateTime", "[CreateTime, LogAppendTime]", True,
        "Whether records keep the time of the producer or get the time of the append.",
    ),
    ("log.retention.bytes", "LONG", "-1", None, True, "How much of a log is kept, by whole segments; -1 for all."),
    (
        "log.retention.check.interval.ms", "LONG", "300000", "[1,...]", False,
        "How long after a write retention is looked at, and to what multiple moments are rounded.",
    ),
    (
        "log.retention.hours", "INT", "168", None, False,
        "How long records are kept, in hours; log.retention.minutes and log.retention.ms go before it.",
    ),
    (
        "log.retention.minutes", "INT", None, None, False,
        "How long records are kept, in minutes; log.retention.ms goes before it.",
    ),
    ("log.retention.ms", "LONG", None, None, True, "How long records are kept; -1 for ever."),
    (
        "log.roll.hours", "INT", "168", "[1,...]", False,
        "The age at which a new segment file is begun, in hours; log.roll.ms goes before it.",
    ),
    ("log.roll.ms", "LONG", None, None, True, "The age at which a new segment file is begun."),
    ("log.segment.bytes", "INT", "1073741824", "[1048576,...]", True, "The size at which a new segment file is begun."),
    (
        "log.segment.delete.delay.ms", "LONG", "60000", "[0,...]", True,
        "How long the files of deleted segments stay on the disk, under another name.",
    ),
    ("max.connections", "INT", "2147483647", "[0,...]", True, "How many connections the broker accepts."),
    (
        "max.connections.per.ip", "INT", "2147483647", "[0,...]", True,
        "How many connections the broker accepts from one address.",
    ),
    (
        "max.connections.per.ip.overrides", "STRING", "", None, True,
        "Other limits for some addresses, as ADDRESS:COUNT,ADDRESS:COUNT.",
    ),
    (
        "max.decompressed.message.bytes", "INT", "2147483639", "[1,...,2147483639]", True,
        "The most bytes that a batch may have when it is decompressed.",
    ),
    (
        "max.incremental.fetch.session.cache.slots", "INT", "1000", "[0,...]", False,
        "How many fetch sessions are remembered.",
    ),
    (
        "max.request.partition.size.limit", "INT", "2000", "[1,...]", False,
        "The most partitions that one DescribeTopicPartitions is answered with.",
    ),
    (
        "message.max.bytes", "INT", "1048588", "[0,...]", True,
        "The largest record batch, as compressed by the producer.",
    ),
    (
        "min.insync.replicas", "INT", "1", "[1,...]", True,
        "How many replicas must be in sync for a write with acks=all.",
    ),
    ("node.id", "INT", "1", "[0,...]", False, "The id of this broker in its cluster."),
    ("num.partitions", "INT", "1", "[1,...]", False, "The number of partitions of topics that do not say one."),
    ("offset.metadata.max.bytes", "INT", "4096", None, False, "The longest metadata of a committed offset."),
    (
        "offsets.retention.check.interval.ms", "LONG", "600000", "[1,...]", False,
        "How often offsets are looked through for expired ones.",
    ),
    (
        "offsets.retention.minutes", "INT", "10080", "[1,...]", False,
        "Committed offsets of a group without members are dropped after this time.",
    ),
    (
        "offsets.topic.num.partitions", "INT", "50", "[1,...]", False,
        "The number of partitions of __consumer_offsets when it is created.",
    ),
    (
        "offsets.topic.replication.factor", "SHORT", "3", "[1,...]", False,
        "The replication factor of __consumer_offsets when it is created, if there are as many nodes.",
    ),
    ("offsets.topic.segment.bytes", "INT", "104857600", "[1,...]", False, "The segment size of __consumer_offsets."),
    (
        "producer.id.expiration.ms", "INT", "86400000", "[1,...]", True,
        "A partition forgets an idle producer after this time.",
    ),
    (
        "queued.max.request.bytes", "LONG", "268435456", None, False,
        "The memory that requests may hold over all connections before no more is read; -1 means no limit.",
    ),
    ("quota.window.num", "INT", "11", "[1,...]", False, "How many windows the quotas of clients are counted over."),
    ("quota.window.size.seconds", "INT", "1", "[1,...]", False, "How long each of these windows is."),
    (
        "replica.selector.class", "STRING", None, None, False,
        "org.apache.kafka.common.replica.RackAwareReplicaSelector sends consumers to an in-sync replica of their rack.",
    ),
    ("socket.listen.backlog.size", "INT", "50", "[1,...]", False, "How many connections may wait to be accepted."),
    (
        "socket.receive.buffer.bytes", "INT", "102400", None, False,
        "The receive buffer of each connection; -1 leaves it to the operating system.",
    ),
    (
        "socket.request.max.bytes", "INT", "104857600", "[1,...]", False,
        "The largest request; a larger one costs the connection.",
    ),
    (
        "socket.send.buffer.bytes", "INT", "102400", None, False,
        "The send buffer of each connection; -1 leaves it to the operating system.",
    ),
    (
        "super.users", "STRING", "", None, False,
        "With an authorizer: who may do everything, as User:alice;User:bob.",
    ),
    ("telemetry.max.bytes", "INT", "1048576", "[1,...]", False, "The most bytes of metrics in one push of a client."),
    (
        "transaction.max.timeout.ms", "INT", "900000", "[1,...]", False,
        "The longest timeout that a transactional producer may ask for.",
    ),
    (
        "transaction.partition.verification.enable", "BOOLEAN", "true", None, True,
        "Whether a first write of a transaction needs the coordinator's word that the partition is part of it.",
    ),
    (
        "transaction.remove.expired.transaction.cleanup.interval.ms", "INT", "3600000", "[1,...]", False,
        "Transactional ids that have expired are forgotten at the next multiple of this time.",
    ),
    (
        "transaction.state.log.min.isr", "INT", "2", "[1,...]", False,
        "min.insync.replicas of __transaction_state when it is created, if it has as many replicas.",
    ),
    (
        "transaction.state.log.num.partitions", "INT", "50", "[1,...]", False,
        "The number of partitions of __transaction_state when it is created.",
    ),
    (
        "transaction.state.log.replication.factor", "SHORT", "3", "[1,...]", False,
        "The replication factor of __transaction_state when it is created, if there are as many nodes.",
    ),
    (
        "transaction.state.log.segment.bytes", "INT", "104857600", "[1,...]", False,
        "The segment size of __transaction_state.",
    ),
    (
        "transactional.id.expiration.ms", "INT", "604800000", "[1,...]", False,
        "A transactional id that nobody has used for this time is forgotten.",
    ),
    (
        "unclean.leader.election.enable", "BOOLEAN", "false", None, True,
        "Whether a replica that is not in sync may lead when no other is left.",
    ),
    (
        "kbroker.brokers", "INT", "1", "[1,...,100]", False,
        "How many brokers this process is, with node ids and ports counted up from the first.",
    ),
    (
        "kbroker.debug.fill.buffers", "BOOLEAN", "false", None, False,
        "Fill request buffers with 0xDD once they are given back.",
    ),
    (
        "kbroker.fsync", "BOOLEAN", "false", None, False,
        "Whether an acknowledged write has reached the disk, not just the operating system.",
    ),
    (
        "kbroker.control", "BOOLEAN", "false", None, False,
        "Whether the HTTP door has the control verbs: faults, clock, history and all that tests do to a broker.",
    ),
    (
        "kbroker.control.history.bytes", "LONG", "16777216", "[0,...]", False,
        "How many bytes of requests and answers are remembered for control; 0 for none.",
    ),
    ("kbroker.http", "STRING", "", None, False, "HOST:PORT of the HTTP door (health, metrics); empty for none."),
    (
        "kbroker.http.token", "PASSWORD", None, None, False,
        "What whoever comes in by HTTP must know; needed off loopback.",
    ),
    ("kbroker.memory", "BOOLEAN", "false", None, False, "Keep everything in memory, and nothing when the broker ends."),
    ("kbroker.racks", "LIST", "", None, False, "The racks of these brokers in turn, in place of broker.rack."),
    (
        "kbroker.validate.records", "BOOLEAN", "false", None, False,
        "Whether every record of a produced batch is looked at, not just its header.",
    ),
)
# fmt: on
