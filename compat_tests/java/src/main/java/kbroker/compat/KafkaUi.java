package kbroker.compat;

import static kbroker.compat.Broker.require;
import static kbroker.compat.Broker.same;
import static kbroker.compat.Console.get;
import static kbroker.compat.Console.refused;

import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.Config;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.DescribeClusterOptions;
import org.apache.kafka.clients.admin.DescribeConfigsOptions;
import org.apache.kafka.clients.admin.ListConsumerGroupOffsetsSpec;
import org.apache.kafka.clients.admin.ListTopicsOptions;
import org.apache.kafka.clients.admin.LogDirDescription;
import org.apache.kafka.clients.admin.NewPartitionReassignment;
import org.apache.kafka.clients.admin.NewPartitions;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.admin.ProducerState;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.GroupState;
import org.apache.kafka.common.Node;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.TopicPartitionReplica;
import org.apache.kafka.common.acl.AccessControlEntry;
import org.apache.kafka.common.acl.AclBinding;
import org.apache.kafka.common.acl.AclBindingFilter;
import org.apache.kafka.common.acl.AclOperation;
import org.apache.kafka.common.acl.AclPermissionType;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.errors.InvalidReplicaAssignmentException;
import org.apache.kafka.common.errors.LogDirNotFoundException;
import org.apache.kafka.common.errors.SecurityDisabledException;
import org.apache.kafka.common.quota.ClientQuotaAlteration;
import org.apache.kafka.common.quota.ClientQuotaEntity;
import org.apache.kafka.common.quota.ClientQuotaFilter;
import org.apache.kafka.common.resource.PatternType;
import org.apache.kafka.common.resource.ResourcePattern;
import org.apache.kafka.common.resource.ResourceType;

/** What kafka-ui (of provectus, and of kafbat) asks for: what the cluster can do, then statistics of all of it. */
final class KafkaUi {
    static void pages(Console console) throws Exception {
        console.page("start", () -> start(console));
        console.page("statistics", () -> statistics(console));
        console.page("brokers", () -> brokers(console));
        console.page("a topic's messages", () -> messages(console));
        console.page("a topic's producers", () -> producers(console));
        console.page("edit a topic", () -> edit(console));
        console.page("consumers", () -> consumers(console));
        console.page("acls", () -> acls(console));
        console.page("quotas", () -> quotas(console));
        console.page("purge and make a topic again", () -> again(console));
    }

    private static void start(Console console) throws Exception {
        var cluster = console.admin.describeCluster(new DescribeClusterOptions().includeAuthorizedOperations(false));
        require(get(cluster.authorizedOperations()) == null, "operations that nobody asked for");
        ConfigResource controller = broker(get(cluster.controller()).id());
        Config config = get(console.admin.describeConfigs(List.of(controller)).all()).get(controller);
        same("true", config.get("delete.topic.enable").value(), "delete.topic.enable");
        require(get(console.admin.describeFeatures().featureMetadata()).finalizedFeatures()
                .get("metadata.version").maxVersionLevel() >= 25, "a version of Kafka 4");
        var asked = console.admin.describeCluster(new DescribeClusterOptions().includeAuthorizedOperations(true));
        require(get(asked.authorizedOperations()).contains(AclOperation.ALTER_CONFIGS), "operations of the cluster");
        if (!console.hasAuthorizer) {
            same(SecurityDisabledException.class,
                    refused(() -> get(console.admin.describeAcls(AclBindingFilter.ANY).values())), "without an authorizer");
        }
        get(console.admin.describeClientQuotas(ClientQuotaFilter.all()).entities());
    }

