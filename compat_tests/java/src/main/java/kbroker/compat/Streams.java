package kbroker.compat;

import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.stream.LongStream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;

/**
 * Kafka Streams, killed in the middle: {@link StreamsApp} gets half of its input, dies by SIGKILL while it works on it,
 * starts again on the same folder and gets the rest. Then each result stands in its topic exactly once: a count of n is
 * reached by 1, 2, ... n, none twice and none left out.
 */
final class Streams {
    private static final int LINES = 1_200;
    private static final String[] USERS = {"ann", "bob", "cyd", "dan"};
    private static final long TIME = System.currentTimeMillis() / 3_600_000 * 3_600_000;

    static void overAKill(Broker broker, String protocol) throws Exception {
        String topics = "streams-" + UUID.randomUUID();
        Path folder = Files.createTempDirectory("streams");
        try (Admin admin = Admin.create(broker.settings())) {
            List<NewTopic> made = new ArrayList<>();
            for (String name : List.of("lines", "users", "clicks", "counts", "windows", "named", "pairs")) {
                made.add(new NewTopic(topics + "-" + name, 2, (short) 1));
            }
            admin.createTopics(made).all().get();
        }
        Process app = null;
        try (KafkaProducer<String, String> producer = broker.producer()) {
            for (String user : USERS) {
                producer.send(new ProducerRecord<>(topics + "-users", null, TIME - 1, user, user.toUpperCase()));
            }
            send(producer, topics, 0, LINES / 2);
            app = start(broker, topics, protocol, folder);
            long begun = LINES / 10;
            Broker.until("the first counts", () -> broker.committed(topics + "-counts").size() >= begun);
            app.destroyForcibly().waitFor(10, TimeUnit.SECONDS);
            send(producer, topics, LINES / 2, LINES);
            app = start(broker, topics, protocol, folder);
            Broker.until("all counts", () -> broker.committed(topics + "-counts").size() >= 3 * LINES);
            Broker.until("all windows", () -> broker.committed(topics + "-windows").size() >= LINES);
            Broker.until("all names", () -> broker.committed(topics + "-named").size() >= LINES);
            Broker.until("all pairs", () -> broker.committed(topics + "-pairs").size() >= LINES);
        } finally {
            if (app != null) {
                app.destroyForcibly().waitFor(10, TimeUnit.SECONDS);
            }
        }
        compare(broker, topics);
    }

    /** Line n: three words, two of which many lines have; one user of four; a minute for each hundred lines. */
    private static void send(KafkaProducer<String, String> producer, String topics, int from, int to) {
        for (int number = from; number < to; number++) {
            String user = USERS[number % USERS.length];
            long time = TIME + number * 600L;
            producer.send(new ProducerRecord<>(topics + "-lines", null, time, user, "all even" + number % 2 + " n" + number));
            producer.send(new ProducerRecord<>(topics + "-clicks", null, time, user, "click " + number));
        }
        producer.flush();
    }

    private static void compare(Broker broker, String topics) {
        Map<String, List<Long>> counts = byKey(broker, topics + "-counts");
        Broker.same(LINES + 3, counts.size(), "different words");
        Broker.same(upTo(LINES), counts.get("all"), "the count of the word that all lines have");
        Broker.same(upTo(LINES / 2), counts.get("even0"), "the count of the word that every second line has");
        Broker.same(upTo(LINES / 2), counts.get("even1"), "the count of the other one");
        Broker.same(List.of(1L), counts.get("n" + (LINES - 1)), "the count of the last line's own word");
        Map<String, List<Long>> windows = byKey(broker, topics + "-windows");
        Broker.same(LINES / 100 * USERS.length, windows.size(), "windows");
        windows.forEach((window, found) -> Broker.same(upTo(100 / USERS.length), found, "the counts of window " + window));
        List<String> names = broker.committedValues(topics + "-named");
        Broker.same(LINES, names.size(), "lines with a name");
        Broker.same((long) LINES / USERS.length, names.stream().filter("ANN"::equals).count(), "lines of Ann");
        List<String> pairs = broker.committedValues(topics + "-pairs");
        Broker.same(LINES, pairs.size(), "lines with a click");
        Broker.same((long) LINES, pairs.stream().distinct().count(), "different clicks");
    }

    private static Map<String, List<Long>> byKey(Broker broker, String topic) {
        Map<String, List<Long>> found = new TreeMap<>();
        broker.committed(topic)
                .forEach(record -> found.computeIfAbsent(record.key(), key -> new ArrayList<>())
                        .add(Long.valueOf(record.value())));
        return found;
    }

    private static List<Long> upTo(long count) {
        return LongStream.rangeClosed(1, count).boxed().toList();
    }

    private static Process start(Broker broker, String topics, String protocol, Path folder) throws Exception {
        String java = ProcessHandle.current().info().command().orElse("java");
        return new ProcessBuilder(
                        java, "-Xmx256M", "-XX:TieredStopAtLevel=1", "-Dorg.slf4j.simpleLogger.defaultLogLevel=error",
                        "-cp", System.getProperty("java.class.path"), StreamsApp.class.getName(),
                        broker.bootstrap(), topics, protocol, folder.toString(), topics)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .redirectError(ProcessBuilder.Redirect.appendTo(new File(folder.toFile(), "stderr.log")))
                .start();
    }

    private Streams() {}
}
