"""What one seed's world is like: clocks, lag, losses, stalls, deaths. Seconds unless said otherwise."""

from random import Random

import msgspec

#: How far the clocks of Cal.com and of the database may be off.
SKEW = 120.0


class Weather(msgspec.Struct):
    """The bounds within which everything happens; drawn once a seed, changed by tests that need a special one."""

    skew_calcom: float = 0.0
    skew_database: float = 0.0
    #: Two hosts of Cal.com do not agree on the time.
    hosts_apart: float = 0.0
    #: A read of Cal.com is at most so far behind.
    lag: float = 2.0
    #: Meanwhile it is further behind: (from, to, at most).
    deep_lag: tuple[float, float, float] | None = None
    #: Share of webhooks that never arrive, and of those that arrive twice or three times.
    lost: float = 0.02
    repeated: float = 0.15
    #: Share of webhooks that are late, and by how much at most.
    late: float = 0.1
    late_by: float = 4.0
    #: Webhooks are built when they are sent, not when it happened (facts/calcom.md §1.5, pipeline).
    pipeline: bool = False
    #: Webhooks carry the numeric id.
    ids_told: bool = True
    #: How long before it is done a cancellation may be announced.
    early: float = 2.0
    #: Reads take so long at most, most of them much less; share of answers that never come.
    reads_take: float = 1.5
    answers_lost: float = 0.005
    poll_every: float = 45.0
    sweep_every: float = 90.0
    #: While the change feed stands still, and while Cal.com does not answer: (from, to).
    stalls: tuple[tuple[float, float], ...] = ()
    outages: tuple[tuple[float, float], ...] = ()
    #: Instants of the worker's deaths, of replays, of Debezium's new snapshots.
    deaths: tuple[float, ...] = ()
    replays: tuple[float, ...] = ()
    snapshots: tuple[float, ...] = ()

    def lag_at(self, now: float, random: Random) -> float:
        """How far behind a read is that begins now."""
        bound = self.lag
        if self.deep_lag is not None and self.deep_lag[0] <= now < self.deep_lag[1]:
            bound = self.deep_lag[2]
        return random.uniform(0, bound)


def within(now: float, spans: tuple[tuple[float, float], ...]) -> float | None:
    """The end of the span that it is now in."""
    return next((end for begin, end in spans if begin <= now < end), None)


def drawn(random: Random) -> Weather:
    """A seed's weather: mostly bearable, each trouble now and then, several at once sometimes."""
    pick, span = random.random, random.uniform

    def spell(share: float, least: float, most: float) -> tuple[tuple[float, float], ...]:
        if pick() >= share:
            return ()
        begin = span(10, 90)
        return ((begin, begin + span(least, most)),)

    deep = spell(0.1, 20, 80)
    return Weather(
        skew_calcom=span(-SKEW, SKEW),
        skew_database=span(-SKEW, SKEW),
        hosts_apart=2.0 if pick() < 0.3 else 0.0,
        lag=random.choice((0.3, 1.0, 2.0, 2.0)),
        deep_lag=(*deep[0], span(3, 8)) if deep else None,
        pipeline=pick() < 0.4,
        ids_told=pick() < 0.8,
        poll_every=random.choice((20.0, 45.0)),
        stalls=spell(0.3, 5, 30),
        outages=spell(0.15, 5, 40),
        deaths=tuple(span(5, 130) for _ in range(random.choice((0, 0, 1, 2, 3)))),
        replays=tuple(span(20, 150) for _ in range(random.choice((0, 0, 0, 1)))),
        snapshots=tuple(span(20, 120) for _ in range(random.choice((0, 0, 0, 1)))),
    )
