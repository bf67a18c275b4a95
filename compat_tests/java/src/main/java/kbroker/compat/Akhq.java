package kbroker.compat;

import static kbroker.compat.Broker.require;
import static kbroker.compat.Broker.same;
import static kbroker.compat.Console.get;
import static kbroker.compat.Console.refused;

import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.Config;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.ListTopicsOptions;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.clients.admin.TopicListing;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.GroupState;
import org.apache.kafka.common.Node;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.acl.AclBindingFilter;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.errors.GroupIdNotFoundException;
import org.apache.kafka.common.errors.SecurityDisabledException;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;

/** What AKHQ asks for: everything of everything on each page, and records by a consumer for each partition. */
final class Akhq {
    static void pages(Console console) throws Exception {
        console.page("nodes", () -> nodes(console));
        console.page("topics", () -> topics(console));
        console.page("last records", () -> lastRecords(console));
        console.page("data of a topic, newest first", () -> newest(console));
        console.page("data of a topic since a time", () -> since(console));
        console.page("produce, and a tombstone", () -> produce(console));
        console.page("configs of a topic", () -> configs(console));
        console.page("groups", () -> groups(console));
        console.page("offsets of a group", () -> offsets(console));
        console.page("acls", () -> acls(console));
        console.page("empty and delete a topic", () -> delete(console));
    }

    private static void nodes(Console console) throws Exception {
        var cluster = console.admin.describeCluster();
        Collection<Node> nodes = get(cluster.nodes());
        require(!get(cluster.clusterId()).isEmpty() && nodes.contains(get(cluster.controller())), "a cluster: " + nodes);
        List<Integer> ids = nodes.stream().map(Node::id).toList();
        same(Set.copyOf(ids), get(console.admin.describeLogDirs(ids).allDescriptions()).keySet(), "log dirs");
        List<ConfigResource> resources = ids.stream()
                .map(id -> new ConfigResource(ConfigResource.Type.BROKER, String.valueOf(id)))
                .toList();
        for (Config config : get(console.admin.describeConfigs(resources).all()).values()) {
            require(config.get("log.retention.hours").value() != null, "a broker's configs have values");
            require(config.entries().size() > 150, "all configs of a broker: " + config.entries().size());
        }
    }

    private static void topics(Console console) throws Exception {
        var options = new ListTopicsOptions().listInternal(true);
        Collection<TopicListing> listed = get(console.admin.listTopics(options).listings());
        List<String> names = listed.stream().map(TopicListing::name).toList();
        require(names.contains("__consumer_offsets") && names.contains(console.topic), "topics: " + names);
        Map<String, TopicDescription> described = get(console.admin.describeTopics(names).allTopicNames());
        List<TopicPartition> places = described.values().stream()
                .flatMap(one -> one.partitions().stream().map(info -> new TopicPartition(one.name(), info.partition())))
                .toList();
        try (KafkaConsumer<byte[], byte[]> consumer = console.consumer()) {
            Map<TopicPartition, Long> begins = consumer.beginningOffsets(places);
            Map<TopicPartition, Long> ends = consumer.endOffsets(places);
            same(Set.copyOf(places), begins.keySet(), "the beginning of every partition");
            console.places(console.topic).forEach(place ->
                    same(List.of(0L, 10L), List.of(begins.get(place), ends.get(place)), place.toString()));
        }
        long bytes = get(console.admin.describeLogDirs(List.of(described.get(console.topic).partitions().get(0).leader().id()))
                .allDescriptions()).values().stream()
                .flatMap(dirs -> dirs.values().stream())
                .flatMap(dir -> dir.replicaInfos().entrySet().stream())
                .filter(entry -> entry.getKey().topic().equals(console.topic))
                .mapToLong(entry -> entry.getValue().size()).sum();
        require(bytes > 100, "the size of the topic: " + bytes);
    }

    private static void lastRecords(Console console) {
        List<TopicPartition> places = console.places(console.topic);
        try (KafkaConsumer<byte[], byte[]> consumer = console.consumer("max.poll.records", places.size() * 3)) {
            consumer.assign(places);
            consumer.endOffsets(consumer.assignment())
                    .forEach((place, offset) -> consumer.seek(place, Math.max(0, offset - 2)));
            List<ConsumerRecord<byte[], byte[]>> found = console.poll(consumer, 2 * places.size());
            same(29_000L, found.stream().mapToLong(ConsumerRecord::timestamp).max().orElse(-1), "the last timestamp");
        }
    }

    private static void newest(Console console) {
        Set<Integer> found = new TreeSet<>();
        console.places(console.topic).parallelStream().forEach(place -> {
            try (KafkaConsumer<byte[], byte[]> consumer = console.consumer("max.poll.records", "4")) {
                consumer.assign(Set.of(place));
                consumer.seek(place, 6);
                List<ConsumerRecord<byte[], byte[]>> last = console.poll(consumer, 4);
                synchronized (found) {
                    last.forEach(record -> found.add(Integer.valueOf(new String(record.value()))));
                }
            }
        });
        same(Set.of(18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29), found, "the last four of each partition");
    }

