"""What is run on somebody else's database: statements with a purpose, in the mode that does no harm."""

from dataclasses import dataclass
from enum import Enum

LOCK_TIMEOUT = "500ms"


class Mode(Enum):
    """How a step is run."""

    #: In a transaction.
    PLAIN = "plain"
    #: In a transaction with a short lock timeout, again and again: never queue before the application.
    LOCKING = "locking"
    #: Outside of any transaction: CONCURRENTLY.
    ALONE = "alone"


@dataclass(frozen=True, slots=True)
class Step:
    """Some statements with one purpose."""

    purpose: str
    sql: str
    mode: Mode = Mode.PLAIN


@dataclass(frozen=True, slots=True)
class Plan:
    """Steps in order, and what a person should know before they are run."""

    steps: tuple[Step, ...]
    notes: tuple[str, ...] = ()

    def script(self) -> str:
        """The whole as text for psql."""
        notes = [f"-- Note: {note}" for note in self.notes]
        steps = [f"-- {step.purpose}\n{_for_psql(step)}" for step in self.steps]
        return "\n".join([*notes, *steps, ""])


def _for_psql(step: Step) -> str:
    match step.mode:
        case Mode.ALONE:
            return step.sql
        case Mode.PLAIN:
            return f"BEGIN;\n{step.sql}\nCOMMIT;"
        case Mode.LOCKING:
            lock = f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'; -- on a timeout: ROLLBACK, wait, again"
            return f"BEGIN;\n{lock}\n{step.sql}\nCOMMIT;"
