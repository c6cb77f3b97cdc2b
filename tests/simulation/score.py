"""The score of one seed or of many: what was true, what was told, what was wrong about the telling."""

from collections import Counter

import msgspec

from tests.simulation.life import Life

#: Bad, each with the words under which the oracle counts it.
BAD = ("false", "told twice", "told though a higher one speaks", "told without grace", "missed", "late", "stuck",
       "resolved though it stands", "resolved and not open", "told")  # fmt: skip

#: What the first lag of more than 3 s may cost before it is measured (§4a): counted, and no failure.
LAGS = ("false", "told without grace", "resolved though it stands", "late")


class Score(msgspec.Struct):
    """Sums over seeds. `delays`: seconds from a cause's last change to its alert, by rule, in tenths."""

    seeds: int = 0
    bookings: int = 0
    counts: Counter[str] = msgspec.field(default_factory=Counter)
    by_rule: dict[str, Counter[str]] = {}
    delays: dict[str, Counter[int]] = {}
    failed: dict[int, list[str]] = {}

    def add(self, other: "Score") -> None:
        self.seeds += other.seeds
        self.bookings += other.bookings
        self.counts += other.counts
        self.failed |= other.failed
        for rule, counts in other.by_rule.items():
            self.by_rule.setdefault(rule, Counter()).update(counts)
        for rule, delays in other.delays.items():
            self.delays.setdefault(rule, Counter()).update(delays)

    def lines(self) -> list[str]:
        """For people."""
        bad = {word: self.counts[word] for word in BAD if self.counts[word]}
        told = [
            f"{self.counts[word]} {word}" for word in ("alerts", "false", "missed", "late", "hasty", "residue", "reads")
        ]
        true = f"{self.counts['faults']} faults, {self.counts['due']} due, {self.counts['planted']} planted on purpose"
        head = f"{self.seeds} seeds, {self.bookings} bookings: {true}; {', '.join(told)}"
        rows = [f"{'rule':28}{'due':>8}{'alerts':>8}{'p50 s':>8}{'p95 s':>8}"]
        for rule, counts in sorted(self.by_rule.items()):
            delays = self.delays.get(rule, Counter())
            rows.append(
                f"{rule:28}{counts['due']:8}{counts['alerts']:8}{_quantile(delays, 0.5):8.1f}"
                f"{_quantile(delays, 0.95):8.1f}"
            )
        return [head, *rows, f"wrong: {bad or 'nothing'}"]


def _quantile(delays: Counter[int], share: float) -> float:
    passed, wanted = 0, share * sum(delays.values())
    for tenths, count in sorted(delays.items()):
        passed += count
        if passed >= wanted:
            return tenths / 10
    return 0.0


def score_of(life: Life) -> Score:
    """The score of one life that is over."""
    oracle = life.oracle
    residue = [each for each in oracle.complaints if each.what in LAGS and life.deep_in_lag(each.at)]
    wrong = [
        f"{each.at:.1f} {each.what}: {each.fault.rule} {each.fault.subject}"
        for each in oracle.complaints
        if each not in residue
    ]
    return Score(
        seeds=1,
        bookings=len(life.calcom.last_known),
        counts=oracle.counts
        - Counter(each.what for each in residue)
        + Counter(reads=life.readers.asked, residue=len(residue)),
        by_rule=dict(oracle.by_rule),
        delays={rule: Counter(round(10 * each) for each in delays) for rule, delays in oracle.delays.items()},
        failed={life.seed: wrong} if wrong else {},
    )
