"""Where an alert points to: its runbook and the two sides' own pages."""

from urllib.parse import quote

import msgspec

from streams.alerts.alert import Links
from streams.model.ids import is_numeric
from streams.model.records import Finding


class Pages(msgspec.Struct, frozen=True, kw_only=True):
    """Bases of links, without a slash at the end. `app` is the watched application's own (default: none)."""

    runbooks: str = "docs/runbooks"
    calcom: str = "https://app.cal.com"
    app: str | None = None

    def runbook(self, rule: str) -> str:
        """The rule's runbook: what to do about it."""
        return f"{self.runbooks}/{rule}.md"

    def links(self, finding: Finding) -> Links:
        """The booking's page at Cal.com (a numeric id has none) and the row's in the application."""
        uid = finding.booking_uid
        return Links(
            calcom=f"{self.calcom}/booking/{quote(uid, safe='')}" if uid and not is_numeric(uid) else None,
            app=self._app_link(finding),
        )

    def _app_link(self, finding: Finding) -> str | None:
        if self.app is None:
            return None
        if finding.appointment_id:
            return f"{self.app}/appointments/{quote(finding.appointment_id, safe='')}"
        return f"{self.app}/calls/{quote(finding.call_id, safe='')}" if finding.call_id else None