    private static void since(Console console) {
        TopicPartition place = new TopicPartition(console.topic, 1);
        try (KafkaConsumer<byte[], byte[]> consumer = console.consumer("max.poll.records", "1")) {
            var found = consumer.offsetsForTimes(Map.of(place, 15_000L)).get(place);
            same(List.of(5L, 16_000L), List.of(found.offset(), found.timestamp()), "the first record since then");
            consumer.assign(Set.of(place));
            consumer.seek(place, found.offset());
            same("16", new String(console.poll(consumer, 1).get(0).value()), "one record");
            require(consumer.offsetsForTimes(Map.of(place, 99_000L)).get(place) == null, "nothing is as late");
        }
    }

    private static void produce(Console console) throws Exception {
        try (KafkaProducer<byte[], byte[]> producer = console.producer()) {
            var record = new ProducerRecord<>(console.topic, 2, "key".getBytes(), "value".getBytes());
            record.headers().add("header", "text".getBytes());
            same(10L, producer.send(record).get().offset(), "where the record is");
            var tombstone = new ProducerRecord<byte[], byte[]>(console.topic, 2, "key".getBytes(), null);
            same(11L, producer.send(tombstone).get().offset(), "where the tombstone is");
        }
    }

    private static void configs(Console console) throws Exception {
        ConfigResource resource = new ConfigResource(ConfigResource.Type.TOPIC, console.topic);
        ConfigEntry wanted = new ConfigEntry("retention.ms", "3600000");
        get(console.admin.incrementalAlterConfigs(
                Map.of(resource, List.of(new AlterConfigOp(wanted, AlterConfigOp.OpType.SET)))).all());
        ConfigEntry found = get(console.admin.describeConfigs(List.of(resource)).all()).get(resource).get("retention.ms");
        same(List.of("3600000", ConfigEntry.ConfigSource.DYNAMIC_TOPIC_CONFIG), List.of(found.value(), found.source()),
                "the config");
    }

    @SuppressWarnings("removal") // what AKHQ calls
    private static void groups(Console console) throws Exception {
        List<String> names = get(console.admin.listConsumerGroups().all()).stream()
                .map(one -> one.groupId())
                .toList();
        require(names.contains(console.group), "groups: " + names);
        var described = get(console.admin.describeConsumerGroups(names).all()).get(console.group);
        same(GroupState.EMPTY, described.groupState(), "its state");
        same(Set.of(5L), Set.copyOf(get(console.admin.listConsumerGroupOffsets(console.group)
                .partitionsToOffsetAndMetadata()).values().stream().map(OffsetAndMetadata::offset).toList()), "offsets");
    }

    private static void offsets(Console console) throws Exception {
        Map<TopicPartition, OffsetAndMetadata> wanted = new HashMap<>();
        console.places(console.topic).forEach(place -> wanted.put(place, new OffsetAndMetadata(7)));
        try (KafkaConsumer<byte[], byte[]> consumer = console.consumer("group.id", console.group)) {
            consumer.commitSync(wanted); // no member, so that an empty group is taken back by a consumer
        }
        get(console.admin.deleteConsumerGroupOffsets(console.group, Set.of(new TopicPartition(console.topic, 2))).all());
        Map<Integer, Long> left = get(console.admin.listConsumerGroupOffsets(console.group)
                .partitionsToOffsetAndMetadata()).entrySet().stream()
                .collect(Collectors.toMap(entry -> entry.getKey().partition(), entry -> entry.getValue().offset()));
        same(Map.of(0, 7L, 1, 7L), left, "offsets");
        get(console.admin.deleteConsumerGroups(Set.of(console.group)).all());
        same(GroupIdNotFoundException.class,
                refused(() -> get(console.admin.deleteConsumerGroups(Set.of(console.group)).all())), "a second time");
    }

    private static void acls(Console console) throws Exception {
        if (console.hasAuthorizer) {
            get(console.admin.describeAcls(AclBindingFilter.ANY).values());
        } else {
            same(SecurityDisabledException.class,
                    refused(() -> get(console.admin.describeAcls(AclBindingFilter.ANY).values())), "without an authorizer");
        }
    }

    private static void delete(Console console) throws Exception {
        Map<TopicPartition, RecordsToDelete> all = new HashMap<>();
        try (KafkaConsumer<byte[], byte[]> consumer = console.consumer()) {
            Map<TopicPartition, Long> ends = consumer.endOffsets(console.places(console.topic));
            ends.forEach((place, end) -> all.put(place, RecordsToDelete.beforeOffset(end)));
            get(console.admin.deleteRecords(all).all());
            same(ends, consumer.beginningOffsets(ends.keySet()), "an empty topic");
        }
        get(console.admin.deleteTopics(Set.of(console.topic)).all());
        same(UnknownTopicOrPartitionException.class,
                refused(() -> get(console.admin.describeTopics(List.of(console.topic)).allTopicNames())), "it is gone");
        get(console.admin.createTopics(Set.of(new NewTopic(console.topic + "-again", 1, (short) 1))).all());
    }

    private Akhq() {}
}
