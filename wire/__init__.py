"""Bytes and the Kafka protocol: no clock, no socket, no event loop."""
