-- Acknowledgements expire: those that count, by when they were given.
ALTER TABLE data_consistency_alerts ADD COLUMN acknowledged_at timestamptz;
UPDATE data_consistency_alerts SET acknowledged_at = (alert ->> 'acknowledged_at')::timestamptz
    WHERE alert ->> 'acknowledged_at' IS NOT NULL;
CREATE INDEX alerts_acknowledged ON data_consistency_alerts (acknowledged_at) WHERE status = 'acknowledged';

-- By what way a change came: "api", "slack", "mail", or "machine" for those that no person made. Most lines are the
-- machine's, and are not written anew.
ALTER TABLE alert_history ADD COLUMN through text NOT NULL DEFAULT 'machine';
UPDATE alert_history SET through = 'api' WHERE actor <> 'plumbline';
