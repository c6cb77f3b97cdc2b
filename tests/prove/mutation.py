"""Mutation testing of the core: would a spec notice if this line said something else?

    python -m tests.prove.mutation --processes 2 --out build/mutants.json [streams/rules …]

Needs the extra `mutation` (mutmut makes the mutants; its own runner takes a night for what this one does in an hour).
All specs are collected once. A mutant is a function's code object replaced in a fork of that process, which runs the
specs that were seen to enter the function, the ones that killed its siblings first, until one fails. What survives
every spec is tried against a few seeds of the simulation.
"""

import argparse
import os
import random
import signal
import sys
import textwrap
import time
from collections import defaultdict
from pathlib import Path
from types import CodeType
from typing import Any

import libcst as cst
import msgspec
import pytest
from mutmut.mutation.file_mutation import Mutation, create_mutations

CORE = ("streams/facts", "streams/rules", "streams/cases")
TESTS = ("tests/spec", "tests/property/test_merge_laws.py", "tests/property/test_order.py")
#: A mutant that hangs is noticed, too.
SECONDS_PER_MUTANT = 60
SIMULATION_SEEDS = tuple(range(4))


class Mutant(msgspec.Struct, frozen=True, kw_only=True):
    """One changed place: `owner` is the class of a method."""

    file: str
    line: int
    function: str
    owner: str | None
    before: str
    after: str
    source: str


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a mutant: killed by a test, by the simulation, by time; survived; or entered by no test."""

    mutant: Mutant
    outcome: str
    by: str | None = None


def mutants_of(path: Path) -> list[Mutant]:
    """Every mutant of a file; what mutmut cannot place in a function is left out."""
    module, mutations, _, _ = create_mutations(str(path), path.read_text())
    positions = cst.metadata.MetadataWrapper(module, unsafe_skip_copy=True).resolve(cst.metadata.PositionProvider)
    owners = {
        method: statement.name.value
        for statement in module.body
        if isinstance(statement, cst.ClassDef)
        for method in statement.body.body
    }
    return [
        _mutant(path, module, mutation, positions, owners)
        for mutation in mutations
        if isinstance(mutation.contained_by_top_level_function, cst.FunctionDef)
    ]


def _mutant(path: Path, module: cst.Module, mutation: Mutation, positions: Any, owners: Any) -> Mutant:
    function: Any = mutation.contained_by_top_level_function
    changed: Any = function.deep_replace(mutation.original_node, mutation.mutated_node)
    # The decorator stays where it is: only the code below it is replaced.
    changed = changed.with_changes(decorators=[])
    place = positions.get(mutation.original_node) or positions[function]
    return Mutant(
        file=str(path),
        line=place.start.line,
        function=function.name.value,
        owner=owners.get(function),
        before=_shown(module, mutation.original_node),
        after=_shown(module, mutation.mutated_node),
        source=textwrap.dedent(module.code_for_node(changed)),
    )


def _shown(module: cst.Module, node: cst.CSTNode) -> str:
    return " ".join(module.code_for_node(node).split())[:160]


def function_of(mutant: Mutant) -> Any:
    """The function object that runs, below property, classmethod or cache."""
    module = sys.modules[mutant.file.removesuffix(".py").removesuffix("/__init__").replace("/", ".")]
    holder = vars(module) if mutant.owner is None else vars(vars(module)[mutant.owner])
    found = holder[mutant.function]
    for inner in ("fget", "func", "__func__", "__wrapped__"):
        found = getattr(found, inner, None) or found
    return found


def install(mutant: Mutant) -> None:
    """Make the function say what the mutant says, whoever holds it."""
    function = function_of(mutant)
    scope = dict(function.__globals__)
    exec(compile(mutant.source, mutant.file, "exec"), scope)
    changed = scope[mutant.function]
    function.__code__ = changed.__code__
    function.__defaults__ = changed.__defaults__
    function.__kwdefaults__ = changed.__kwdefaults__


class Prover:
    """A pytest plugin: takes the collected tests and runs mutants instead of them."""

    def __init__(self, mutants: list[Mutant], processes: int, out: Path) -> None:
        self._mutants = mutants
        self._processes = processes
        self._out = out
        self._entered: dict[CodeType, list[Any]] = defaultdict(list)
        self._seconds: dict[Any, float] = {}

    def pytest_collection(self) -> None:
        """The same examples for every mutant, however slow the machine is."""
        from hypothesis import settings  # not before pytest could rewrite its assertions

        settings.register_profile("mutants", derandomize=True, deadline=None, database=None)
        settings.load_profile("mutants")

    def pytest_runtestloop(self, session: Any) -> bool:
        """Instead of pytest's own loop."""
        self._listen(session.items)
        print(f"{len(self._mutants)} mutants, {len(session.items)} tests", flush=True)
        workers = [self._work(number) for number in range(self._processes)]
        for worker in workers:
            os.waitpid(worker, 0)
        _report(self._out, self._processes)
        return True

    def _listen(self, items: list[Any]) -> None:
        """Which test enters which function, and how long it takes."""
        wanted = {function_of(mutant).__code__ for mutant in self._mutants}
        for item in items:
            seen: set[CodeType] = set()

            def note(frame: Any, event: str, _: Any, seen: set[CodeType] = seen) -> None:
                if event == "call" and frame.f_code in wanted:
                    seen.add(frame.f_code)

            began = time.monotonic()
            sys.setprofile(note)
            passed = _passes(item)
            sys.setprofile(None)
            if not passed and seen:
                raise SystemExit(f"{item.nodeid} fails without any mutant")
            self._seconds[item] = time.monotonic() - began
            for code in seen:
                self._entered[code].append(item)
        for tests in self._entered.values():
            tests.sort(key=lambda item: self._seconds[item])

    def _work(self, number: int) -> int:
        """A process that takes every n-th mutant; its number."""
        worker = os.fork()
        if worker:
            return worker
        killers: dict[str, list[Any]] = defaultdict(list)
        with open(f"{self._out}.{number}", "wb") as file:
            for mutant in self._mutants[number :: self._processes]:
                verdict = self._try(mutant, killers)
                file.write(msgspec.json.encode(verdict) + b"\n")
                file.flush()
        os._exit(0)

    def _try(self, mutant: Mutant, killers: dict[str, list[Any]]) -> Verdict:
        tests = self._entered.get(function_of(mutant).__code__, [])
        if not tests:
            return Verdict(mutant=mutant, outcome="not entered")
        known = killers[f"{mutant.file}:{mutant.owner}.{mutant.function}"]
        order = [*reversed(known), *(test for test in tests if test not in known)]
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reading)
            os.write(writing, _child(mutant, order).encode())
            os._exit(0)
        os.close(writing)
        with os.fdopen(reading) as answer:
            word = answer.read()
        os.waitpid(child, 0)
        if word.isdigit():
            killer = order[int(word)]
            known[:] = [*(test for test in known if test is not killer), killer][-5:]
            return Verdict(mutant=mutant, outcome="killed", by=killer.nodeid)
        return Verdict(mutant=mutant, outcome=word or "killed by time")


