-- How each source fares: `standing` is what decides (streams/sources/standing.py), the columns beside it are for people.
CREATE TABLE source_states (
    source        text PRIMARY KEY,          -- "database", "clock", "webhooks:<account>", "calcom:<account>"
    state         text NOT NULL,
    heard_through timestamptz,
    standing      jsonb NOT NULL,
    updated_at    timestamptz NOT NULL DEFAULT now()
);

-- What a watcher must remember over a restart, as it wrote it: a slot's counters, a gap that is not filled yet.
CREATE TABLE source_memories (
    watcher    text PRIMARY KEY,
    memory     jsonb NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now()
);
