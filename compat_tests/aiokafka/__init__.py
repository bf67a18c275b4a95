"""What a user of aiokafka would write."""
