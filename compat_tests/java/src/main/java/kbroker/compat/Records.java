package kbroker.compat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.IntStream;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;

/** Writing and reading: the producer with its defaults (idempotent), consumers of both protocols. */
final class Records {
    private static final int COUNT = 2_000;

    static void anIdempotentProducerWritesInOrder(Broker broker) throws Exception {
        String topic = broker.topic("ordered", 1);
        try (KafkaProducer<String, String> producer = broker.producer("batch.size", 200)) {
            for (int number = 0; number < COUNT; number++) {
                producer.send(new ProducerRecord<>(topic, "key", "v" + number));
            }
            producer.flush();
            long last = producer.send(new ProducerRecord<>(topic, "key", "last")).get().offset();
            Broker.same((long) COUNT, last, "the offset of the last record");
        }
        List<String> expected = new ArrayList<>(IntStream.range(0, COUNT).mapToObj(number -> "v" + number).toList());
        expected.add("last");
        Broker.same(expected, broker.committedValues(topic), "the records");
    }

    static void consumersShareATopic(Broker broker, String protocol) throws Exception {
        String topic = broker.topic("shared", 4);
        ConcurrentLinkedQueue<String> found = new ConcurrentLinkedQueue<>();
        List<AtomicBoolean> owns = List.of(new AtomicBoolean(), new AtomicBoolean());
        AtomicBoolean over = new AtomicBoolean();
        List<Thread> members = new ArrayList<>();
        for (int member = 0; member < 2; member++) {
            AtomicBoolean hasHalf = owns.get(member);
            members.add(new Thread(() -> {
                try (KafkaConsumer<String, String> consumer =
                        broker.consumer("group.id", "group-" + topic, "group.protocol", protocol)) {
                    consumer.subscribe(List.of(topic));
                    while (!over.get()) {
                        consumer.poll(Duration.ofMillis(100)).forEach(record -> found.add(record.value()));
                        hasHalf.set(consumer.assignment().size() == 2);
                    }
                }
            }));
        }
        members.forEach(Thread::start);
        try (KafkaProducer<String, String> producer = broker.producer()) {
            Broker.until("both members own two partitions", () -> {
                onSpinWait();
                return owns.stream().allMatch(AtomicBoolean::get);
            });
            for (int number = 0; number < COUNT; number++) {
                producer.send(new ProducerRecord<>(topic, "k" + number, "v" + number));
            }
            producer.flush();
            Broker.until("all records", () -> {
                onSpinWait();
                return found.size() >= COUNT;
            });
        } finally {
            over.set(true);
            for (Thread member : members) {
                member.join();
            }
        }
        Set<String> distinct = new HashSet<>(found);
        Broker.same(COUNT, distinct.size(), "different records");
        Broker.same(COUNT, found.size(), "records");
    }

    private static void onSpinWait() {
        try {
            Thread.sleep(10);
        } catch (InterruptedException interrupted) {
            throw new AssertionError(interrupted);
        }
    }

    private Records() {}
}
