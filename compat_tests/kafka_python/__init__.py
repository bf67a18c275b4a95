"""What a user of kafka-python would write."""
