package kbroker.compat;

import java.time.Duration;
import java.util.Arrays;
import java.util.Properties;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.JoinWindows;
import org.apache.kafka.streams.kstream.KStream;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.kstream.StreamJoined;
import org.apache.kafka.streams.kstream.TimeWindows;

/**
 * An application with state, exactly once: words counted, events counted by window, a stream joined with a table and with
 * a stream. It is a process of its own because it is killed. {@code StreamsApp BOOTSTRAP ID PROTOCOL FOLDER TOPICS}
 *
 * <p>Without caches every input makes an output, so that what comes out can be foretold record by record.
 */
public final class StreamsApp {
    static final Duration WINDOW = Duration.ofMinutes(1);

    public static void main(String[] words) {
        KafkaStreams streams = new KafkaStreams(topology(words[4]).build(), settings(words));
        streams.setUncaughtExceptionHandler(failure -> {
            failure.printStackTrace();
            return org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse
                    .REPLACE_THREAD;
        });
        streams.start();
    }

    private static Properties settings(String[] words) {
        Properties settings = new Properties();
        settings.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, words[0]);
        settings.put(StreamsConfig.APPLICATION_ID_CONFIG, words[1]);
        settings.put(StreamsConfig.GROUP_PROTOCOL_CONFIG, words[2]);
        settings.put(StreamsConfig.STATE_DIR_CONFIG, words[3]);
        settings.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.EXACTLY_ONCE_V2);
        settings.put(StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, 0);
        settings.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, 100);
        settings.put(StreamsConfig.DEFAULT_KEY_SERDE_CLASS_CONFIG, Serdes.StringSerde.class);
        settings.put(StreamsConfig.DEFAULT_VALUE_SERDE_CLASS_CONFIG, Serdes.StringSerde.class);
        settings.put("auto.offset.reset", "earliest");
        if (words[2].equals("classic")) {
            settings.put("session.timeout.ms", 6_000);
            settings.put("heartbeat.interval.ms", 500);
        }
        return settings;
    }

    private static StreamsBuilder topology(String topics) {
        StreamsBuilder builder = new StreamsBuilder();
        KStream<String, String> lines = builder.stream(topics + "-lines", Consumed.with(Serdes.String(), Serdes.String()));
        lines.flatMapValues(line -> Arrays.asList(line.split(" ")))
                .groupBy((user, word) -> word, Grouped.as("words"))
                .count()
                .toStream()
                .mapValues(String::valueOf)
                .to(topics + "-counts", Produced.with(Serdes.String(), Serdes.String()));
        lines.groupByKey(Grouped.as("users"))
                .windowedBy(TimeWindows.ofSizeWithNoGrace(WINDOW))
                .count()
                .toStream()
                .map((key, count) -> org.apache.kafka.streams.KeyValue.pair(
                        key.key() + "@" + key.window().start(), String.valueOf(count)))
                .to(topics + "-windows", Produced.with(Serdes.String(), Serdes.String()));
        lines.join(builder.<String, String>table(topics + "-users"), (line, name) -> name)
                .to(topics + "-named");
        lines.join(
                        builder.<String, String>stream(topics + "-clicks"),
                        (line, click) -> click,
                        JoinWindows.ofTimeDifferenceAndGrace(Duration.ZERO, Duration.ofDays(1)),
                        StreamJoined.as("pairs"))
                .to(topics + "-pairs");
        return builder;
    }

    private StreamsApp() {}
}
