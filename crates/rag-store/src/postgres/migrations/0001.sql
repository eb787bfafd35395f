-- The first schema of the PostgreSQL store.
--
-- Everything is in one schema, which the search path names. Times are
-- microseconds since 1970 (UTC). Metadata and the like are JSON as text: `jsonb`
-- would change numbers. What a text has that PostgreSQL refuses is written
-- differently (see `text`).
--
-- Rows about chunks go with their document, and documents with their collection.

-- The vectors of space `n` are in a table of their own, `vector_<n>`, which is
-- made with the space. It has an index from a number of rows on.
CREATE TABLE space (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    model text COLLATE "C" NOT NULL,
    dimensions integer NOT NULL,
    is_indexed boolean NOT NULL DEFAULT false,
    UNIQUE (model, dimensions)
);

-- The counts follow every put and delete in the same transaction.
CREATE TABLE collection (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text COLLATE "C" NOT NULL UNIQUE,
    description text NOT NULL,
    metadata_schema json,
    space_id integer NOT NULL REFERENCES space (id),
    document_count bigint NOT NULL DEFAULT 0,
    chunk_count bigint NOT NULL DEFAULT 0,
    term_count bigint NOT NULL DEFAULT 0,
    created_at bigint NOT NULL
);

-- An index takes no text above 2,704 bytes, so sources are found by their hash.
-- `metadata_keys` has the scalars in the metadata; a key is a hash of path and value.
CREATE TABLE document (
    id bigint PRIMARY KEY,
    collection_id bigint NOT NULL REFERENCES collection (id) ON DELETE CASCADE,
    revision bigint NOT NULL,
    chunk_count integer NOT NULL,
    term_count bigint NOT NULL,
    size_bytes bigint NOT NULL,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL,
    content_hash bytea NOT NULL,
    source_hash bytea NOT NULL,
    media_type text NOT NULL,
    title text NOT NULL,
    source_uri text NOT NULL,
    metadata json NOT NULL,
    metadata_keys bigint[] NOT NULL,
    UNIQUE (collection_id, source_hash)
);

CREATE INDEX document_by_id ON document (collection_id, id);
CREATE INDEX document_by_update ON document (updated_at DESC, id);
CREATE INDEX document_by_collection ON document (collection_id, updated_at DESC, id);
CREATE INDEX document_by_metadata ON document USING gin (metadata_keys) WITH (fastupdate = off);

-- Apart from `document`, so that listings read small rows.
CREATE TABLE document_text (
    document_id bigint PRIMARY KEY REFERENCES document (id) ON DELETE CASCADE,
    text text NOT NULL
);

-- Those in the space of their document's collection are found; the others are staged.
CREATE TABLE chunk (
    document_id bigint NOT NULL REFERENCES document (id) ON DELETE CASCADE,
    space_id integer NOT NULL REFERENCES space (id),
    index integer NOT NULL,
    byte_start bigint NOT NULL,
    byte_end bigint NOT NULL,
    char_start bigint NOT NULL,
    char_end bigint NOT NULL,
    hash bytea NOT NULL,
    heading_path json NOT NULL,
    text text NOT NULL,
    PRIMARY KEY (document_id, space_id, index)
);

CREATE INDEX chunk_by_hash ON chunk (hash, space_id);

-- The analysed terms of the chunks that are found, each as `<term>:<n>`, where `n`
-- says how often the chunk has it: so that one reading of the index gives a
-- term's chunks with their numbers. It is brought up to date at once
-- (`fastupdate`): a search would read everything that waits, for each term.
--
-- A search reads the rows of all chunks that have a term, but never their words:
-- so those are kept apart, and a hundred rows fit a page. PostgreSQL does that for
-- rows above 2 KB only, which `filler` makes them before it is compressed.
CREATE TABLE word (
    document_id bigint NOT NULL REFERENCES document (id) ON DELETE CASCADE,
    index integer NOT NULL,
    term_count integer NOT NULL,
    collection_id bigint NOT NULL,
    words tsvector NOT NULL,
    filler text NOT NULL DEFAULT repeat(' ', 2048),
    PRIMARY KEY (document_id, index)
) WITH (toast_tuple_target = 128);

ALTER TABLE word
    ALTER COLUMN words SET STORAGE EXTERNAL,
    ALTER COLUMN filler SET STORAGE MAIN;

CREATE INDEX word_by_word ON word USING gin (words) WITH (fastupdate = off);
CREATE INDEX word_by_collection ON word (collection_id);

-- The same of the staged chunks, where no search comes by.
CREATE TABLE staged_word (
    document_id bigint NOT NULL REFERENCES document (id) ON DELETE CASCADE,
    space_id integer NOT NULL REFERENCES space (id),
    index integer NOT NULL,
    term_count integer NOT NULL,
    words tsvector NOT NULL,
    PRIMARY KEY (document_id, space_id, index)
);

-- What `document` says of its chunks in the collection's space, for those in another.
CREATE TABLE staged (
    document_id bigint NOT NULL REFERENCES document (id) ON DELETE CASCADE,
    space_id integer NOT NULL REFERENCES space (id),
    collection_id bigint NOT NULL,
    chunk_count integer NOT NULL,
    term_count bigint NOT NULL,
    PRIMARY KEY (document_id, space_id)
);

CREATE INDEX staged_by_collection ON staged (collection_id, space_id, document_id);

-- The counts follow every write of an item in the same transaction. A job is
-- finished when it has `finished_at`, and somebody's when it has `worker`.
CREATE TABLE job (
    id bigint PRIMARY KEY,
    collection_id bigint NOT NULL REFERENCES collection (id) ON DELETE CASCADE,
    created_at bigint NOT NULL,
    started_at bigint,
    finished_at bigint,
    leased_until bigint,
    pending_count bigint NOT NULL DEFAULT 0,
    ingested_count bigint NOT NULL DEFAULT 0,
    unchanged_count bigint NOT NULL DEFAULT 0,
    skipped_count bigint NOT NULL DEFAULT 0,
    failed_count bigint NOT NULL DEFAULT 0,
    removed_count bigint NOT NULL DEFAULT 0,
    chunk_count bigint NOT NULL DEFAULT 0,
    cancel_requested boolean NOT NULL DEFAULT false,
    key bytea NOT NULL,
    kind text NOT NULL,
    state text NOT NULL,
    worker text,
    subject text NOT NULL,
    error text,
    request json NOT NULL,
    notes json NOT NULL
);

CREATE UNIQUE INDEX job_unfinished ON job (key) WHERE finished_at IS NULL;
CREATE INDEX job_by_creation ON job (created_at DESC, id);
CREATE INDEX job_by_collection ON job (collection_id, created_at DESC, id);

-- In the order of first writing: `position` counts from 0 in each job.
CREATE TABLE job_item (
    job_id bigint NOT NULL REFERENCES job (id) ON DELETE CASCADE,
    position bigint NOT NULL,
    document_id bigint,
    chunk_count bigint NOT NULL,
    depth bigint NOT NULL,
    name_hash bytea NOT NULL,
    state text NOT NULL,
    name text NOT NULL,
    reason text,
    parent text,
    PRIMARY KEY (job_id, position),
    UNIQUE (job_id, name_hash)
);

CREATE INDEX job_item_by_state ON job_item (job_id, state, position);
