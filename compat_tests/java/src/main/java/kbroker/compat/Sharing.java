package kbroker.compat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.consumer.AcknowledgeType;
import org.apache.kafka.clients.consumer.KafkaShareConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.serialization.StringDeserializer;

/** Share groups (KIP-932), read by the Java client: the only one that has them all. */
final class Sharing {
    private static final Duration POLL = Duration.ofMillis(200);

    static void acceptsReleasesAndRejects(Broker broker) throws Exception {
        String topic = filled(broker, "acknowledged", 30);
        Map<String, List<Short>> deliveries = new TreeMap<>();
        try (KafkaShareConsumer<String, String> consumer = consumer(broker, topic, "explicit")) {
            Broker.until("every record decided", () -> {
                consumer.poll(POLL).forEach(record -> {
                    short count = record.deliveryCount().orElse((short) 0);
                    deliveries.computeIfAbsent(record.value(), value -> new ArrayList<>()).add(count);
                    consumer.acknowledge(record, decided(Integer.parseInt(record.value()), count));
                });
                consumer.commitSync();
                return deliveries.size() == 30
                        && deliveries.entrySet().stream().allMatch(each -> each.getValue().size() == wanted(each.getKey()));
            });
            Broker.require(consumer.poll(POLL).isEmpty(), "nothing is left");
        }
        deliveries.forEach((value, counts) ->
                Broker.same(wanted(value) == 2 ? List.of((short) 1, (short) 2) : List.of((short) 1), counts, value));
    }

    /** Of three records one is accepted, one rejected, one released and accepted when it comes again. */
    private static AcknowledgeType decided(int number, short count) {
        if (number % 3 == 0) {
            return AcknowledgeType.ACCEPT;
        }
        if (number % 3 == 1) {
            return AcknowledgeType.REJECT;
        }
        return count == 1 ? AcknowledgeType.RELEASE : AcknowledgeType.ACCEPT;
    }

    private static int wanted(String value) {
        return Integer.parseInt(value) % 3 == 2 ? 2 : 1;
    }

    static void twoDeliverEachRecordOnce(Broker broker) throws Exception {
        String topic = filled(broker, "shared", 1_000);
        Map<String, Integer> found = new ConcurrentHashMap<>();
        AtomicBoolean over = new AtomicBoolean();
        List<Thread> members = new ArrayList<>();
        for (int member = 0; member < 2; member++) {
            members.add(new Thread(() -> {
                try (KafkaShareConsumer<String, String> consumer = consumer(broker, topic, "implicit")) {
                    while (!over.get()) {
                        consumer.poll(POLL).forEach(record -> found.merge(record.value(), 1, Integer::sum));
                    }
                    consumer.commitSync(); // what the last poll gave is not accepted before, and would go to another
                }
            }));
        }
        members.forEach(Thread::start);
        try (KafkaShareConsumer<String, String> third = consumer(broker, topic, "implicit")) {
            Broker.until("all records", () -> {
                third.poll(POLL).forEach(record -> found.merge(record.value(), 1, Integer::sum));
                return found.size() == 1_000;
            });
            third.commitSync();
        } finally {
            over.set(true);
            for (Thread member : members) {
                member.join();
            }
        }
        Broker.require(found.values().stream().allMatch(times -> times == 1), "each record once");
    }

    private static String filled(Broker broker, String stem, int count) throws Exception {
        String topic = broker.topic(stem, 1);
        try (Admin admin = Admin.create(broker.settings())) {
            Collection<AlterConfigOp> fromTheStart = List.of(new AlterConfigOp(
                    new ConfigEntry("share.auto.offset.reset", "earliest"), AlterConfigOp.OpType.SET));
            ConfigResource group = new ConfigResource(ConfigResource.Type.GROUP, "group-" + topic);
            admin.incrementalAlterConfigs(Map.of(group, fromTheStart)).all().get();
        }
        try (KafkaProducer<String, String> producer = broker.producer()) {
            for (int number = 0; number < count; number++) {
                producer.send(new ProducerRecord<>(topic, Integer.toString(number)));
            }
        }
        return topic;
    }

    private static KafkaShareConsumer<String, String> consumer(Broker broker, String topic, String mode) {
        Map<String, Object> settings = new HashMap<>(broker.settings("group.id", "group-" + topic));
        settings.put("share.acknowledgement.mode", mode);
        var consumer = new KafkaShareConsumer<>(settings, new StringDeserializer(), new StringDeserializer());
        consumer.subscribe(List.of(topic));
        return consumer;
    }

    private Sharing() {}
}
