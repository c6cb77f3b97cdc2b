"""Pages on the web about an alert, by what a link to them says."""

from streams.alerts.alert import Alert
from streams.settings_notices import LinkSettings


def pages_of(alert: Alert) -> list[tuple[str, str]]:
    """`[("Open booking", "https://…"), …]`; a page without an address of its own (a path in the repository) is none."""
    pages = (
        ("Open booking", alert.links.calcom),
        ("Open in app", alert.links.app),
        ("Runbook", alert.runbook_url),
    )
    return [(name, url) for name, url in pages if url and url.startswith(("https://", "http://"))]


def alert_page(links: LinkSettings, alert_id: str) -> str | None:
    """The alert at Plumbline's own API; None where its address is not configured."""
    return f"{links.plumbline}/v1/alerts/{alert_id}" if links.plumbline else None
