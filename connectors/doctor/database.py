"""The monitored database as a server: our role, logical decoding, the slot, the clock."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from connectors.doctor.line import Line, fail, ok, warn
from connectors.source.inspection import SourceNames
from connectors.source.mapping import SourceMapping
from connectors.source.plan import CONNECTION_LIMIT, READING_CONNECTION_LIMIT
from streams.settings_sections import SourceSettings
from streams.settings_types import GIB

#: From here on people are warned of what a slot holds back.
RETAINED_WARN_BYTES = GIB
SKEW_SECONDS_WARN = 5.0
UNLIMITED = -1
PREPARE = "run `plumbline source prepare --apply`"


@dataclass(frozen=True, slots=True)
class Look:
    """What a check of the database may look at."""

    connection: Any
    source: SourceSettings
    mapping: SourceMapping
    names: SourceNames

    @property
    def streams(self) -> bool:
        """Whether changes come by logical decoding."""
        return self.source.mode == "debezium"


Check = Callable[[Look], Awaitable[Line]]


async def connections(look: Look) -> Line:
    """Bounded, so that a fault of ours takes no connection from the application; and enough."""
    row = await look.connection.fetchrow("SELECT rolconnlimit, rolsuper FROM pg_roles WHERE rolname = current_user")
    limit, needed = row["rolconnlimit"], CONNECTION_LIMIT if look.streams else READING_CONNECTION_LIMIT
    if row["rolsuper"]:
        return fail("source role", "a superuser: it may do anything", f"{PREPARE} with a role of its own in source.dsn")
    if limit == UNLIMITED:
        mend = f"ALTER ROLE {look.names.role} CONNECTION LIMIT {needed}"
        return warn("source role", "no CONNECTION LIMIT: nothing keeps connections for the application", mend)
    if limit < needed:
        mend = f"ALTER ROLE {look.names.role} CONNECTION LIMIT {needed}: Debezium holds 4, reads 2"
        return fail("source role", f"CONNECTION LIMIT {limit}, {needed} are needed", mend)
    return ok("source role", f"{look.names.role}, CONNECTION LIMIT {limit}")


async def replication(look: Look) -> Line:
    """Whether the role may decode the log at all."""
    if not look.streams:
        return ok("source replication", 'not needed (source.mode = "poll")')
    # On RDS the right comes by a role, elsewhere by an attribute.
    sql = """SELECT r.rolreplication OR EXISTS (
                 SELECT FROM pg_roles g WHERE g.rolname = 'rds_replication' AND pg_has_role(r.oid, g.oid, 'MEMBER'))
             FROM pg_roles r WHERE r.rolname = current_user"""
    if await look.connection.fetchval(sql):
        return ok("source replication", "allowed")
    mend = f'{PREPARE}; on RDS: GRANT rds_replication TO {look.names.role}; or source.mode = "poll"'
    return fail("source replication", "the role may not replicate", mend)


async def wal_level(look: Look) -> Line:
    """Logical, or nothing can be decoded."""
    level = await look.connection.fetchval("SHOW wal_level")
    if level == "logical" or not look.streams:
        return ok("source wal_level", level)
    mend = 'set wal_level = logical (RDS: rds.logical_replication = 1) and restart; or source.mode = "poll"'
    return fail("source wal_level", level, mend)


async def slot_bound(look: Look) -> Line:
    """Without a bound a slot that nobody reads fills the disk, and the application stops."""
    sql = "SELECT setting::bigint FROM pg_settings WHERE name = 'max_slot_wal_keep_size'"
    megabytes = await look.connection.fetchval(sql)
    if not look.streams:
        return ok("source max_slot_wal_keep_size", "no slot is used")
    bound = look.source.max_retained_wal
    size = f"{2 * bound // 1024**2}MB"
    mend = f"ALTER SYSTEM SET max_slot_wal_keep_size = '{size}'; SELECT pg_reload_conf() (managed: docs/databases)"
    if megabytes == UNLIMITED:
        return fail("source max_slot_wal_keep_size", "-1: a slot may fill the disk", mend)
    if megabytes * 1024**2 < bound:
        found = f"{megabytes} MB, less than source.max_retained_wal: Postgres gives the slot up before we do"
        return warn("source max_slot_wal_keep_size", found, f"{mend}, or lower source.max_retained_wal")
    return ok("source max_slot_wal_keep_size", f"{megabytes} MB")


async def slot(look: Look) -> Line:
    """There, read, and not holding back too much."""
    if not look.streams:
        return ok("source slot", "none is used")
    sql = """SELECT active, wal_status, database = current_database() AS here,
                    pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)::bigint AS retained
               FROM pg_replication_slots WHERE slot_name = $1"""
    row = await look.connection.fetchrow(sql, look.names.slot)
    if row is None:
        return warn(
            "source slot", f"{look.names.slot} is not there yet", "start `plumbline connectors`: Debezium makes it"
        )
    if not row["here"]:
        return fail("source slot", f"{look.names.slot} belongs to another database", "drop it there, or use that one")
    if row["wal_status"] == "lost":
        mend = f"SELECT pg_drop_replication_slot('{look.names.slot}'); it is made anew, and the gap is filled"
        return fail("source slot", "invalidated: its WAL is gone", mend)
    retained, bound = row["retained"] or 0, look.source.max_retained_wal
    found = f"{'active' if row['active'] else 'not active'}, holds back {retained / 1024**2:.1f} MB"
    mend = "is Kafka Connect running, and does its connector? Its log says why it does not read"
    if retained > bound:
        return fail("source slot", f"{found}, more than source.max_retained_wal", mend)
    if retained > RETAINED_WARN_BYTES or not row["active"]:
        return warn("source slot", found, mend)
    return ok("source slot", found)


async def clock(look: Look) -> Line:
    """Their clock and ours, less the way there and back."""
    before = time.time()
    theirs = await look.connection.fetchval("SELECT extract(epoch FROM clock_timestamp())::float8")
    skew = theirs - (before + time.time()) / 2
    return skew_line("source clock", skew, "the database's host")


def skew_line(check: str, skew: float, whose: str) -> Line:
    """How far a clock is from ours."""
    if abs(skew) < SKEW_SECONDS_WARN:
        return ok(check, f"{skew:+.1f} s from ours")
    mend = f"let NTP set the clocks of this host and of {whose}: times in reports are theirs"
    return warn(check, f"{skew:+.1f} s from ours", mend)


SERVER_CHECKS: dict[str, Check] = {
    "source role": connections,
    "source replication": replication,
    "source wal_level": wal_level,
    "source max_slot_wal_keep_size": slot_bound,
    "source slot": slot,
    "source clock": clock,
}
