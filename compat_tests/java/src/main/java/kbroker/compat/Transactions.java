package kbroker.compat;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.InvalidProducerEpochException;
import org.apache.kafka.common.errors.ProducerFencedException;

/** Transactions: fencing, aborts, and offsets that are part of them. */
final class Transactions {
    private static KafkaProducer<String, String> begun(Broker broker, String id) {
        KafkaProducer<String, String> producer = broker.producer("transactional.id", id);
        producer.initTransactions();
        producer.beginTransaction();
        return producer;
    }

    static void theLaterOfTwoProducersWins(Broker broker) throws Exception {
        String topic = broker.topic("fenced", 2);
        String id = "id-" + UUID.randomUUID();
        try (KafkaProducer<String, String> first = begun(broker, id)) {
            first.send(new ProducerRecord<>(topic, 0, "k", "of the first, before")).get();
            try (KafkaProducer<String, String> second = begun(broker, id)) {
                second.send(new ProducerRecord<>(topic, 1, "k", "of the second"));
                boolean isFenced = false;
                try {
                    first.send(new ProducerRecord<>(topic, 0, "k", "of the first, after"));
                    first.commitTransaction();
                } catch (ProducerFencedException | InvalidProducerEpochException fenced) {
                    isFenced = true;
                } catch (KafkaException other) {
                    isFenced = other.getCause() instanceof ProducerFencedException
                            || other.getCause() instanceof InvalidProducerEpochException;
                }
                Broker.require(isFenced, "the first producer is fenced");
                second.commitTransaction();
            }
        }
        Broker.same(List.of("of the second"), broker.committedValues(topic), "what was committed");
    }

    static void anAbortedTransactionIsNeverSeen(Broker broker) throws Exception {
        String topic = broker.topic("aborted", 1);
        try (KafkaProducer<String, String> producer = begun(broker, "id-" + UUID.randomUUID())) {
            for (int round = 0; round < 20; round++) {
                producer.send(new ProducerRecord<>(topic, "k", (round % 2 == 0 ? "kept " : "dropped ") + round));
                if (round % 2 == 0) {
                    producer.commitTransaction();
                } else {
                    producer.flush();
                    producer.abortTransaction();
                }
                producer.beginTransaction();
            }
            producer.abortTransaction();
        }
        List<String> found = broker.committedValues(topic);
        Broker.same(10, found.size(), "committed records");
        Broker.require(found.stream().allMatch(value -> value.startsWith("kept ")), "no aborted record in " + found);
    }

    static void offsetsAndRecordsCommitAsOne(Broker broker) throws Exception {
        String from = broker.topic("from", 1);
        String to = broker.topic("to", 1);
        String group = "group-" + from;
        try (KafkaProducer<String, String> writer = broker.producer()) {
            for (int number = 0; number < 50; number++) {
                writer.send(new ProducerRecord<>(from, "k", "v" + number));
            }
        }
        int round = 0;
        try (KafkaProducer<String, String> producer = begun(broker, "id-" + UUID.randomUUID());
                KafkaConsumer<String, String> consumer = broker.consumer(
                        "group.id", group, "enable.auto.commit", false, "max.poll.records", 5)) {
            consumer.subscribe(List.of(from));
            TopicPartition place = new TopicPartition(from, 0);
            long next = 0;
            while (next < 50) {
                ConsumerRecords<String, String> some = consumer.poll(Duration.ofMillis(500));
                if (some.isEmpty()) {
                    continue;
                }
                some.forEach(record -> producer.send(new ProducerRecord<>(to, record.key(), record.value())));
                long after = consumer.position(place);
                producer.sendOffsetsToTransaction(Map.of(place, new OffsetAndMetadata(after)), consumer.groupMetadata());
                if (round++ % 3 == 1) {
                    producer.abortTransaction();
                    consumer.seek(place, next);
                } else {
                    producer.commitTransaction();
                    next = after;
                    OffsetAndMetadata told = consumer.committed(java.util.Set.of(place)).get(place);
                    Broker.same(next, told.offset(), "the committed offset");
                }
                producer.beginTransaction();
            }
            producer.abortTransaction();
        }
        Broker.require(round > 10, "some transactions were aborted");
        Broker.same(broker.committedValues(from), broker.committedValues(to), "each record once, in order");
    }

    private Transactions() {}
}
