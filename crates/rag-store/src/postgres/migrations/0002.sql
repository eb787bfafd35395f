-- Small things that belong to no collection.
--
-- Keys are kept as their bytes, which entries are listed by: a text that stands
-- for one with a NUL has another place. What has expired is as if it were not
-- there; adding removes some of it.
CREATE TABLE entry (
    kind text COLLATE "C" NOT NULL,
    key bytea NOT NULL,
    expires_at bigint,
    value json NOT NULL,
    PRIMARY KEY (kind, key)
);

CREATE INDEX entry_by_expiry ON entry (expires_at) WHERE expires_at IS NOT NULL;
