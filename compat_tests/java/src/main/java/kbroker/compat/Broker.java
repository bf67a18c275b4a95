package kbroker.compat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.function.BooleanSupplier;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/** The broker under test, and clients of it with the defaults of a user who sets next to nothing. */
record Broker(String bootstrap) {
    static final Duration DEADLINE = Duration.ofSeconds(90);
    private static final Duration POLL = Duration.ofMillis(100);

    /** A topic that nobody else uses. */
    String topic(String stem, int partitions) throws Exception {
        String name = stem + "-" + UUID.randomUUID();
        try (Admin admin = Admin.create(Map.of("bootstrap.servers", (Object) bootstrap))) {
            admin.createTopics(List.of(new NewTopic(name, partitions, (short) 1))).all().get();
        }
        return name;
    }

    Map<String, Object> settings(Object... pairs) {
        Map<String, Object> found = new HashMap<>();
        found.put("bootstrap.servers", bootstrap);
        for (int at = 0; at < pairs.length; at += 2) {
            found.put((String) pairs[at], pairs[at + 1]);
        }
        return found;
    }

    KafkaProducer<String, String> producer(Object... pairs) {
        return new KafkaProducer<>(settings(pairs), new StringSerializer(), new StringSerializer());
    }

    KafkaConsumer<String, String> consumer(Object... pairs) {
        Map<String, Object> found = settings(pairs);
        found.putIfAbsent("auto.offset.reset", "earliest");
        return new KafkaConsumer<>(found, new StringDeserializer(), new StringDeserializer());
    }

    /** All that a reader of committed records finds up to the end of the topic as it is now. */
    List<ConsumerRecord<String, String>> committed(String topic) {
        List<ConsumerRecord<String, String>> found = new ArrayList<>();
        try (KafkaConsumer<String, String> reader = consumer("isolation.level", "read_committed")) {
            List<TopicPartition> places = new ArrayList<>();
            reader.partitionsFor(topic).forEach(info -> places.add(new TopicPartition(topic, info.partition())));
            reader.assign(places);
            reader.seekToBeginning(places);
            Map<TopicPartition, Long> ends = reader.endOffsets(places);
            until("the end of " + topic, () -> {
                reader.poll(POLL).forEach(found::add);
                return places.stream().allMatch(place -> reader.position(place) >= ends.get(place));
            });
        }
        return found;
    }

    List<String> committedValues(String topic) {
        return committed(topic).stream().map(ConsumerRecord::value).toList();
    }

    /** Asks again and again; asking waits on the broker. */
    static void until(String what, BooleanSupplier done) {
        long end = System.nanoTime() + DEADLINE.toNanos();
        while (!done.getAsBoolean()) {
            require(System.nanoTime() < end, "not in time: " + what);
        }
    }

    static void require(boolean holds, String what) {
        if (!holds) {
            throw new AssertionError(what);
        }
    }

    static void same(Object expected, Object found, String what) {
        require(expected.equals(found), what + ": expected " + expected + ", found " + found);
    }
}
