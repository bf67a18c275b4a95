package kbroker.compat;

import java.io.Reader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaFuture;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * What a console has when it opens on a cluster that somebody uses: an admin client, a topic with records, a group.
 *
 * <p>{@code Console BOOTSTRAP PREFIX} opens every page of each console in turn; a page that shows what it should is one
 * line, {@code {"step": NAME}}. Properties of the JVM name a file of the client's configs ({@code client.properties}),
 * say that there is an authorizer ({@code has.authorizer}), or name the file of somebody who may only look
 * ({@code viewer.properties}).
 */
final class Console implements AutoCloseable {
    static final int PARTITIONS = 3;
    static final int RECORDS = 30;

    final Map<String, Object> settings = new HashMap<>();
    final String topic;
    final String group;
    final boolean hasAuthorizer;
    final Admin admin;
    private final String name;

    Console(String name, Map<String, Object> settings, String prefix, boolean hasAuthorizer) throws Exception {
        this.name = name;
        this.settings.putAll(settings);
        this.hasAuthorizer = hasAuthorizer;
        topic = prefix + "-" + name + "-topic";
        group = prefix + "-" + name + "-group";
        this.settings.put("client.id", name);
        admin = Admin.create(this.settings);
    }

    /** A topic of {@link #PARTITIONS} partitions with ten records in each, and a group that has read half of them. */
    void fill() throws Exception {
        get(admin.createTopics(List.of(new NewTopic(topic, PARTITIONS, (short) 1))).all());
        try (KafkaProducer<byte[], byte[]> producer = producer()) {
            for (int number = 0; number < RECORDS; number++) {
                byte[] text = String.valueOf(number).getBytes();
                producer.send(new ProducerRecord<>(topic, number % PARTITIONS, 1_000L * number, text, text));
            }
        }
        Map<TopicPartition, OffsetAndMetadata> half = new HashMap<>();
        places(topic).forEach(place -> half.put(place, new OffsetAndMetadata(5)));
        get(admin.alterConsumerGroupOffsets(group, half).all());
    }

    List<TopicPartition> places(String topic) {
        List<TopicPartition> found = new ArrayList<>();
        for (int number = 0; number < PARTITIONS; number++) {
            found.add(new TopicPartition(topic, number));
        }
        return found;
    }

    /** Reads without a group, as every console does: assigned, not subscribed. */
    KafkaConsumer<byte[], byte[]> consumer(Object... pairs) {
        Map<String, Object> found = new HashMap<>(settings);
        found.put("enable.auto.commit", false);
        found.put("allow.auto.create.topics", false);
        for (int at = 0; at < pairs.length; at += 2) {
            found.put((String) pairs[at], pairs[at + 1]);
        }
        return new KafkaConsumer<>(found, new ByteArrayDeserializer(), new ByteArrayDeserializer());
    }

    KafkaProducer<byte[], byte[]> producer() {
        return new KafkaProducer<>(settings, new ByteArraySerializer(), new ByteArraySerializer());
    }

    /** Polls until so many records have come. */
    List<ConsumerRecord<byte[], byte[]>> poll(KafkaConsumer<byte[], byte[]> consumer, int count) {
        List<ConsumerRecord<byte[], byte[]>> found = new ArrayList<>();
        Broker.until(count + " records", () -> {
            consumer.poll(Duration.ofMillis(100)).forEach(found::add);
            return found.size() >= count;
        });
        return found;
    }

    /** One page of the console, or one press of a button on it. */
    void page(String title, Page page) throws Exception {
        try {
            page.open();
        } catch (Exception | AssertionError failure) {
            throw new AssertionError(name + ", " + title + ": " + failure, failure);
        }
        System.out.println("{\"step\": \"" + name + ": " + title + "\"}");
    }

    interface Page {
        void open() throws Exception;
    }

    static <T> T get(KafkaFuture<T> future) throws Exception {
        return future.get();
    }

    /** The error that something ends with. */
    static Class<?> refused(Callable<?> asked) throws Exception {
        try {
            asked.call();
        } catch (ExecutionException error) {
            return error.getCause().getClass();
        }
        throw new AssertionError("it was not refused");
    }

    @Override
    public void close() {
        admin.close();
    }

    private interface Pages {
        void open(Console console) throws Exception;
    }

    public static void main(String[] words) throws Exception {
        Map<String, Object> settings = client(words[0], System.getProperty("client.properties"));
        boolean hasAuthorizer = Boolean.getBoolean("has.authorizer");
        String viewer = System.getProperty("viewer.properties");
        if (viewer != null) {
            try (Console console = new Console("viewer", settings, words[1], hasAuthorizer)) {
                console.fill();
                Viewer.pages(console, client(words[0], viewer));
            }
            System.exit(0);
        }
        Map<String, Pages> all = Map.of("akhq", Akhq::pages, "kafka-ui", KafkaUi::pages, "ide", Ide::pages);
        for (String name : List.of("akhq", "kafka-ui", "ide")) {
            try (Console console = new Console(name, settings, words[1], hasAuthorizer)) {
                console.fill();
                all.get(name).open(console);
            }
        }
        System.exit(0);
    }

    private static Map<String, Object> client(String bootstrap, String path) throws Exception {
        Map<String, Object> found = new HashMap<>(Map.of("bootstrap.servers", bootstrap));
        if (path != null) {
            Properties file = new Properties();
            try (Reader reader = Files.newBufferedReader(Path.of(path))) {
                file.load(reader);
            }
            file.stringPropertyNames().forEach(key -> found.put(key, file.getProperty(key)));
        }
        return found;
    }
}
