"""schemathesis against the API on a real server and store: two tenants, each with keys, each with marks of its own.

Every operation of the OpenAPI document is asked with what fits it and with what does not, and with ids that exist: the
key's own and the other tenant's. No answer may be of 500 or above, differ from the document, or hold a mark of the
other tenant that this one has not sent itself (refusals and the audit repeat what was asked).
"""

import asyncio
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import requests
import schemathesis
import uvicorn
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis import APIOperation, Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from api.app import create_app
from api.services import services_of
from connectors.store.audit import AuditLine, write_audit_alone
from connectors.store.database import Database
from connectors.store.verdicts import write_verdicts
from streams.model.records import Evidence, Subject, Verdict
from streams.model.rule import Rule, SubjectKind
from streams.settings import Settings
from tests.alert_words import clock, finding

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
TENANTS = ("first", "second")
ALERTS_EACH = 4
ANSWER_SECONDS_MAX = 30
START_SECONDS_MAX = 20
#: Answers without an end have their own test.
ENDLESS = "text/event-stream"
#: Asks the connectors process, which does not run here.
NEEDS_OTHERS = frozenset({"/v1/validate"})


def keys() -> list[dict[str, Any]]:
    """For each tenant a key of each role."""
    return [
        {"name": f"{role}-{tenant}", "key": f"key-{role}-{tenant}", "role": role, "tenants": [tenant]}
        for tenant in TENANTS
        for role in ("viewer", "operator", "admin")
    ]


@dataclass
class Told:
    """What was asked, and what was wrong. `said`: the other's marks that a tenant itself has sent."""

    cases: int = 0
    said: dict[str, set[str]] = field(default_factory=lambda: {tenant: set() for tenant in TENANTS})
    by_status: dict[int, int] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)


def marks_of(tenant: str) -> list[str]:
    """Words that stand in this tenant's data and nowhere else."""
    return [f"{tenant}-mark-{number}" for number in range(ALERTS_EACH)]


def alerts_of(tenant: str) -> list[str]:
    """The ids of its alerts."""
    return [finding("opened", 1, subject=mark, tenant=tenant).alert_id for mark in marks_of(tenant)]


async def plant(configured: Settings) -> None:
    """Alerts, verdicts and lines of the audit of both tenants."""
    services = services_of(configured)
    try:
        for tenant in TENANTS:
            await _plant(services.database, services.store, tenant)
    finally:
        await services.database.close()


async def _plant(database: Database, store: Any, tenant: str) -> None:
    for mark in marks_of(tenant):
        facts = (Evidence(source="database", what=f"row of {mark}"),)
        one = finding("opened", 1, subject=mark, tenant=tenant, evidence=facts, appointment_id=f"a-{mark}")
        await store.apply([one])
        verdict = Verdict(
            tenant=tenant,
            subject=Subject(kind=SubjectKind.BOOKING, id=mark),
            verdict="differ",
            reason=Rule.ORPHANED_CALCOM,
            as_of=str(clock(1)),
            compared_through=str(clock(1)),
            aliases=(mark, f"a-{mark}"),
        )
        async with database.transaction() as connection:
            await write_verdicts(connection, [verdict])
        line = AuditLine(through="api", actor=f"operator-{tenant}", route=mark, status=200, concerns=(tenant,))
        await write_audit_alone(database, line)


@contextmanager
def served(configured: Settings) -> Iterator[str]:
    """The API on a port of its own, in a thread and loop of its own; its address."""
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(create_app(services_of(configured)), log_config=None, access_log=False))
    thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[listening])))
    thread.start()
    address = f"http://127.0.0.1:{listening.getsockname()[1]}"
    try:
        requests.get(f"{address}/livez", timeout=START_SECONDS_MAX).raise_for_status()
        yield address
    finally:
        server.should_exit = True
        thread.join()


