import java.nio.file.Files;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.utils.Exit;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.state.Stores;

/**
 * A streams application that counts words, with the streams protocol (KIP-1071), until it is stopped as a tool is:
 * {@code WordCount --bootstrap-server HOST:PORT --application ID --input TOPIC --output TOPIC}.
 */
public final class WordCount {
    public static void main(String[] words) throws Exception {
        Map<String, String> options = new HashMap<>();
        for (int at = 0; at < words.length; at += 2) {
            options.put(words[at], words[at + 1]);
        }
        Properties settings = new Properties();
        settings.put("bootstrap.servers", options.get("--bootstrap-server"));
        settings.put("application.id", options.get("--application"));
        settings.put("group.protocol", "streams");
        settings.put("state.dir", Files.createTempDirectory("streams").toString());
        settings.put("commit.interval.ms", 100);
        settings.put("statestore.cache.max.bytes", 0); // each word makes an output
        settings.put("default.key.serde", Serdes.StringSerde.class);
        settings.put("default.value.serde", Serdes.StringSerde.class);
        StreamsBuilder builder = new StreamsBuilder();
        builder.<String, String>stream(options.get("--input"))
                .flatMapValues(line -> Arrays.asList(line.split(" ")))
                .groupBy((key, word) -> word, Grouped.as("words"))
                .count(Materialized.as(Stores.inMemoryKeyValueStore("counts")))
                .toStream()
                .mapValues(String::valueOf)
                .to(options.get("--output"));
        KafkaStreams streams = new KafkaStreams(builder.build(), settings);
        CountDownLatch stopped = new CountDownLatch(1);
        Exit.addShutdownHook("word-count", () -> {
            streams.close();
            stopped.countDown();
        });
        streams.start();
        stopped.await();
    }

    private WordCount() {}
}
