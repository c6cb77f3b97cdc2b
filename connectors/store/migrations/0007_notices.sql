-- Notices of all channels: planned by one planner, kept back and decided again, told alone or together.

-- `telling`: the message that a notice was last put into, also where sending failed. `message`: the channel's own name
-- of it. `version`: the alert's when the notice was decided; 0 for what time alone called for. The alert itself is
-- read when the notice goes out.
ALTER TABLE notices
    ADD COLUMN tenant   text,
    ADD COLUMN turn     integer NOT NULL DEFAULT 0,
    ADD COLUMN version  integer NOT NULL DEFAULT 0,
    ADD COLUMN gathered text,                     -- which notices are told together with it
    ADD COLUMN telling  uuid,
    ADD COLUMN together text,                     -- why it is told together with others: grouped, storm, digest, baseline
    ADD COLUMN message  text;
UPDATE notices SET
    tenant = alert->>'tenant',
    version = (alert->>'version')::integer,
    gathered = (alert->>'rule') || ' ' || kind,
    reason = CASE WHEN state = 'held' THEN 'baseline' ELSE reason END;
ALTER TABLE notices
    DROP CONSTRAINT notices_channel_alert_id_episode_kind_key,
    ADD UNIQUE (channel, alert_id, episode, kind, turn),
    ALTER COLUMN tenant SET NOT NULL,
    ALTER COLUMN gathered SET NOT NULL,
    DROP COLUMN alert;
DROP INDEX notices_waiting;
CREATE INDEX notices_waiting ON notices (channel, critical DESC, position) WHERE state = 'pending';
CREATE INDEX notices_tried ON notices (telling) WHERE state = 'pending' AND telling IS NOT NULL;
CREATE INDEX notices_held ON notices (due_at) WHERE state = 'held';
CREATE INDEX notices_by_alert ON notices (alert_id, position);
CREATE INDEX notices_by_tenant ON notices (tenant, position);
CREATE INDEX notices_by_channel ON notices (channel, position);
CREATE INDEX notices_by_state ON notices (state, reason, position);
CREATE INDEX notices_of_message ON notices (channel, message) WHERE message IS NOT NULL;
CREATE INDEX notices_finished ON notices (finished_at) WHERE finished_at IS NOT NULL;

-- What a channel remembers between two messages (streams/notices/pacing.py). Whoever speaks next holds its row.
CREATE TABLE notice_channels (
    channel          text PRIMARY KEY,
    pacing           jsonb NOT NULL DEFAULT '{}',
    baseline_told_at timestamptz
);
INSERT INTO notice_channels (channel, baseline_told_at)
SELECT channel, coalesce(max(finished_at), now()) FROM notices WHERE state = 'sent' AND reason = 'baseline' GROUP BY channel;

-- Who is looked for when people are to be told again.
CREATE INDEX alerts_unattended ON data_consistency_alerts (id)
    WHERE status = 'open' AND severity = 'critical' AND NOT baseline;

-- What somebody wants to hear nothing of. `tenants` null is all of them, `matchers` as in streams/notices/silences.py.
CREATE TABLE silences (
    id         uuid PRIMARY KEY,
    tenants    text[],
    matchers   jsonb NOT NULL,
    starts_at  timestamptz NOT NULL,
    ends_at    timestamptz NOT NULL,
    comment    text NOT NULL,
    author     text NOT NULL,
    created_at timestamptz NOT NULL,
    ended_at   timestamptz,
    ended_by   text
);
CREATE INDEX silences_by_end ON silences (ends_at);
