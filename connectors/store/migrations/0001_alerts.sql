-- When Plumbline was installed: faults that are older are baseline (design §5, "First run").
CREATE TABLE installation (
    only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one),
    installed_at timestamptz NOT NULL DEFAULT now()
);
INSERT INTO installation DEFAULT VALUES;

-- One row a fault, for ever under one id. `alert` is the fixed JSON, `ledger` what decides about it;
-- the columns between repeat what is filtered or ordered by.
CREATE TABLE data_consistency_alerts (
    id uuid PRIMARY KEY,
    tenant text NOT NULL,
    rule text NOT NULL,
    severity text NOT NULL,
    priority smallint NOT NULL,
    status text NOT NULL,
    subject_kind text NOT NULL,
    subject_id text NOT NULL,
    booking_uid text,
    appointment_id text,
    call_id text,
    episode integer NOT NULL,
    heard_at timestamptz NOT NULL,
    opened_at timestamptz NOT NULL,
    detected_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    resolved_at timestamptz,
    snoozed_until timestamptz,
    baseline boolean NOT NULL,
    standing boolean NOT NULL,
    version integer NOT NULL,
    alert jsonb NOT NULL,
    ledger jsonb NOT NULL,
    tombstoned_at timestamptz
);

-- The list is always ordered by newest change; each frequent filter stands before that order.
CREATE INDEX alerts_by_change ON data_consistency_alerts (updated_at DESC, id DESC);
CREATE INDEX alerts_by_tenant ON data_consistency_alerts (tenant, updated_at DESC, id DESC);
CREATE INDEX alerts_by_tenant_status ON data_consistency_alerts (tenant, status, updated_at DESC, id DESC);
CREATE INDEX alerts_by_status ON data_consistency_alerts (status, updated_at DESC, id DESC);
CREATE INDEX alerts_by_rule ON data_consistency_alerts (rule, updated_at DESC, id DESC);
CREATE INDEX alerts_by_severity ON data_consistency_alerts (severity, updated_at DESC, id DESC);
CREATE INDEX alerts_by_subject ON data_consistency_alerts (subject_kind, subject_id, updated_at DESC, id DESC);
CREATE INDEX alerts_by_booking ON data_consistency_alerts (booking_uid) WHERE booking_uid IS NOT NULL;
CREATE INDEX alerts_standing ON data_consistency_alerts (tenant) WHERE standing;
CREATE INDEX alerts_snoozed ON data_consistency_alerts (snoozed_until) WHERE snoozed_until IS NOT NULL;
CREATE INDEX alerts_to_tombstone ON data_consistency_alerts (resolved_at)
    WHERE status = 'resolved' AND tombstoned_at IS NULL;

CREATE TABLE alert_history (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    alert_id uuid NOT NULL REFERENCES data_consistency_alerts (id) ON DELETE CASCADE,
    at timestamptz NOT NULL,
    actor text NOT NULL,
    action text NOT NULL,
    from_status text,
    to_status text NOT NULL,
    note text,
    episode integer NOT NULL,
    version integer NOT NULL
);
CREATE INDEX alert_history_by_alert ON alert_history (alert_id, id);

-- What must reach plumbline.alerts. `sequence` is given by the one relay alone: serial columns become visible
-- out of order, and the live stream resumes by this number.
CREATE SEQUENCE outbox_sequence;
CREATE TABLE outbox (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    alert_id uuid NOT NULL,
    tenant text NOT NULL,
    action text NOT NULL,
    version integer NOT NULL,
    alert jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    sequence bigint UNIQUE,
    published_at timestamptz
);
CREATE INDEX outbox_without_sequence ON outbox (id) WHERE sequence IS NULL;
CREATE INDEX outbox_unpublished ON outbox (sequence) WHERE published_at IS NULL;
CREATE INDEX outbox_published ON outbox (published_at);

-- How each booking and appointment stands; `aliases` holds every uid and numeric id it may be asked by.
CREATE TABLE verdicts (
    tenant text NOT NULL,
    subject_kind text NOT NULL,
    subject_id text NOT NULL,
    verdict text NOT NULL,
    reason text NOT NULL,
    as_of timestamptz NOT NULL,
    compared_through timestamptz NOT NULL,
    aliases text[] NOT NULL,
    differences jsonb NOT NULL,
    suspected_for_ms integer,
    PRIMARY KEY (tenant, subject_kind, subject_id)
);
CREATE INDEX verdicts_by_alias ON verdicts USING gin (aliases);

-- The newest restatement heard of, by tenant: an older or repeated one counts nothing.
CREATE TABLE restatements (
    tenant text PRIMARY KEY,
    at timestamptz NOT NULL
);

-- The notification log: sent, when, why, or why not.
CREATE TABLE notices (
    position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    channel text NOT NULL,
    alert_id uuid NOT NULL,
    episode integer NOT NULL,
    kind text NOT NULL,
    state text NOT NULL CHECK (state IN ('pending', 'held', 'sent', 'skipped', 'failed')),
    reason text,
    critical boolean NOT NULL,
    alert jsonb NOT NULL,
    attempts integer NOT NULL DEFAULT 0,
    planned_at timestamptz NOT NULL DEFAULT now(),
    due_at timestamptz NOT NULL DEFAULT now(),
    begun_at timestamptz,
    finished_at timestamptz,
    UNIQUE (channel, alert_id, episode, kind)
);
CREATE INDEX notices_waiting ON notices (channel, due_at) WHERE state IN ('pending', 'held');

-- People asked to read both sides again; taken by the connectors' reader.
CREATE TABLE recheck_requests (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    alert_id uuid NOT NULL UNIQUE,
    tenant text NOT NULL,
    subject_kind text NOT NULL,
    subject_id text NOT NULL,
    booking_uid text,
    appointment_id text,
    call_id text,
    requested_by text NOT NULL,
    requested_at timestamptz NOT NULL DEFAULT now(),
    taken_at timestamptz,
    takes integer NOT NULL DEFAULT 0
);
