package shop;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.test.context.SpringBootTest;
import org.springframework.kafka.core.KafkaTemplate;

/** The whole service, a real broker, and nothing to start: {@code kbroker run -- mvn test}. */
@SpringBootTest
class ShippingTest {
    @Autowired
    KafkaTemplate<String, String> kafka;

    /** Empties the topics and forgets groups and faults; producers stay open, and the listener joins its group again. */
    @BeforeEach
    void beginAnew() throws Exception {
        TestBroker.ask("data/reset", "{\"keep\": \"topics\"}");
        TestBroker.ask("groups/wait_assigned", "{\"group\": \"shipping\", \"timeout\": 30}");
    }

    @Test
    void anOrderIsShipped() throws Exception {
        kafka.send("orders", "1").get(30, TimeUnit.SECONDS);
        assertThat(records("shipments", 1)).contains("order 1 is on its way");
    }

    @Test
    void anOrderThatCannotBeReadIsPutAsideAndTheNextOneIsShipped() throws Exception {
        kafka.send("orders", "rubbish").get(30, TimeUnit.SECONDS);
        kafka.send("orders", "2").get(30, TimeUnit.SECONDS);
        assertThat(records("shipments", 1)).contains("order 2 is on its way");
        assertThat(records("orders-dlt", 1)).contains("rubbish");
    }

    /** The broker writes the batch and drops the connection before it answers: the producer has to send it again. */
    @Test
    void aLostAnswerShipsNothingTwice() throws Exception {
        TestBroker.ask("faults/install", """
                {"match": {"api": ["Produce"], "topic": "orders"}, "when": {"times": 1}, "effect": {"drop": "after"}}""");
        kafka.send("orders", "3").get(30, TimeUnit.SECONDS);
        kafka.send("orders", "4").get(30, TimeUnit.SECONDS);
        records("shipments", 2);
        assertThat(TestBroker.ask("records/read", "{\"topic\": \"orders\"}").split("\"offset\"")).hasSize(2 + 1);
    }

    /** Waits for so many records; who waits in vain is told what was there. */
    private static String records(String topic, int count) throws Exception {
        return TestBroker.ask("records/wait", "{\"topic\": \"%s\", \"count\": %d, \"timeout\": 30}".formatted(topic, count));
    }
}
