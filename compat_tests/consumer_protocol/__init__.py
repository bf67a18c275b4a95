"""The consumer protocol (KIP-848) with stock clients: librdkafka speaks it with group.protocol=consumer."""