def fuzz(address: str, *, examples: int, number: int) -> Told:
    """Ask each operation `examples` times with each of a few keys, in each of the ways; `number` is the seed."""
    told = Told()
    schema = schemathesis.openapi.from_url(f"{address}/openapi.json")
    for found in schema.get_all_operations():
        operation = found.ok()
        if operation.path in NEEDS_OTHERS or _is_endless(operation):
            continue
        for tenant in TENANTS:
            for strategy in _strategies(operation, tenant):
                _ask(strategy, Asking(address, tenant, told), examples, number)
    return told


def _is_endless(operation: APIOperation) -> bool:
    answers = operation.definition.raw["responses"].values()
    return any(ENDLESS in answer.get("content", {}) for answer in answers)


def _strategies(operation: APIOperation, tenant: str) -> Iterator[Any]:
    """What fits, what does not, and ids that exist: one's own and the other's."""
    yield operation.as_strategy(generation_mode=GenerationMode.POSITIVE)
    if any(True for _ in operation.iter_parameters()) or operation.body:
        yield operation.as_strategy(generation_mode=GenerationMode.NEGATIVE)
    names = [parameter.name for parameter in operation.path_parameters]
    for of in TENANTS if names else ():
        known = {name: alerts_of(of)[0] if "alert" in name else marks_of(of)[0] for name in names}
        yield operation.as_strategy(path_parameters=known)


@dataclass
class Bearer(requests.auth.AuthBase):
    """Set last, when the request is complete: schemathesis leaves a header of keys out of some cases on purpose."""

    key: str

    def __call__(self, request: Any) -> Any:
        request.headers["Authorization"] = f"Bearer {self.key}"
        return request


@dataclass
class Asking:
    """One tenant's keys, and what is noted of the answers."""

    address: str
    tenant: str
    told: Told

    def ask(self, case: Case) -> None:
        """Send one case with a key of each role in turn."""
        role = ("admin", "operator", "viewer")[self.told.cases % 3]
        answer = case.call(base_url=self.address, auth=Bearer(f"key-{role}-{self.tenant}"), timeout=ANSWER_SECONDS_MAX)
        self.told.cases += 1
        self.told.by_status[answer.status_code] = self.told.by_status.get(answer.status_code, 0) + 1
        self._check(case, answer)

    def _check(self, case: Case, answer: Any) -> None:
        try:
            case.validate_response(answer, checks=CHECKS)
        except FailureGroup as fault:
            wrong = "; ".join(f"{one.title}: {one.message}" for one in fault.exceptions)
            self.told.faults.append(f"{case.method} {case.formatted_path} {answer.status_code}: {wrong}")
        sent, said = _sent(answer), self.told.said[self.tenant]
        [other] = [tenant for tenant in TENANTS if tenant != self.tenant]
        for mark in (*marks_of(other), *alerts_of(other)):
            if mark in sent:
                said.add(mark)
            if mark in answer.text and mark not in said:
                self.told.faults.append(f"{case.method} {case.formatted_path}: told {self.tenant} of {mark}")


def _sent(answer: Any) -> str:
    """All that the request said."""
    request = answer.request
    body = request.body or b""
    return f"{request.url} {request.headers} {body.decode('utf-8', 'replace') if isinstance(body, bytes) else body}"


def _ask(strategy: Any, asking: Asking, examples: int, number: int) -> None:
    @seed(number)
    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        phases=(Phase.generate,),  # a fault is told as it came, and the next is looked for
        suppress_health_check=list(HealthCheck),
    )
    @given(case=strategy)
    def each(case: Case) -> None:
        asking.ask(case)

    each()


def summary(told: Told, seconds: float) -> Sequence[str]:
    """For people: how much was asked, and every fault once."""
    statuses = ", ".join(f"{status}: {count}" for status, count in sorted(told.by_status.items()))
    return (f"{told.cases} requests in {seconds:.0f} s ({statuses})", *sorted(set(told.faults)))
