"""Many seeds over two processes, or one seed with its story: `make sim SEEDS=10000`, `make sim SEED=17`.

Exit 1 if any seed fails; each failing one is printed and replays by its number.
"""

import argparse
import sys
import time
from concurrent.futures import ProcessPoolExecutor

from tests.simulation.score import Score, score_of
from tests.simulation.seeds import lived
from tests.simulation.soak import soaked

#: Seeds a process takes at a time.
CHUNK = 20


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--seed", type=int, help="replay this one and tell its story")
    arguments.add_argument("--seeds", type=int, default=200, help="how many, from --first on")
    arguments.add_argument("--first", type=int, default=0)
    arguments.add_argument("--processes", type=int, default=2)
    arguments.add_argument("--soak", type=float, metavar="HOURS", help="quiet traffic for so many virtual hours")
    given = arguments.parse_args()
    if given.soak is not None:
        return _soak(given.soak)
    if given.seed is not None:
        return _one(given.seed)
    return _many(range(given.first, given.first + given.seeds), given.processes)


def _soak(hours: float) -> int:
    began = time.process_time()
    life = soaked(seed=1, hours=hours)
    score = score_of(life)
    print(f"{hours:g} h of quiet life in {time.process_time() - began:.1f} CPU-s")
    print(f"{score.bookings} bookings, {len(life.topics.log)} records, {score.counts['reads']} reads")
    print(f"{score.counts['alerts']} alerts")
    return 1 if score.failed or score.counts["alerts"] else 0


def _one(seed: int) -> int:
    life = lived(seed, chronicle=True)
    print(f"seed {seed}: {life.weather}")
    for complaint in life.oracle.complaints:
        print(f"\n{complaint.at:.1f} {complaint.what}: {complaint.fault.rule} {complaint.fault.subject}")
        for line in life.story(life.cause_of(complaint.fault.subject)):
            print(f"  {line}")
    print("\n".join(score_of(life).lines()))
    return 1 if life.oracle.complaints else 0


def _scored(seeds: range) -> Score:
    score = Score()
    for seed in seeds:
        score.add(score_of(lived(seed)))
    return score


def _many(seeds: range, processes: int) -> int:
    total, began = Score(), time.monotonic()
    chunks = [seeds[start : start + CHUNK] for start in range(0, len(seeds), CHUNK)]
    with ProcessPoolExecutor(processes) as pool:
        for score in pool.map(_scored, chunks):
            total.add(score)
            for seed, wrong in sorted(score.failed.items()):
                print(f"\rseed {seed} fails: {'; '.join(wrong[:3])}    make sim SEED={seed}", flush=True)
            told = f"{total.seeds} of {len(seeds)} seeds, {total.counts['alerts']} alerts, {len(total.failed)} failed"
            print(f"\r{told}, {time.monotonic() - began:.0f} s", end="", file=sys.stderr)
    print(file=sys.stderr)
    print("\n".join(total.lines()))
    return 1 if total.failed else 0


if __name__ == "__main__":
    sys.exit(main())
