-- Reading Cal.com: the questions that wait, the breakers, how far each account was polled.

-- A question stays until it was answered with more than "unavailable". Asking again repeats the request_id.
CREATE TABLE verification_queue (
    request_id  text PRIMARY KEY,
    tenant      text NOT NULL,
    subject     text NOT NULL,               -- what is read: "booking:<uid>" or "numeric:<id>"
    priority    smallint NOT NULL,           -- 0 proof, 2 settle, 3 re-read
    matters_at  timestamptz,                 -- start of the appointment concerned: nearest first
    question    jsonb NOT NULL,              -- the record as the worker sent it
    attempts    integer NOT NULL DEFAULT 0,  -- times that Cal.com gave no answer
    not_before  timestamptz NOT NULL DEFAULT now(),
    created_at  timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX verification_queue_turn ON verification_queue (tenant, priority, matters_at);
CREATE INDEX verification_queue_subject ON verification_queue (tenant, subject, not_before);

-- One row a circuit, "calcom:<account>". opened_at: when it last left closed; null while closed.
CREATE TABLE circuit_breaker_states (
    id              bigserial PRIMARY KEY,
    circuit_key     varchar(255) UNIQUE NOT NULL,
    state           varchar(20) NOT NULL CHECK (state IN ('closed', 'open', 'half_open')),
    failure_count   integer NOT NULL DEFAULT 0,
    last_failure_at timestamptz,
    opened_at       timestamptz,
    closed_at       timestamptz,
    success_count   integer NOT NULL DEFAULT 0,
    metadata        jsonb,
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX circuit_breaker_states_state ON circuit_breaker_states (state);
CREATE INDEX circuit_breaker_states_last_failure ON circuit_breaker_states (last_failure_at);

-- Everything changed up to polled_through was published. Null backfilled_at: the first full list is still due.
CREATE TABLE poll_cursors (
    account        text PRIMARY KEY,
    polled_through timestamptz NOT NULL,
    backfilled_at  timestamptz,
    event_types    text[] NOT NULL DEFAULT '{}',  -- seen in the account's own lists: those bookings are its
    updated_at     timestamptz NOT NULL DEFAULT now()
);
