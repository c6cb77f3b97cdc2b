"""Records of the findings and verdicts topics, strictly: another shape is an error, never a guess."""

from uuid import UUID

import msgspec

from streams.alerts.lifecycle import order_of
from streams.model.ids import parse_iso
from streams.model.records import Finding, FindingRecord, Restatement, Verdict
from streams.model.source_records import TenantStanding

_findings = msgspec.json.Decoder(Finding | Restatement)
_verdicts = msgspec.json.Decoder(Verdict | TenantStanding)


def decode_finding(value: bytes) -> FindingRecord:
    """A finding or a restatement. Raises ValueError (msgspec's errors are such) with what is wrong."""
    record: FindingRecord = _findings.decode(value)
    if isinstance(record, Restatement):
        _times(record.at)
        for alert_id, _ in record.open:
            _uuid(alert_id)
        return record
    order_of(record)
    _times(record.opened_at, record.detected_at)
    parse_iso(record.starts_at)
    parse_iso(record.verification.read_at)
    _uuid(record.alert_id)
    return record


def decode_verdict(value: bytes) -> Verdict | TenantStanding:
    """A verdict, or how a tenant stands. Raises ValueError with what is wrong."""
    record: Verdict | TenantStanding = _verdicts.decode(value)
    _times(record.at if isinstance(record, TenantStanding) else record.as_of, record.compared_through)
    return record


def _times(*texts: str) -> None:
    for text in texts:
        if parse_iso(text) is None:
            raise ValueError("a time is empty")


def _uuid(text: str) -> None:
    if str(UUID(text)) != text:
        raise ValueError("an alert id is not in the usual form of a UUID")