    @SuppressWarnings("removal") // what kafka-ui calls
    private static void statistics(Console console) throws Exception {
        Set<String> names = get(console.admin.listTopics(new ListTopicsOptions().listInternal(true)).names());
        var described = get(console.admin.describeTopics(names).allTopicNames());
        var resources = names.stream().map(name -> new ConfigResource(ConfigResource.Type.TOPIC, name)).toList();
        var options = new DescribeConfigsOptions().includeSynonyms(true).includeDocumentation(true);
        for (Config config : get(console.admin.describeConfigs(resources, options).all()).values()) {
            ConfigEntry policy = config.get("cleanup.policy");
            require(!policy.synonyms().isEmpty() && policy.documentation().length() > 40, "a config with its story");
        }
        List<TopicPartition> places = described.values().stream()
                .flatMap(one -> one.partitions().stream().map(info -> new TopicPartition(one.name(), info.partition())))
                .toList();
        for (OffsetSpec spec : List.of(OffsetSpec.earliest(), OffsetSpec.latest())) {
            Map<TopicPartition, OffsetSpec> all =
                    places.stream().collect(Collectors.toMap(Function.identity(), place -> spec));
            same(Set.copyOf(places), get(console.admin.listOffsets(all).all()).keySet(), "offsets");
        }
        List<String> groups =
                get(console.admin.listConsumerGroups().all()).stream().map(one -> one.groupId()).toList();
        same(Set.copyOf(groups), get(console.admin.describeConsumerGroups(groups).all()).keySet(), "groups");
        Map<String, ListConsumerGroupOffsetsSpec> everything = groups.stream()
                .collect(Collectors.toMap(Function.identity(), one -> new ListConsumerGroupOffsetsSpec()));
        var offsets = get(console.admin.listConsumerGroupOffsets(everything).all()).get(console.group);
        same(5L, offsets.get(new TopicPartition(console.topic, 0)).offset(), "an offset of a batch of groups");
        get(console.admin.listPartitionReassignments().reassignments());
        require(get(console.admin.describeMetadataQuorum().quorumInfo()).leaderId() > 0, "a quorum");
    }

    private static void brokers(Console console) throws Exception {
        Collection<Node> nodes = get(console.admin.describeCluster().nodes());
        var resources = nodes.stream().map(node -> broker(node.id())).toList();
        var options = new DescribeConfigsOptions().includeSynonyms(true).includeDocumentation(true);
        require(get(console.admin.describeConfigs(resources, options).all()).values().stream()
                .allMatch(config -> config.get("node.id").isReadOnly()), "what cannot be changed is said to be so");
        ConfigResource first = resources.get(0);
        alter(console, first, new ConfigEntry("log.cleaner.threads", "2"), AlterConfigOp.OpType.SET);
        Broker.until("the config acts", () -> {
            try {
                ConfigEntry entry =
                        get(console.admin.describeConfigs(List.of(first)).all()).get(first).get("log.cleaner.threads");
                return entry.value().equals("2") && entry.source() == ConfigEntry.ConfigSource.DYNAMIC_BROKER_CONFIG;
            } catch (Exception failure) {
                throw new AssertionError(failure);
            }
        });
        alter(console, first, new ConfigEntry("log.cleaner.threads", ""), AlterConfigOp.OpType.DELETE);
        Map<String, LogDirDescription> dirs = get(console.admin.describeLogDirs(List.of(nodes.iterator().next().id()))
                .allDescriptions()).values().iterator().next();
        var replica = new TopicPartitionReplica(console.topic, 0, nodes.iterator().next().id());
        require(dirs.values().iterator().next().replicaInfos().containsKey(new TopicPartition(console.topic, 0)), "sizes");
        same(LogDirNotFoundException.class,
                refused(() -> get(console.admin.alterReplicaLogDirs(Map.of(replica, "/nowhere")).all())), "no such place");
    }

