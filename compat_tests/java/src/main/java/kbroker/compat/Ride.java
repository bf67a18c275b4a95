package kbroker.compat;

import java.io.PrintStream;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.kafka.clients.consumer.CommitFailedException;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.RebalanceInProgressException;
import org.apache.kafka.common.errors.RetriableException;

/**
 * Java's clients at work while somebody moves leaders and kills brokers: {@code Ride BOOTSTRAP TOPIC COPY PROTOCOL},
 * until standard input closes; then until everything is read and copied.
 *
 * <p>A producer with its defaults (idempotent, acks=all) writes numbers to the four partitions of TOPIC; two members of
 * the group {@code riders-TOPIC} read them and commit after every poll; and whoever copies TOPIC to COPY does it in
 * transactions, with the offsets in them. Each line of output is something that was told to us:
 *
 * <pre>
 * stored NUMBER PARTITION OFFSET      the answer to a write        committed COUNT   records of a transaction
 * read PARTITION OFFSET               what a member was given      done              everything was read and copied
 * </pre>
 */
public final class Ride {
    private static final int PARTITIONS = 4;
    private static final int CHUNK = 200;
    private static final Duration POLL = Duration.ofMillis(100);

    private final Broker broker;
    private final String topic;
    private final String copy;
    private final String protocol;
    private final PrintStream out = System.out;
    private final AtomicBoolean isWriting = new AtomicBoolean(true);
    private final AtomicBoolean isOver = new AtomicBoolean();
    private final AtomicReference<Throwable> failure = new AtomicReference<>();
    private final Set<String> stored = ConcurrentHashMap.newKeySet();
    private final Set<String> read = ConcurrentHashMap.newKeySet();
    private volatile long copied;

    private Ride(String[] words) {
        broker = new Broker(words[0]);
        topic = words[1];
        copy = words[2];
        protocol = words[3];
    }

    public static void main(String[] words) throws Exception {
        Ride ride = new Ride(words);
        List<Thread> threads = new ArrayList<>();
        Thread writer = ride.begin(ride::write);
        threads.add(ride.begin(ride::member));
        threads.add(ride.begin(ride::member));
        threads.add(ride.begin(ride::transact));
        while (System.in.read() >= 0) {
            continue;
        }
        ride.isWriting.set(false);
        writer.join();
        Broker.until("everything is read and copied", () -> {
            pause();
            return ride.failure.get() != null
                    || (ride.read.containsAll(ride.stored) && ride.copied >= ride.stored.size());
        });
        ride.isOver.set(true);
        for (Thread thread : threads) {
            thread.join();
        }
        if (ride.failure.get() != null) {
            ride.failure.get().printStackTrace();
            System.exit(1);
        }
        ride.out.println("done");
        System.exit(0);
    }

    private interface Work {
        void run() throws Exception;
    }

    private Thread begin(Work work) {
        Thread thread = new Thread(() -> {
            try {
                work.run();
            } catch (Throwable thrown) {
                failure.compareAndSet(null, thrown);
            }
        });
        thread.start();
        return thread;
    }

    private void write() throws Exception {
        try (KafkaProducer<String, String> producer = broker.producer("reconnect.backoff.max.ms", 200)) {
            int number = 0;
            while (isWriting.get()) {
                if (stored.size() - Math.min(read.size(), copied) > 5 * CHUNK) {
                    pause(); // the others shall have something to do at every step, and not much after the last one
                    continue;
                }
                List<Future<RecordMetadata>> answers = new ArrayList<>();
                for (int at = 0; at < CHUNK; at++, number++) {
                    answers.add(producer.send(new ProducerRecord<>(topic, number % PARTITIONS, null, "" + number)));
                }
                for (int at = 0; at < CHUNK; at++) {
                    RecordMetadata answer = answers.get(at).get();
                    if (answer.hasOffset()) {
                        stored.add(answer.partition() + " " + answer.offset());
                    }
                    out.println("stored " + (number - CHUNK + at) + " " + answer.partition() + " " + answer.offset());
                }
            }
        }
    }

    private KafkaConsumer<String, String> consumer(String group) {
        return broker.consumer(
                "group.id", group + "-" + topic, "group.protocol", protocol, "enable.auto.commit", false,
                "isolation.level", "read_committed", "reconnect.backoff.max.ms", 200);
    }

    private void member() {
        try (KafkaConsumer<String, String> consumer = consumer("riders")) {
            consumer.subscribe(List.of(topic));
            while (!isOver.get()) {
                ConsumerRecords<String, String> some = consumer.poll(POLL);
                some.forEach(record -> {
                    read.add(record.partition() + " " + record.offset());
                    out.println("read " + record.partition() + " " + record.offset());
                });
                try {
                    if (!some.isEmpty()) {
                        consumer.commitSync();
                    }
                } catch (CommitFailedException | RetriableException gone) {
                    // the group has moved on; whoever has these partitions now reads the records again
                    System.err.println(gone);
                }
            }
        }
    }

    /** Consume, transform, produce, as Kafka's documentation has it: what fails is aborted and begun again. */
    private void transact() {
        try (KafkaConsumer<String, String> consumer = consumer("copiers");
                KafkaProducer<String, String> producer = broker.producer("transactional.id", "copier-" + topic)) {
            producer.initTransactions();
            consumer.subscribe(List.of(topic));
            while (!isOver.get()) {
                ConsumerRecords<String, String> some = consumer.poll(POLL);
                if (some.isEmpty()) {
                    continue;
                }
                Map<TopicPartition, OffsetAndMetadata> after = new HashMap<>();
                try {
                    producer.beginTransaction();
                    some.forEach(record ->
                            producer.send(new ProducerRecord<>(copy, record.partition(), null, record.value())));
                    some.partitions().forEach(place -> after.put(
                            place, new OffsetAndMetadata(some.records(place).get(some.records(place).size() - 1).offset() + 1)));
                    producer.sendOffsetsToTransaction(after, consumer.groupMetadata());
                    commit(producer);
                    copied += some.count();
                    out.println("committed " + some.count());
                } catch (CommitFailedException | RebalanceInProgressException gone) {
                    abortAndGoBack(producer, consumer, gone);
                }
            }
        }
    }

    /** A commit that timed out has to be asked for again, not aborted. */
    private static void commit(KafkaProducer<String, String> producer) {
        while (true) {
            try {
                producer.commitTransaction();
                return;
            } catch (org.apache.kafka.common.errors.TimeoutException late) {
                System.err.println(late);
            }
        }
    }

    private static void abortAndGoBack(
            KafkaProducer<String, String> producer, KafkaConsumer<String, String> consumer, KafkaException why) {
        System.err.println(why);
        producer.abortTransaction();
        Map<TopicPartition, OffsetAndMetadata> committed = consumer.committed(consumer.assignment());
        consumer.assignment().forEach(place -> {
            OffsetAndMetadata at = committed.get(place);
            consumer.seek(place, at == null ? 0 : at.offset());
        });
    }

    private static void pause() {
        try {
            Thread.sleep(20);
        } catch (InterruptedException interrupted) {
            throw new AssertionError(interrupted);
        }
    }
}
