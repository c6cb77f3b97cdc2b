"""Instants as Postgres knows them."""

from datetime import UTC, datetime, timedelta

from streams.alerts.alert import iso_text
from streams.model.ids import Instant


def iso_of(at: datetime) -> str:
    """A timestamptz as text: ISO 8601, UTC, milliseconds, Z."""
    return iso_text(Instant(round(at.timestamp() * 1000)))


def moment(at: Instant) -> datetime:
    """An instant as a parameter; exact, where a float would round."""
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=at)


def instant_of(at: datetime) -> Instant:
    """A timestamptz as an instant."""
    return Instant(round(at.timestamp() * 1000))
