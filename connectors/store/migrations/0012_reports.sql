-- What statistics and reports are made of: every episode of every alert, how many were compared in each hour, and
-- which report went out by mail.

-- One row an episode, kept with the alert; an alert's own row knows its present episode only. `responded_at`: the
-- first word of a person on it.
CREATE TABLE alert_episodes (
    alert_id     uuid NOT NULL REFERENCES data_consistency_alerts (id) ON DELETE CASCADE,
    episode      integer NOT NULL,
    tenant       text NOT NULL,
    rule         text NOT NULL,
    severity     text NOT NULL,
    subject_kind text NOT NULL,
    subject_id   text NOT NULL,
    booking_uid  text,
    event_type   text,
    account      text,
    opened_at    timestamptz NOT NULL,
    detected_at  timestamptz NOT NULL,
    responded_at timestamptz,
    resolved_at  timestamptz,
    resolution   text,
    baseline     boolean NOT NULL,
    PRIMARY KEY (alert_id, episode)
);
-- By period, for all tenants and for one. What stands has no end yet and is apart: else an old period would read all
-- that ended since.
CREATE INDEX alert_episodes_detected ON alert_episodes (detected_at);
CREATE INDEX alert_episodes_detected_of ON alert_episodes (tenant, detected_at);
CREATE INDEX alert_episodes_resolved ON alert_episodes (resolved_at);
CREATE INDEX alert_episodes_resolved_of ON alert_episodes (tenant, resolved_at);
CREATE INDEX alert_episodes_standing ON alert_episodes (tenant, opened_at) WHERE resolved_at IS NULL;

-- Of the alerts that are there already; their earlier episodes are not known any more.
INSERT INTO alert_episodes (alert_id, episode, tenant, rule, severity, subject_kind, subject_id, booking_uid, event_type,
                            account, opened_at, detected_at, responded_at, resolved_at, resolution, baseline)
SELECT id, episode, tenant, rule, severity, subject_kind, subject_id, booking_uid, ledger ->> 'event_type',
       ledger ->> 'account', opened_at, detected_at, (alert ->> 'acknowledged_at')::timestamptz, resolved_at,
       alert ->> 'resolution', baseline
  FROM data_consistency_alerts;

-- The newest count of each hour (UTC) and tenant. `calls` and `appointments` are rows made in that hour; null: not told.
CREATE TABLE hourly_statistics (
    tenant       text NOT NULL,
    hour         timestamptz NOT NULL,
    compared_at  timestamptz,                -- null: of this hour only the rows made in it are known
    in_sync      integer NOT NULL DEFAULT 0,
    differing    integer NOT NULL DEFAULT 0,
    unknown      integer NOT NULL DEFAULT 0,
    calls        integer,
    appointments integer,
    PRIMARY KEY (tenant, hour)
);
CREATE INDEX hourly_statistics_age ON hourly_statistics (hour);

-- The daily report by mail: reserved before it goes out, so that it goes once.
CREATE TABLE report_mails (
    day         date PRIMARY KEY,
    state       text NOT NULL CHECK (state IN ('reserved', 'sent', 'failed')),
    attempts    integer NOT NULL DEFAULT 0,
    reserved_at timestamptz NOT NULL DEFAULT now(),
    sent_at     timestamptz,
    detail      text
);
