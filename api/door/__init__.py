"""The webhook door: the one public path, from Cal.com's signed body to a record on Kafka."""
