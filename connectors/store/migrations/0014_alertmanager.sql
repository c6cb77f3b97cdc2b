-- What stands, most urgent first: read whole every minute where an Alertmanager is fed, however much is over.
CREATE INDEX alerts_to_feed ON data_consistency_alerts (priority, id)
    WHERE status IN ('open', 'acknowledged') AND NOT baseline;
