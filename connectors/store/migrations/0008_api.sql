-- Who wrote what, through the API and through the other doors for people; also what was refused. `concerns`: whose
-- administrators may read the line: the object's tenant, else all tenants of the key; null for keys of all tenants only.
CREATE TABLE audit_log (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at              timestamptz NOT NULL DEFAULT clock_timestamp(),
    through         text NOT NULL,
    actor           text NOT NULL,
    role            text,
    method          text,
    route           text NOT NULL,
    object_id       text,
    tenant          text,
    concerns        text[],
    status          integer NOT NULL,
    idempotency_key text,
    request_id      text
);
CREATE INDEX audit_log_by_age ON audit_log (at);
CREATE INDEX audit_log_by_actor ON audit_log (actor, id DESC);
CREATE INDEX audit_log_by_object ON audit_log (object_id, id DESC) WHERE object_id IS NOT NULL;
CREATE INDEX audit_log_by_concerns ON audit_log USING gin (concerns);

-- The answers of writes that were sent with an Idempotency-Key. `id`: digest of who asked, with which key, for what
-- path; `request`: digest of what was sent. Committed with the effect of the write, so there is no row without it.
CREATE TABLE idempotent_answers (
    id      bytea PRIMARY KEY,
    request bytea NOT NULL,
    status  integer NOT NULL,
    headers jsonb NOT NULL,
    body    bytea NOT NULL,
    at      timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX idempotent_answers_by_age ON idempotent_answers (at);
