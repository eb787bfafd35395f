-- Jobs and their items.
--
-- Both go with what they belong to, also when a program that knows only the
-- first schema still has the file open and deletes a collection.

-- The counts follow every write of an item in the same transaction. A job is
-- finished when it has `finished_at`, and somebody's when it has `worker`.
CREATE TABLE job (
    id INTEGER PRIMARY KEY,
    collection_id INTEGER NOT NULL REFERENCES collection (id) ON DELETE CASCADE,
    key BLOB NOT NULL,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    started_at INTEGER,
    finished_at INTEGER,
    worker TEXT,
    leased_until INTEGER,
    cancel_requested INTEGER NOT NULL DEFAULT 0,
    pending_count INTEGER NOT NULL DEFAULT 0,
    ingested_count INTEGER NOT NULL DEFAULT 0,
    unchanged_count INTEGER NOT NULL DEFAULT 0,
    skipped_count INTEGER NOT NULL DEFAULT 0,
    failed_count INTEGER NOT NULL DEFAULT 0,
    removed_count INTEGER NOT NULL DEFAULT 0,
    chunk_count INTEGER NOT NULL DEFAULT 0,
    subject TEXT NOT NULL,
    error TEXT,
    request TEXT NOT NULL,
    notes TEXT NOT NULL
) STRICT;

CREATE UNIQUE INDEX job_unfinished ON job (key) WHERE finished_at IS NULL;
CREATE INDEX job_by_creation ON job (created_at DESC, id, state);
CREATE INDEX job_by_collection ON job (collection_id, created_at DESC, id, state);

-- In the order of first writing: `position` counts from 0 in each job.
CREATE TABLE job_item (
    job_id INTEGER NOT NULL REFERENCES job (id) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    name TEXT NOT NULL,
    state TEXT NOT NULL,
    reason TEXT,
    document_id INTEGER,
    chunk_count INTEGER NOT NULL,
    depth INTEGER NOT NULL,
    parent TEXT,
    PRIMARY KEY (job_id, position)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX job_item_by_name ON job_item (job_id, name);
CREATE INDEX job_item_by_state ON job_item (job_id, state, position);
