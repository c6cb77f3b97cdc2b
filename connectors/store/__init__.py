"""The alert store: Plumbline's own Postgres, and the outbox that tells Kafka what changed in it."""
