"""What a user of confluent-kafka (librdkafka) would write."""
