-- What a person must decide (S4 §7). One item an alert, under its id; written in the transaction that writes the alert.
CREATE TABLE manual_review_queue (
    id             uuid PRIMARY KEY REFERENCES data_consistency_alerts (id) ON DELETE CASCADE,
    tenant         text NOT NULL,
    rule           text NOT NULL,
    reason         text NOT NULL,
    priority       smallint NOT NULL CHECK (priority BETWEEN 1 AND 5),
    state          text NOT NULL CHECK (state IN ('pending', 'claimed', 'decided', 'withdrawn')),
    booking_uid    text,
    appointment_id text,
    call_id        text,
    episode        integer NOT NULL,
    queued_at      timestamptz NOT NULL,
    updated_at     timestamptz NOT NULL,
    claimed_by     text,
    claimed_at     timestamptz,
    decision       text,
    decided_by     text,
    decided_at     timestamptz,
    note           text,
    ended_at       timestamptz,        -- of the alert; null while it stands
    times          integer NOT NULL,   -- how often it was put into the queue
    version        integer NOT NULL
);
-- The list's order: most urgent first, of those the one that waits longest.
CREATE INDEX manual_review_queue_turn ON manual_review_queue (priority, queued_at, id)
    WHERE state IN ('pending', 'claimed');
CREATE INDEX manual_review_queue_order ON manual_review_queue (priority, queued_at, id);
CREATE INDEX manual_review_queue_turn_of_tenant ON manual_review_queue (tenant, priority, queued_at, id);

-- Failed syncs (S2, task 2.3): orphans with the life of their alerts, and each account's trouble with Cal.com, one row
-- a minute and sort. Either alert_id or account is set.
CREATE TABLE calcom_sync_failures (
    id                bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant            text,            -- null: an account's trouble
    account           text,
    alert_id          uuid REFERENCES data_consistency_alerts (id) ON DELETE CASCADE,
    episode           integer,
    calcom_booking_id text,
    appointment_id    text,
    call_id           text,
    failure_type      text NOT NULL CHECK (failure_type IN
                          ('orphaned_calcom', 'orphaned_local', 'schema_error', 'network_timeout', 'rate_limit')),
    error_details     jsonb,           -- of an account's trouble: the newest reason and HTTP status
    occurrences       integer NOT NULL DEFAULT 1,
    detected_at       timestamptz NOT NULL,   -- of an account's trouble: the minute's first
    last_seen_at      timestamptz NOT NULL,
    resolved_at       timestamptz,
    resolution_status text NOT NULL CHECK (resolution_status IN ('pending', 'resolved', 'manual_review')),
    resolution_notes  text,
    minute            timestamptz,     -- of an account's trouble
    CHECK ((alert_id IS NULL) <> (account IS NULL)),
    UNIQUE (alert_id, episode),
    UNIQUE (account, failure_type, minute)
);
CREATE INDEX calcom_sync_failures_newest ON calcom_sync_failures (detected_at DESC, id DESC);
CREATE INDEX calcom_sync_failures_of_tenant
    ON calcom_sync_failures (tenant, resolution_status, detected_at DESC, id DESC);
CREATE INDEX calcom_sync_failures_unresolved ON calcom_sync_failures (account, failure_type)
    WHERE account IS NOT NULL AND resolution_status <> 'resolved';

-- When a chain grows its newest link names it: what was said of it under an older name is no verdict any more.
DELETE FROM verdicts AS old USING verdicts AS newer
 WHERE old.tenant = newer.tenant AND old.subject_kind = 'booking' AND newer.subject_kind = 'booking'
   AND newer.aliases @> ARRAY[old.subject_id] AND newer.subject_id <> old.subject_id AND newer.as_of > old.as_of;
