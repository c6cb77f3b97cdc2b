"""The oracle: for how long each fault was true, and whether what was told agrees with it.

A spell is one stretch during which a fault is true and no higher one speaks for it. It is due once its cause has been
left in peace for `DUE_SECONDS`: nothing in it changed, and all that had changed has been heard of.
"""

from collections import Counter, defaultdict

import msgspec

from streams.model.records import Finding
from tests.simulation.wrongs import Cause, Fault, seconds

#: An alert is true if its fault existed at any instant from so long before it on (contracts.md).
LENIENT_SECONDS = 10.0
#: Grace, lag wait, a webhook to settle, the second 404, reads of 1.5 s, an answer lost: by then a fault is told.
DUE_SECONDS = 40.0
#: Open findings are read again this often (design §4a).
REREAD_SECONDS = 60.0
#: An open finding is read again every 60 s; its end is told by then.
STUCK_SECONDS = 120.0
FOREVER = float("inf")
#: A row without tenant is asked for once more by then, if the first SELECT did not show it yet (design §9). A worker
#: that dies meanwhile forgets to: the next pass over the rows finds it, and these lives have none.
NOBODYS_SECONDS = 13.0
#: Rests on another tenant's row, whose events go elsewhere.
SEEN_ACROSS = "tenant_mismatch"
#: Grace by rule where it is not 2 s (design §5): a fault that was over before need not have been told.
GRACE = {"orphaned_local": 3, "orphaned_calcom": 3, "missed_reschedule": 3, "missing_appointment": 4,
         "missing_call_link": 4, "call_link_mismatch": 4, "duplicate_appointment": 4, "duplicate_booking": 3,
         "tenant_mismatch": 3, "recent_failure": 0, "sync_failed": 0, "verification_failed": 0,
         "stuck_pending": 30, "never_synced": 20}  # fmt: skip


class Stretch(msgspec.Struct):
    """From when to when something was so."""

    since: float
    until: float = FOREVER

    def touches(self, begin: float, end: float) -> bool:
        return self.since <= end and self.until >= begin


class Spell(Stretch):
    """A fault that is true and speaks for itself; `due_at` once it is due."""

    due_at: float = FOREVER


class Told(Stretch):
    """One alert from opened to resolved."""

    episode: int = 1


class Complaint(msgspec.Struct):
    """What is wrong about the telling."""

    at: float
    what: str
    fault: Fault
    cause: int | None


class _Peace(msgspec.Struct):
    """How quiet a cause is: what of it nobody has heard of yet, and when it stirred last."""

    waiting: set[str]
    stirred_at: float = 0.0
    changed_at: float = 0.0
    #: No event tells of what happens to it: it is found when open findings are read again.
    silent: bool = False
    true: dict[Fault, Stretch] = {}
    spells: dict[Fault, Spell] = {}


