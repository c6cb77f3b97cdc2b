-- How far each tenant is compared, and what the reads that prove still wait for.

-- The newest word of the worker about each tenant; `standing` is the record as it came.
CREATE TABLE tenant_standings (
    tenant           text PRIMARY KEY,
    at               timestamptz NOT NULL,
    compared_through timestamptz NOT NULL,
    standing         jsonb NOT NULL
);

-- One row a Cal.com key, by a digest of it. `sent`: its requests of the last 60 s, kept before each goes out.
CREATE TABLE calcom_quotas (
    key_digest          text PRIMARY KEY,
    accounts            text[] NOT NULL,
    requests_per_minute integer NOT NULL,
    urgent_per_minute   integer NOT NULL,      -- of these, the last ones, for urgent reads alone
    sent                timestamptz[] NOT NULL,
    answered            integer NOT NULL,      -- questions answered in the last 60 s
    blocked_until       timestamptz,           -- Cal.com said 429
    told_left           integer,               -- what Cal.com said it still takes, until told_until
    told_until          timestamptz,
    updated_at          timestamptz NOT NULL DEFAULT now()
);

-- A question that waits for nothing but its turn has no `not_before`: the turn is read from an index, however many
-- are put off. Many rows come and go: dead ones are cleared early.
ALTER TABLE verification_queue ALTER COLUMN not_before DROP NOT NULL, ALTER COLUMN not_before DROP DEFAULT;
UPDATE verification_queue SET not_before = NULL WHERE not_before <= now();
DROP INDEX verification_queue_turn;
DROP INDEX verification_queue_subject;
CREATE INDEX verification_queue_turn ON verification_queue (tenant, priority, matters_at, created_at)
    WHERE not_before IS NULL;
CREATE INDEX verification_queue_put_off ON verification_queue (tenant, not_before) WHERE not_before IS NOT NULL;
CREATE INDEX verification_queue_subject ON verification_queue (tenant, subject);
ALTER TABLE verification_queue SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000);

-- What each breaker has done, and when it is tried again. `recoveries`: one count a bucket, the last for longer ones.
ALTER TABLE circuit_breaker_states
    ADD COLUMN next_probe_at    timestamptz,
    ADD COLUMN opens            bigint NOT NULL DEFAULT 0,
    ADD COLUMN state_changes    bigint NOT NULL DEFAULT 0,
    ADD COLUMN fast_fails       bigint NOT NULL DEFAULT 0,
    ADD COLUMN recoveries       bigint[] NOT NULL DEFAULT '{}',
    ADD COLUMN recovery_seconds double precision NOT NULL DEFAULT 0;

-- Two filters at once, in the list's order.
CREATE INDEX alerts_by_status_severity ON data_consistency_alerts (status, severity, updated_at DESC, id DESC);
