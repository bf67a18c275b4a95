"""Stock Kafka clients against a real kbroker process on a real socket."""
