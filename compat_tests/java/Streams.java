// Kafka Streams with the streams protocol (KIP-1071): a stateful word count, exactly once, through the life of a group.
//
// Two instances of the application run in this process, each with a process id and a state directory of its own. After
// every change the counts must become exactly those of the lines that have been sent.

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.StreamsGroupDescription;
import org.apache.kafka.clients.admin.StreamsGroupMemberAssignment;
import org.apache.kafka.clients.admin.StreamsGroupMemberDescription;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.GroupState;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.serialization.LongDeserializer;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Produced;

public class Streams {
    static final int TASKS = 6; // two subtopologies, three partitions

    final String servers, app, lines, counts;
    final Admin admin;
    final KafkaProducer<String, String> producer;
    final KafkaConsumer<String, Long> reader;
    final Map<String, Long> wanted = new TreeMap<>(), found = new TreeMap<>();

    Streams(String servers, String prefix) {
        this.servers = servers;
        app = prefix + "-app";
        lines = prefix + "-lines";
        counts = prefix + "-counts";
        admin = Admin.create(Map.<String, Object>of("bootstrap.servers", servers));
        producer = new KafkaProducer<>(Map.of("bootstrap.servers", servers), new StringSerializer(), new StringSerializer());
        reader = new KafkaConsumer<>(
            Map.of("bootstrap.servers", servers, "group.id", prefix + "-reader", "auto.offset.reset", "earliest",
                "isolation.level", "read_committed"),
            new StringDeserializer(), new LongDeserializer());
    }

    static void step(String name) {
        System.out.println("{\"step\": \"" + name + "\"}");
    }

    static void until(String what, Callable<Boolean> holds) throws Exception {
        long end = System.nanoTime() + Duration.ofSeconds(60).toNanos();
        while (!holds.call()) {
            if (System.nanoTime() > end) throw new IllegalStateException("never came: " + what);
            Thread.sleep(50);
        }
    }

    Topology topology() {
        StreamsBuilder builder = new StreamsBuilder();
        builder.stream(lines, Consumed.with(Serdes.String(), Serdes.String()))
            .flatMapValues(line -> Arrays.asList(line.split(" ")))
            .groupBy((key, word) -> word, Grouped.with("words", Serdes.String(), Serdes.String()))
            .count(Materialized.with(Serdes.String(), Serdes.Long()))
            .toStream()
            .to(counts, Produced.with(Serdes.String(), Serdes.Long()));
        return builder.build();
    }

    KafkaStreams instance() throws Exception {
        Properties configs = new Properties();
        configs.put("application.id", app);
        configs.put("bootstrap.servers", servers);
        configs.put("group.protocol", "streams");
        configs.put("processing.guarantee", "exactly_once_v2");
        configs.put("num.stream.threads", "2");
        configs.put("commit.interval.ms", "100");
        configs.put("statestore.cache.max.bytes", "0");
        configs.put("state.dir", Files.createTempDirectory(Path.of("."), "state").toString());
        KafkaStreams made = new KafkaStreams(topology(), configs);
        made.start();
        until("RUNNING", () -> made.state() == KafkaStreams.State.RUNNING);
        return made;
    }

    void send(int from, int to) {
        for (int number = from; number < to; number++) {
            String line = "the fox " + number % 7 + " and the dog " + number % 5;
            for (String word : line.split(" ")) wanted.merge(word, 1L, Long::sum);
            producer.send(new ProducerRecord<>(lines, "key" + number, line));
        }
        producer.flush();
    }

    void exact() throws Exception {
        until("exact counts: " + wanted + ", found " + found, () -> {
            reader.poll(Duration.ofMillis(100)).forEach(record -> found.put(record.key(), record.value()));
            return found.equals(wanted);
        });
    }

    StreamsGroupDescription group() throws Exception {
        return admin.describeStreamsGroups(List.of(app)).all().get().get(app);
    }

    static int size(Collection<StreamsGroupMemberAssignment.TaskIds> tasks) {
        return tasks.stream().mapToInt(each -> each.partitions().size()).sum();
    }

    int active() throws Exception {
        return group().members().stream().mapToInt(member -> size(member.assignment().activeTasks())).sum();
    }

    boolean isStable(int processes) throws Exception {
        StreamsGroupDescription now = group();
        long there = now.members().stream().map(StreamsGroupMemberDescription::processId).distinct().count();
        return now.groupState() == GroupState.STABLE && there == processes && active() == TASKS;
    }

    void run() throws Exception {
        admin.createTopics(List.of(new NewTopic(lines, 3, (short) 1), new NewTopic(counts, 3, (short) 1))).all().get();
        reader.subscribe(List.of(counts));
        KafkaStreams one = instance();
        send(0, 200);
        exact();
        step("count words");

        KafkaStreams two = instance();
        until("two processes", () -> isStable(2));
        send(200, 400);
        exact();
        step("share tasks with another process");

        ConfigResource resource = new ConfigResource(ConfigResource.Type.GROUP, app);
        ConfigEntry standbys = new ConfigEntry("streams.num.standby.replicas", "1");
        admin.incrementalAlterConfigs(Map.of(resource, List.of(new AlterConfigOp(standbys, AlterConfigOp.OpType.SET)))).all().get();
        until("standbys of all tasks with state", () -> isStable(2) && 3 == group().members().stream()
            .mapToInt(member -> size(member.assignment().standbyTasks())).sum());
        step("keep standbys");

        one.close(Duration.ofSeconds(30));
        until("one process", () -> isStable(1));
        send(400, 600);
        exact();
        step("take over");

        two.close(Duration.ofSeconds(30));
        until("nobody", () -> group().groupState() == GroupState.EMPTY);
        KafkaStreams again = instance();
        send(600, 700);
        exact();
        again.close(Duration.ofSeconds(30));
        step("go on after all have stopped");

        until("nobody", () -> group().groupState() == GroupState.EMPTY);
        admin.deleteStreamsGroups(List.of(app)).all().get();
        until("no group", () -> admin.listGroups().all().get().stream().noneMatch(each -> each.groupId().equals(app)));
        step("delete the group");
    }

    public static void main(String[] args) throws Exception {
        Streams streams = new Streams(args[0], args[1]);
        try {
            streams.run();
        } catch (Throwable failure) {
            failure.printStackTrace();
            System.exit(1);
        }
        System.exit(0);
    }
}