    private static void messages(Console console) {
        List<TopicPartition> places = console.places(console.topic);
        try (KafkaConsumer<byte[], byte[]> consumer = console.consumer("client.id", "kafbat-ui-consumer-1")) {
            Map<TopicPartition, Long> begins = consumer.beginningOffsets(places);
            Map<TopicPartition, Long> ends = consumer.endOffsets(places);
            Set<String> found = new HashSet<>();
            for (long page = 0; page < 2; page++) { // backwards, five of each partition on a page
                Map<TopicPartition, Long> from = new HashMap<>();
                for (TopicPartition place : places) {
                    from.put(place, Math.max(begins.get(place), ends.get(place) - 5 * (page + 1)));
                }
                consumer.assign(from.keySet());
                from.forEach(consumer::seek);
                Broker.until("a page", () -> {
                    for (ConsumerRecord<byte[], byte[]> record : consumer.poll(java.time.Duration.ofMillis(100))) {
                        found.add(new String(record.value()));
                    }
                    return places.stream().allMatch(place -> consumer.position(place) >= from.get(place) + 5);
                });
            }
            same(Console.RECORDS, found.size(), "all messages, page by page");
            Map<TopicPartition, Long> times =
                    places.stream().collect(Collectors.toMap(Function.identity(), place -> 15_000L));
            same(Set.of(5L), consumer.offsetsForTimes(times).values().stream().map(one -> one.offset())
                    .collect(Collectors.toSet()), "since a time");
        }
    }

    private static void producers(Console console) throws Exception {
        Map<TopicPartition, List<ProducerState>> active = new HashMap<>();
        get(console.admin.describeProducers(console.places(console.topic)).all())
                .forEach((place, found) -> active.put(place, found.activeProducers()));
        same(3, active.size(), "partitions");
        require(active.values().stream().allMatch(list -> list.size() == 1 && list.get(0).lastSequence() == 9),
                "the producer that filled the topic: " + active);
    }

    private static void edit(Console console) throws Exception {
        ConfigResource resource = new ConfigResource(ConfigResource.Type.TOPIC, console.topic);
        alter(console, resource, new ConfigEntry("max.message.bytes", "2000000"), AlterConfigOp.OpType.SET);
        Config before = get(console.admin.describeConfigs(List.of(resource)).all()).get(resource);
        Stream<AlterConfigOp> delete = before.entries().stream()
                .filter(entry -> entry.source() == ConfigEntry.ConfigSource.DYNAMIC_TOPIC_CONFIG)
                .map(entry -> new AlterConfigOp(entry, AlterConfigOp.OpType.DELETE));
        Stream<AlterConfigOp> set = Stream.of(
                new AlterConfigOp(new ConfigEntry("retention.ms", "-1"), AlterConfigOp.OpType.SET),
                new AlterConfigOp(new ConfigEntry("cleanup.policy", "compact"), AlterConfigOp.OpType.SET));
        get(console.admin.incrementalAlterConfigs(Map.of(resource, Stream.concat(delete, set).toList())).all());
        Config after = get(console.admin.describeConfigs(List.of(resource)).all()).get(resource);
        same(List.of("-1", "compact", ConfigEntry.ConfigSource.DEFAULT_CONFIG),
                List.of(after.get("retention.ms").value(), after.get("cleanup.policy").value(),
                        after.get("max.message.bytes").source()), "configs");
        get(console.admin.createPartitions(Map.of(console.topic, NewPartitions.increaseTo(4))).all());
        same(4, get(console.admin.describeTopics(List.of(console.topic)).allTopicNames())
                .get(console.topic).partitions().size(), "partitions");
        var nobody = Optional.of(new NewPartitionReassignment(List.of(1, 99)));
        same(InvalidReplicaAssignmentException.class, refused(() -> get(console.admin.alterPartitionReassignments(
                Map.of(new TopicPartition(console.topic, 0), nobody)).all())), "replicas where there is no broker");
    }

