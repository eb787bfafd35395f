-- Small things that belong to no collection.
--
-- What has expired is as if it were not there; adding removes some of it.
CREATE TABLE entry (
    kind TEXT NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    expires_at INTEGER,
    PRIMARY KEY (kind, key)
) STRICT, WITHOUT ROWID;

CREATE INDEX entry_by_expiry ON entry (expires_at) WHERE expires_at IS NOT NULL;
