package shop;

import org.apache.kafka.clients.admin.NewTopic;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.context.annotation.Bean;
import org.springframework.kafka.annotation.KafkaListener;
import org.springframework.kafka.config.TopicBuilder;
import org.springframework.kafka.core.KafkaTemplate;
import org.springframework.kafka.listener.DeadLetterPublishingRecoverer;
import org.springframework.kafka.listener.DefaultErrorHandler;
import org.springframework.messaging.handler.annotation.SendTo;
import org.springframework.util.backoff.FixedBackOff;

/** The service under test: ships what is ordered; an order that it cannot read goes to {@code orders-dlt}. */
@SpringBootApplication
public class Shipping {
    public static void main(String[] words) {
        SpringApplication.run(Shipping.class, words);
    }

    @KafkaListener(id = "shipping", topics = "orders")
    @SendTo("shipments")
    String ship(String order) {
        return "order " + Integer.parseInt(order) + " is on its way";
    }

    @Bean
    DefaultErrorHandler putAside(KafkaTemplate<String, String> template) {
        return new DefaultErrorHandler(new DeadLetterPublishingRecoverer(template), new FixedBackOff(0, 1));
    }

    @Bean
    NewTopic orders() {
        return TopicBuilder.name("orders").partitions(1).build();
    }
}