    private static void consumers(Console console) throws Exception {
        same(GroupState.EMPTY, get(console.admin.describeConsumerGroups(List.of(console.group)).all())
                .get(console.group).groupState(), "a group that may be reset");
        Map<TopicPartition, OffsetSpec> times = new HashMap<>();
        console.places(console.topic).forEach(place -> times.put(place, OffsetSpec.forTimestamp(15_000)));
        Map<TopicPartition, OffsetAndMetadata> wanted = new HashMap<>();
        get(console.admin.listOffsets(times).all())
                .forEach((place, found) -> wanted.put(place, new OffsetAndMetadata(found.offset() + 1)));
        get(console.admin.alterConsumerGroupOffsets(console.group, wanted).all());
        same(wanted.get(new TopicPartition(console.topic, 0)).offset(), get(console.admin
                .listConsumerGroupOffsets(console.group).partitionsToOffsetAndMetadata())
                .get(new TopicPartition(console.topic, 0)).offset(), "where the group goes on");
        get(console.admin.deleteConsumerGroupOffsets(console.group, Set.copyOf(console.places(console.topic))).all());
        get(console.admin.deleteConsumerGroups(List.of(console.group)).all());
    }

    private static void acls(Console console) throws Exception {
        var binding = new AclBinding(new ResourcePattern(ResourceType.TOPIC, console.topic, PatternType.PREFIXED),
                new AccessControlEntry("User:somebody", "*", AclOperation.READ, AclPermissionType.ALLOW));
        if (!console.hasAuthorizer) {
            same(SecurityDisabledException.class, refused(() -> get(console.admin.createAcls(List.of(binding)).all())),
                    "without an authorizer");
            return;
        }
        get(console.admin.createAcls(List.of(binding)).all());
        Broker.until("the rule is listed", () -> {
            try {
                return get(console.admin.describeAcls(AclBindingFilter.ANY).values()).contains(binding);
            } catch (Exception failure) {
                throw new AssertionError(failure);
            }
        });
        same(List.of(binding), List.copyOf(get(console.admin.deleteAcls(List.of(binding.toFilter())).all())), "deleted");
    }

    private static void quotas(Console console) throws Exception {
        var somebody = new ClientQuotaEntity(Map.of(ClientQuotaEntity.CLIENT_ID, console.topic));
        var limit = new ClientQuotaAlteration.Op("producer_byte_rate", 12_345.0);
        get(console.admin.alterClientQuotas(List.of(new ClientQuotaAlteration(somebody, List.of(limit)))).all());
        Broker.until("the quota is listed", () -> {
            try {
                return Map.of("producer_byte_rate", 12_345.0).equals(
                        get(console.admin.describeClientQuotas(ClientQuotaFilter.all()).entities()).get(somebody));
            } catch (Exception failure) {
                throw new AssertionError(failure);
            }
        });
        var none = new ClientQuotaAlteration.Op("producer_byte_rate", null);
        get(console.admin.alterClientQuotas(List.of(new ClientQuotaAlteration(somebody, List.of(none)))).all());
    }

    private static void again(Console console) throws Exception {
        Map<TopicPartition, RecordsToDelete> all = new HashMap<>();
        console.places(console.topic).forEach(place -> all.put(place, RecordsToDelete.beforeOffset(-1)));
        ConfigResource resource = new ConfigResource(ConfigResource.Type.TOPIC, console.topic);
        alter(console, resource, new ConfigEntry("cleanup.policy", "delete"), AlterConfigOp.OpType.SET);
        Broker.until("the records go", () -> { // refused as long as the topic is compacted
            try {
                get(console.admin.deleteRecords(all).all());
                return true;
            } catch (Exception failure) {
                return false;
            }
        });
        get(console.admin.deleteTopics(List.of(console.topic)).all());
        Broker.until("the topic is there again", () -> {
            try {
                get(console.admin.createTopics(List.of(new NewTopic(console.topic, 2, (short) 1))).all());
                return true;
            } catch (Exception stillThere) {
                return false;
            }
        });
        get(console.admin.deleteTopics(List.of(console.topic)).all());
    }

    private static ConfigResource broker(int id) {
        return new ConfigResource(ConfigResource.Type.BROKER, String.valueOf(id));
    }

    private static void alter(Console console, ConfigResource resource, ConfigEntry entry, AlterConfigOp.OpType how)
            throws Exception {
        get(console.admin.incrementalAlterConfigs(Map.of(resource, List.of(new AlterConfigOp(entry, how)))).all());
    }

    private KafkaUi() {}
}