class Oracle:
    """Keeps the ledger of what was true and the list of what was told."""

    def __init__(self) -> None:
        self.complaints: list[Complaint] = []
        self.counts: Counter[str] = Counter()
        self.by_rule: defaultdict[str, Counter[str]] = defaultdict(Counter)
        #: Seconds from the last change of a cause to the alert about it, by rule.
        self.delays: defaultdict[str, list[float]] = defaultdict(list)
        self._peace: dict[int, _Peace] = {}
        self._cause_of: dict[Fault, int] = {}
        self._true: defaultdict[Fault, list[Stretch]] = defaultdict(list)
        self._spells: defaultdict[Fault, list[Spell]] = defaultdict(list)
        self._told: defaultdict[Fault, list[Told]] = defaultdict(list)
        #: Instants at which the worker was away.
        self._away: list[float] = []

    # The truth ----------------------------------------------------------------------------------------------

    def changed(self, cause: Cause, wrongs: dict[Fault, frozenset[Fault]], now: float, *, stirs: bool = True) -> None:
        """This is wrong in this cause from now on, and nothing else. Mere bookkeeping does not stir it."""
        peace = self._of(cause)
        if stirs:
            self.stirred(cause, now)
            peace.changed_at = now
        else:
            _ripen(peace, now)
        _carry(peace.true, set(wrongs), self._true, now, Stretch)
        _carry(peace.spells, {fault for fault, higher in wrongs.items() if not higher}, self._spells, now, Spell)
        for fault in wrongs:
            self._cause_of[fault] = cause.number

    def unheard(self, cause: Cause, token: str, now: float) -> None:
        """Something happened of which nobody has told yet."""
        self.stirred(cause, now)
        self._of(cause).waiting.add(token)

    def heard(self, cause: Cause, token: str, now: float, *, news: bool = True) -> None:
        """Somebody told of it; what is no `news` stirs the cause only if it was waited for."""
        if news or token in self._of(cause).waiting:
            self.stirred(cause, now)
            self._of(cause).waiting.discard(token)

    def silent(self, cause: Cause) -> None:
        """Another tenant's row is in it: its events are not this one's."""
        self._of(cause).silent = True

    def stirred(self, cause: Cause, now: float) -> None:
        """The cause is judged anew from now on."""
        peace = self._of(cause)
        _ripen(peace, now)
        peace.stirred_at = now

    def disturbed(self, now: float) -> None:
        """Nobody could be asked until now, or nobody was there to ask."""
        for peace in self._peace.values():
            _ripen(peace, now)
            peace.stirred_at = now

    def away(self, now: float) -> None:
        """The worker is dead now."""
        self._away.append(now)
        self.disturbed(now)

    def true(self, fault: Fault) -> bool:
        stretches = self._true[fault]
        return bool(stretches) and stretches[-1].until == FOREVER

    def _of(self, cause: Cause) -> _Peace:
        return self._peace.setdefault(cause.number, _Peace(set()))

    # What was told ------------------------------------------------------------------------------------------

    def hear(self, finding: Finding, now: float) -> None:
        """Judge what was told now. `updated` findings claim nothing new."""
        fault = Fault(str(finding.rule), finding.subject.id)
        if finding.change == "opened":
            self._opened(finding, now)
        elif finding.change == "resolved":
            if finding.episode == len(self._told[fault]) + 1:
                # It died before it could tell, and when it came back the fault was over.
                self._opened(finding, seconds(finding.detected_at))
            self._resolved(fault, now, seconds(finding.at))

    def _opened(self, finding: Finding, now: float) -> None:
        fault, episode = Fault(str(finding.rule), finding.subject.id), finding.episode
        told = self._told[fault]
        self.counts["alerts"] += 1
        self.by_rule[fault.rule]["alerts"] += 1
        if told and told[-1].until == FOREVER and episode == len(told) + 1:
            told[-1].until = now  # it died before it could tell the end, and the fault was back when it came back
        elif told and told[-1].until == FOREVER:
            self._complain(now, "told twice", fault)
        elif episode != len(told) + 1:
            self._complain(now, f"told as episode {episode}, not {len(told) + 1}", fault)
        told.append(Told(now, episode=episode))
        if not any(stretch.touches(now - LENIENT_SECONDS, now) for stretch in self._true[fault]):
            self._false(fault, now, seconds(finding.detected_at))
            return
        spells = [spell for spell in self._spells[fault] if spell.touches(now - LENIENT_SECONDS, now)]
        if not spells and not self.true(fault):
            self.counts["hasty"] += 1  # it was over while it was proved, the higher one too
            return
        if not spells:
            self._under_a_higher_one(fault, now)
            return
        spell = spells[-1]
        if spell.until <= now and spell.until - spell.since < GRACE.get(fault.rule, 2):
            self.counts["hasty"] += 1
        self._weigh_grace(fault, now)
        self.delays[fault.rule].append(now - max(spell.since, self._peace[self._cause_of[fault]].changed_at))

    def _under_a_higher_one(self, fault: Fault, now: float) -> None:
        """Or residue: what else is wrong nobody could have heard of (the twin's only webhook was lost)."""
        if self._peace[self._cause_of[fault]].waiting - {fault.subject}:
            self.counts["residue"] += 1
        else:
            self._complain(now, "told though a higher one speaks", fault)

    def _false(self, fault: Fault, now: float, found_at: float) -> None:
        """Or residue: nobody could have heard of its end (§4a), or it was kept before a death and told after it."""
        peace = self._peace.get(self._cause_of.get(fault, -1))
        over = self._true[fault] and peace is not None
        unheard = over and peace.waiting and GRACE.get(fault.rule) == 0
        across = over and peace.silent and fault.rule == SEEN_ACROSS
        kept = any(each.touches(found_at - LENIENT_SECONDS, found_at) for each in self._true[fault])
        if unheard or across or kept:
            self.counts["residue"] += 1
        else:
            self._complain(now, "false", fault)

    def _weigh_grace(self, fault: Fault, now: float) -> None:
        """What nobody has heard of yet, or across tenants, can restart no grace: a SELECT may show it first."""
        first = min(each.since for each in self._true[fault] if each.touches(now - 30, now))
        waiting = self._peace[self._cause_of[fault]].waiting
        if now - first >= GRACE.get(fault.rule, 2) or waiting:
            return
        if fault.rule == SEEN_ACROSS and self._peace[self._cause_of[fault]].silent:
            self.counts["residue"] += 1
        else:
            self._complain(now, "told without grace", fault)

    def _resolved(self, fault: Fault, now: float, ended_at: float) -> None:
        """An end that was kept before a death is told after it: it is judged by when it was found."""
        told = self._told[fault]
        if not told or told[-1].until != FOREVER:
            self._complain(now, "resolved and not open", fault)
            return
        told[-1].until = now
        waiting = fault in self._cause_of and self._peace[self._cause_of[fault]].waiting
        # An orphan was told by a SELECT, which is newer than the old news, unless it was over meanwhile.
        meanwhile = any(told[-1].since <= spell.until < now for spell in self._spells[fault])
        if waiting and (fault.rule != "orphaned_calcom" or meanwhile):
            return  # old news of the row after a stall: what has changed since is still on its way
        standing = [spell.since for spell in self._spells[fault] if spell.until == FOREVER]
        if not standing or min(standing) > ended_at - LENIENT_SECONDS:
            return
        if fault.rule == SEEN_ACROSS and now - self._peace[self._cause_of[fault]].stirred_at < LENIENT_SECONDS:
            self.counts["residue"] += 1  # the chain went on, and by which link the other tenant names it is not heard
        else:
            self._complain(now, "resolved though it stands", fault)

    def _complain(self, now: float, what: str, fault: Fault) -> None:
        self.complaints.append(Complaint(now, what, fault, self._cause_of.get(fault)))
        self.counts[what.split(" as ")[0]] += 1
        self.by_rule[fault.rule][what] += 1

    # The score ----------------------------------------------------------------------------------------------

    def close(self, now: float) -> None:
        """The end: what was due and never told, and what never ended."""
        for peace in self._peace.values():
            _ripen(peace, now)
        for fault, spells in self._spells.items():
            for spell in spells:
                self.counts["faults"] += 1
                if spell.due_at <= now:
                    self._weigh(fault, spell)
        for fault, told in [(fault, told) for fault, told in self._told.items() if told]:
            self._end_of(fault, told[-1], now)

    def _weigh(self, fault: Fault, spell: Spell) -> None:
        self.counts["due"] += 1
        self.by_rule[fault.rule]["due"] += 1
        if any(told.since <= spell.due_at <= told.until for told in self._told[fault]):
            return
        if fault.rule == "missing_tenant" and any(0 < at - spell.since < NOBODYS_SECONDS for at in self._away):
            self.counts["residue"] += 1
            return
        later = any(spell.due_at < told.since <= spell.until for told in self._told[fault])
        self._complain(spell.due_at, "late" if later else "missed", fault)

    def _end_of(self, fault: Fault, told: Told, now: float) -> None:
        stretches = self._true[fault]
        if told.until != FOREVER or not stretches or stretches[-1].until == FOREVER:
            return
        last = max(stretches[-1].until, told.since, self._peace[self._cause_of[fault]].stirred_at)
        if now - last > STUCK_SECONDS:
            self._complain(now, "stuck", fault)


def _carry(standing: dict, now_true: set[Fault], ledger: defaultdict, now: float, kind: type) -> None:  # type: ignore[type-arg] # two of a kind
    for fault in [fault for fault in standing if fault not in now_true]:
        standing.pop(fault).until = now
    for fault in sorted(now_true):
        if fault not in standing:
            standing[fault] = kind(now)
            ledger[fault].append(standing[fault])


def _ripen(peace: _Peace, now: float) -> None:
    """Spells that were left in peace long enough are due."""
    if peace.waiting:
        return
    for fault, spell in peace.spells.items():
        due_at = max(spell.since, peace.stirred_at) + DUE_SECONDS + GRACE.get(fault.rule, 2)
        if peace.silent:  # by a read again; where a higher one must end first, one of its answers may be lost
            due_at += REREAD_SECONDS * (1 if fault.rule == SEEN_ACROSS else 2)
        if due_at <= now:
            spell.due_at = min(spell.due_at, due_at)
