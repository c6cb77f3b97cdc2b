"""The summary of an alert about a source: which one, what was seen, through when it was heard."""

from collections.abc import Callable

from streams.model.records import Finding
from streams.model.source_records import CLOCK, DATABASE

_NAMES = {DATABASE: "Change feed of your database", CLOCK: "Clock of the worker"}
_KINDS = {"webhooks": "Webhooks of account {}", "calcom": "Cal.com's API for account {}"}
#: Shown in their own places, or in the text already.
_TOLD = {"state", "why", "heard_through"}


def source_name(source: str) -> str:
    """`webhooks:main` as people say it; an unknown source as it is called."""
    kind, _, account = source.partition(":")
    return _NAMES.get(source) or _KINDS.get(kind, source).format(account)


def source_summary(finding: Finding, clock_text: Callable[[str], str]) -> str:
    """`Change feed of your database: no heartbeat for 15 s · heard through Thu 14:00 CET · …`."""
    seen = finding.local.extra
    parts = [f"{source_name(finding.subject.id)}: {finding.verification.read_what}"]
    if heard_through := seen.get("heard_through"):
        parts.append(f"heard through {clock_text(heard_through)}")
    parts += [
        f"{difference.field}: {difference.calcom} instead of {difference.local}" for difference in finding.differences
    ]
    if finding.change == "resolved":
        parts += [f"before: {fact.what}" for fact in finding.evidence[:1]]
    parts += [f"{name.replace('_', ' ')}: {value}" for name, value in seen.items() if name not in _TOLD and value]
    return " · ".join(parts)
