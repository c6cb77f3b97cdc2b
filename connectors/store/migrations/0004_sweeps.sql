-- Passes over one side, the polled database, and what became of webhooks.

-- The newest pass of each kind over a unit: an account of Cal.com, or "database". Instants are the store's.
CREATE TABLE sweep_passes (
    side        text NOT NULL CHECK (side IN ('calcom', 'database')),
    unit        text NOT NULL,
    kind        text NOT NULL CHECK (kind IN ('window', 'full')),
    begun_at    timestamptz NOT NULL,
    starts_from timestamptz NOT NULL,
    starts_to   timestamptz NOT NULL,
    position    jsonb,                       -- where the next page begins; null: at the start
    pages       integer NOT NULL DEFAULT 0,
    rows        bigint NOT NULL DEFAULT 0,
    flaw        text,                        -- why it proves no absence
    ended_at    timestamptz,                 -- null: under way
    PRIMARY KEY (side, unit, kind)
);

-- The newest complete pass of each kind by tenant: what was told to the worker.
CREATE TABLE sweep_coverage (
    side         text NOT NULL,
    tenant       text NOT NULL,
    kind         text NOT NULL,
    begun_at     timestamptz NOT NULL,
    completed_at timestamptz NOT NULL,
    starts_from  timestamptz NOT NULL,
    starts_to    timestamptz NOT NULL,
    PRIMARY KEY (side, tenant, kind)
);

-- Somebody wants a window pass that begins after this instant: a gap is to be filled.
CREATE TABLE sweep_requests (
    side         text PRIMARY KEY,
    requested_at timestamptz NOT NULL
);

-- With source.mode = "poll": rows changed up to polled_through (the database's clock) were published.
CREATE TABLE row_poll_cursors (
    table_name     text PRIMARY KEY,         -- ours: "appointments" or "calls"
    polled_through timestamptz NOT NULL,
    updated_at     timestamptz NOT NULL DEFAULT now()
);

-- Every webhook about a booking's state that came through the door, for 7 days.
CREATE TABLE webhook_arrivals (
    account    text NOT NULL,
    uid        text NOT NULL,
    trigger    text NOT NULL,
    created_at timestamptz NOT NULL,         -- Cal.com's clock
    arrived_at timestamptz NOT NULL,         -- the broker's clock
    PRIMARY KEY (account, uid, trigger, created_at)
);
CREATE INDEX webhook_arrivals_age ON webhook_arrivals (arrived_at);

-- What the door turned away: no uid where the body was not read.
CREATE TABLE webhook_refusals (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account    text NOT NULL,
    uid        text,
    trigger    text,
    status     smallint NOT NULL,            -- 401, 413, 503 …
    refused_at timestamptz NOT NULL
);
CREATE INDEX webhook_refusals_booking ON webhook_refusals (account, uid, refused_at);
CREATE INDEX webhook_refusals_age ON webhook_refusals (refused_at);

-- States that a list showed, and what became of the webhook that should have told of each.
CREATE TABLE webhook_expectations (
    account      text NOT NULL,
    uid          text NOT NULL,
    trigger      text NOT NULL,
    satisfied_by text[] NOT NULL,            -- triggers that tell as much
    tenant       text NOT NULL,
    changed_at   timestamptz NOT NULL,       -- Cal.com's clock
    seen_at      timestamptz NOT NULL,       -- when the list was asked for
    outcome      text CHECK (outcome IN ('received', 'late', 'lost', 'refused')),  -- null: too early to say
    delay_ms     integer,
    PRIMARY KEY (account, uid, trigger)
);
CREATE INDEX webhook_expectations_open ON webhook_expectations (seen_at) WHERE outcome IS NULL;
CREATE INDEX webhook_expectations_age ON webhook_expectations (seen_at);
