-- The first schema of the embedded store.
--
-- Times are microseconds since 1970 (UTC). Chunk ids are never used twice and
-- the chunks of a document have consecutive ones, so that a document's chunks
-- are the ids from `first_chunk` on, and chunk `index` is `first_chunk + index`.

CREATE TABLE space (
    id INTEGER PRIMARY KEY,
    model TEXT NOT NULL,
    dimensions INTEGER NOT NULL,
    UNIQUE (model, dimensions)
) STRICT;

-- The two counts follow every put and delete in the same transaction.
CREATE TABLE collection (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    description TEXT NOT NULL,
    metadata_schema TEXT,
    space_id INTEGER NOT NULL REFERENCES space (id),
    document_count INTEGER NOT NULL DEFAULT 0,
    chunk_count INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE document (
    id INTEGER PRIMARY KEY,
    collection_id INTEGER NOT NULL REFERENCES collection (id),
    title TEXT NOT NULL,
    source_uri TEXT NOT NULL,
    media_type TEXT NOT NULL,
    metadata TEXT NOT NULL,
    content_hash BLOB NOT NULL,
    size_bytes INTEGER NOT NULL,
    first_chunk INTEGER NOT NULL,
    chunk_count INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    UNIQUE (collection_id, source_uri)
) STRICT;

CREATE INDEX document_by_update ON document (updated_at DESC, id);
CREATE INDEX document_by_collection ON document (collection_id, updated_at DESC, id);

-- Apart from `document`, so that listings read small rows.
CREATE TABLE document_text (
    document_id INTEGER PRIMARY KEY,
    text TEXT NOT NULL
) STRICT;

CREATE TABLE chunk (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    document_id INTEGER NOT NULL,
    heading_path TEXT NOT NULL,
    byte_start INTEGER NOT NULL,
    byte_end INTEGER NOT NULL,
    char_start INTEGER NOT NULL,
    char_end INTEGER NOT NULL,
    text TEXT NOT NULL,
    hash BLOB NOT NULL
) STRICT;

CREATE INDEX chunk_by_hash ON chunk (hash);

-- f32, little endian.
CREATE TABLE vector (
    chunk_id INTEGER PRIMARY KEY,
    vector BLOB NOT NULL
) STRICT;

-- What a search keeps in memory of a document's chunks, in one row: a sign bit
-- for each dimension of each vector, and how many terms each chunk has.
CREATE TABLE code (
    first_chunk INTEGER PRIMARY KEY,
    document_id INTEGER NOT NULL,
    collection_id INTEGER NOT NULL,
    space_id INTEGER NOT NULL,
    signs BLOB NOT NULL,
    term_counts BLOB NOT NULL
) STRICT;

-- The chunks' analysed terms by chunk id. A term stands in the column of how
-- often the chunk has it. The tokenizer must hand the terms through as they
-- are, in any script: `ascii` takes every byte above 127 for a letter.
CREATE VIRTUAL TABLE word USING fts5 (
    "1", "2", "3", "4", "5", "6", "8", "12",
    content = '', contentless_delete = 1, detail = column,
    tokenize = 'ascii tokenchars _'
);

-- The same seen from the terms: which chunks (`doc`) have one, and how often (`col`).
CREATE VIRTUAL TABLE word_instance USING fts5vocab (word, instance);

-- The scalars in the documents' metadata; a key is a hash of path and value.
CREATE TABLE metadata_entry (
    key INTEGER NOT NULL,
    document_id INTEGER NOT NULL,
    PRIMARY KEY (key, document_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX metadata_entry_by_document ON metadata_entry (document_id);

-- What changed, for the searching processes to follow: a document that was
-- put or deleted, or a collection that was deleted.
CREATE TABLE change (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    document_id INTEGER,
    collection_id INTEGER
) STRICT;
