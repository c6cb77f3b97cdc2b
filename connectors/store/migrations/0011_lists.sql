-- A million alerts: the list for every combination of filters, the figures without counting rows, and what the live
-- stream may still be asked for.

-- Nobody writes alerts between the first count and the triggers that keep it.
LOCK TABLE data_consistency_alerts IN SHARE ROW EXCLUSIVE MODE;

-- The list is merged from groups, each of one tenant, status, rule and severity (connectors/store/listing.py). An index
-- over a single filter does not hold the order once that filter has several values, or is joined by another.
DROP INDEX alerts_by_status, alerts_by_rule, alerts_by_severity, alerts_by_status_severity, alerts_by_tenant_status;
CREATE INDEX alerts_by_kind ON data_consistency_alerts (status, rule, severity, updated_at DESC, id DESC);
CREATE INDEX alerts_by_tenant_kind ON data_consistency_alerts (tenant, status, rule, severity, updated_at DESC, id DESC);
-- Rows that a vacuum has seen are merged from the index alone: seen a twentieth at a time rather than a fifth.
ALTER TABLE data_consistency_alerts
    SET (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_insert_scale_factor = 0.05);

-- How many alerts, and episodes of them, each group has: `alert_counts` plus all of `alert_count_changes`. A writer only
-- appends its difference, so that no two wait for one row; differences are folded in every few seconds.
CREATE TABLE alert_counts (
    tenant   text NOT NULL,
    status   text NOT NULL,
    rule     text NOT NULL,
    severity text NOT NULL,
    alerts   bigint NOT NULL,
    episodes bigint NOT NULL,
    PRIMARY KEY (tenant, status, rule, severity)
);
CREATE TABLE alert_count_changes (
    tenant   text NOT NULL,
    status   text NOT NULL,
    rule     text NOT NULL,
    severity text NOT NULL,
    alerts   bigint NOT NULL,
    episodes bigint NOT NULL
);
ALTER TABLE alert_count_changes SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

INSERT INTO alert_counts
SELECT tenant, status, rule, severity, count(*), sum(episode) FROM data_consistency_alerts
 GROUP BY tenant, status, rule, severity;

-- By trigger and not by the writers: the list reads only groups that are counted, so whoever writes must be counted.
CREATE FUNCTION count_alerts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO alert_count_changes
        SELECT tenant, status, rule, severity, count(*), sum(episode) FROM written
         GROUP BY tenant, status, rule, severity;
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO alert_count_changes
        SELECT tenant, status, rule, severity, -count(*), -sum(episode) FROM replaced
         GROUP BY tenant, status, rule, severity;
    ELSIF TG_OP = 'UPDATE' THEN
        INSERT INTO alert_count_changes
        SELECT tenant, status, rule, severity, sum(alerts), sum(episodes)
          FROM (SELECT tenant, status, rule, severity, 1 AS alerts, episode AS episodes FROM written
                UNION ALL
                SELECT tenant, status, rule, severity, -1, -episode FROM replaced) AS difference
         GROUP BY tenant, status, rule, severity
        HAVING sum(alerts) <> 0 OR sum(episodes) <> 0;
    ELSE
        DELETE FROM alert_count_changes;
        DELETE FROM alert_counts;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER count_inserted AFTER INSERT ON data_consistency_alerts
    REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION count_alerts();
CREATE TRIGGER count_updated AFTER UPDATE ON data_consistency_alerts
    REFERENCING OLD TABLE AS replaced NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION count_alerts();
CREATE TRIGGER count_deleted AFTER DELETE ON data_consistency_alerts
    REFERENCING OLD TABLE AS replaced FOR EACH STATEMENT EXECUTE FUNCTION count_alerts();
CREATE TRIGGER count_truncated AFTER TRUNCATE ON data_consistency_alerts
    FOR EACH STATEMENT EXECUTE FUNCTION count_alerts();

-- The highest number that was pruned from the outbox: who resumes below it has lost something and must list again.
CREATE TABLE outbox_pruned (
    only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one),
    through  bigint NOT NULL
);
INSERT INTO outbox_pruned (through)
SELECT COALESCE((SELECT min(sequence) - 1 FROM outbox),
                (SELECT last_value FROM outbox_sequence WHERE is_called),
                0);
