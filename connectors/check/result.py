"""What one comparison found."""

from streams.model.records import Finding, Record

CLEAN, DIFFERENT, UNJUDGED = 0, 1, 2


class Compared(Record, frozen=True, kw_only=True):
    """How much was looked at."""

    tenants: int = 0
    bookings: int = 0
    appointments: int = 0
    calls: int = 0


class Comparison(Record, frozen=True, kw_only=True):
    """`unjudged` says what could not be compared, and why; `notes` what was left out on purpose."""

    findings: tuple[Finding, ...] = ()
    unjudged: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    compared: Compared = Compared()
    seconds: float = 0.0

    @property
    def exit_code(self) -> int:
        """0 clean, 1 differences, 2 not everything could be judged."""
        if self.unjudged:
            return UNJUDGED
        return DIFFERENT if self.findings else CLEAN