def _child(mutant: Mutant, order: list[Any]) -> str:
    """The place of the first test that fails; else what became of the mutant."""
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(SECONDS_PER_MUTANT)
    try:
        install(mutant)
    except Exception:
        return "not valid"
    for place, test in enumerate(order):
        if not _passes(test):
            return str(place)
    return "survived" if _simulation_agrees() else "killed by the simulation"


def _passes(item: Any) -> bool:
    from _pytest.runner import runtestprotocol

    reports = runtestprotocol(item, log=False, nextitem=None)
    return all(report.passed or report.skipped for report in reports)


def _simulation_agrees() -> bool:
    from tests.simulation.score import score_of
    from tests.simulation.seeds import lived

    try:
        return not any(score_of(lived(seed)).failed for seed in SIMULATION_SEEDS)
    except Exception:
        return False


def _report(out: Path, processes: int) -> None:
    verdicts = [
        msgspec.json.decode(line, type=Verdict)
        for number in range(processes)
        for line in Path(f"{out}.{number}").read_bytes().splitlines()
    ]
    tally: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for verdict in verdicts:
        for key in (str(Path(verdict.mutant.file).parent), "total"):
            tally[key][verdict.outcome] += 1
    for key, outcomes in sorted(tally.items()):
        valid = sum(outcomes.values()) - outcomes.get("not valid", 0)
        killed = sum(count for outcome, count in outcomes.items() if outcome.startswith("killed"))
        print(f"{key}: {killed} of {valid} killed ({killed / max(valid, 1):.1%}) {dict(outcomes)}")
    alive = [verdict for verdict in verdicts if verdict.outcome in ("survived", "not entered")]
    out.write_bytes(msgspec.json.format(msgspec.json.encode(alive), indent=1))


def main() -> None:
    """Make the mutants, run them, print what was killed; what was not goes to `--out`."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("paths", nargs="*", default=list(CORE))
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--out", type=Path, default=Path("mutants.json"))
    parser.add_argument("--tests", nargs="*", default=list(TESTS))
    parser.add_argument("--sample", type=int, default=0, help="a random part of the mutants; 0 is all")
    given = parser.parse_args()
    files = sorted(
        {file for path in given.paths for file in ([Path(path)] if path.endswith(".py") else Path(path).rglob("*.py"))}
    )
    mutants = [mutant for file in files for mutant in mutants_of(file)]
    random.Random(1).shuffle(mutants)
    mutants = mutants[: given.sample or None]
    arguments = [*given.tests, "-q", "-s", "-p", "no:cacheprovider"]
    raise SystemExit(pytest.main(arguments, plugins=[Prover(mutants, given.processes, given.out)]))


if __name__ == "__main__":
    main()
