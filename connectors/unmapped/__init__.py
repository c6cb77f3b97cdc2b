"""Bookings of shared accounts whose event type is mapped to nobody: whose they are is asked of the database."""
