"""The header of a report: through which instant each side of each tenant was compared, and what was lost that day."""

from connectors.store.coverage import Gap, Source, gaps, sources, through_of_calcom, through_of_database
from connectors.store.database import Connection
from connectors.store.period import Scope
from connectors.store.standings import standings_of
from streams.alerts.alert import iso_text
from streams.model.ids import Instant
from streams.model.source_records import DATABASE, TenantStanding
from streams.reports.report import CoverageLine, ReportGap
from streams.settings import Settings

#: Tenants in a report's header.
TENANTS_MAX = 1_000
#: Of a day that is not over, the last of it is always still under way.
UNDER_WAY_MS = 120_000


async def coverage_lines(connection: Connection, settings: Settings, scope: Scope) -> tuple[CoverageLine, ...]:
    """Two lines a tenant, in the order of their ids; as of now, for what is compared later is compared all the same."""
    known, lost = await sources(connection), await gaps(connection)
    lines: list[CoverageLine] = []
    for standing in await standings_of(connection, scope.tenants, after="", limit=TENANTS_MAX):
        mine = [source for source in known if source.concerns(standing.tenant)]
        accounts = [account.name for account in settings.accounts_of(standing.tenant)]
        of_calcom = [source for source in mine if source.source.partition(":")[2] in accounts]
        through = standing.compared_through
        lines += [
            _line(standing, "database", through_of_database(through, mine), [DATABASE], lost, scope),
            _line(standing, "calcom", through_of_calcom(through, mine, accounts), _names(of_calcom), lost, scope),
        ]
    return tuple(lines)


def _line(
    standing: TenantStanding, side: str, through: str | None, names: list[str], lost: tuple[Gap, ...], scope: Scope
) -> CoverageLine:
    since, until = iso_text(scope.since), iso_text(scope.until)
    enough = iso_text(Instant(scope.until - UNDER_WAY_MS))
    missing = tuple(
        ReportGap(source=gap.source, began_at=gap.began_at, ended_at=gap.ended_at)
        for gap in lost
        if gap.source in names and gap.began_at < until and (gap.ended_at is None or gap.ended_at > since)
    )
    return CoverageLine(
        tenant=standing.tenant,
        side=side,
        compared_through=through,
        # A gap that was filled again leaves nothing out.
        complete=through is not None and through >= enough and all(gap.ended_at is not None for gap in missing),
        gaps=missing,
    )


def _names(known: list[Source]) -> list[str]:
    return [source.source for source in known]
