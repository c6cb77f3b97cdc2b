-- What is heard of each Cal.com account beside its bookings, and records of shared accounts that are nobody's yet.

-- One row an account. All instants are of the one process that reads Cal.com: they may be compared.
CREATE TABLE account_hearing (
    account            text PRIMARY KEY,
    delivered_at       timestamptz,  -- the newest webhook on Kafka
    listened_at        timestamptz,  -- every webhook up to here was heard
    poll_failing_since timestamptz,  -- null: the poll's last round succeeded
    poll_failed_at     timestamptz,  -- its newest failure
    poll_failure       text
);

-- Changes that the poll saw and a webhook should have told of: made after `made_after`, at the earliest.
CREATE TABLE announced_changes (
    account    text NOT NULL,
    made_after timestamptz NOT NULL,
    seen_at    timestamptz NOT NULL,
    changes    integer NOT NULL,
    PRIMARY KEY (account, seen_at)
);

-- The last look at an account's webhook subscriptions: what was once seen good, and how they differ from it.
CREATE TABLE webhook_audits (
    account    text PRIMARY KEY,
    audit      jsonb NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now()
);

-- Records under "~<account>" while their tenant is looked for; `place` is "<topic>/<partition>/<offset>".
CREATE TABLE unmapped_records (
    place      text PRIMARY KEY,
    account    text NOT NULL,
    kind       text NOT NULL CHECK (kind IN ('webhook', 'read')),
    event_type text,
    refs       text[] NOT NULL,      -- uids and numeric ids of the booking and of its neighbours in the chain
    value      bytea NOT NULL,
    headers    jsonb NOT NULL,       -- [[name, value], …], values in latin-1
    lookups    integer NOT NULL DEFAULT 0,
    next_at    timestamptz NOT NULL DEFAULT now(),
    taken_at   timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX unmapped_records_turn ON unmapped_records (next_at);

-- Whose a booking of an unmapped event type is, once a row said so: also when that row is gone.
CREATE TABLE unmapped_bookings (
    ref      text PRIMARY KEY,       -- uid or numeric id
    tenant   text,                   -- null: no row said so in time; counted below
    found_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX unmapped_bookings_age ON unmapped_bookings (found_at);

-- Event types that no tenant is configured for and whose bookings no row names: told once each.
CREATE TABLE unmapped_event_types (
    account       text NOT NULL,
    event_type    text NOT NULL,     -- "" where a body named none
    bookings      integer NOT NULL DEFAULT 1,
    first_seen_at timestamptz NOT NULL DEFAULT now(),
    last_seen_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (account, event_type)
);
