-- The tables of the first prior system, as far as they matter to an import. Times
-- have no zone; membership belongs to chunks, not to documents.

CREATE TABLE collections (
    id serial PRIMARY KEY,
    name varchar(255) NOT NULL UNIQUE,
    description text,
    created_at timestamp DEFAULT current_timestamp
);

CREATE TABLE source_documents (
    id serial PRIMARY KEY,
    filename varchar(500) NOT NULL,
    content text NOT NULL,
    file_type varchar(50),
    file_size integer,
    metadata jsonb DEFAULT '{}',
    created_at timestamp DEFAULT current_timestamp,
    updated_at timestamp DEFAULT current_timestamp
);

CREATE TABLE document_chunks (
    id serial PRIMARY KEY,
    source_document_id integer NOT NULL REFERENCES source_documents ON DELETE CASCADE,
    chunk_index integer NOT NULL,
    content text NOT NULL,
    char_start integer,
    char_end integer,
    metadata jsonb DEFAULT '{}',
    embedding vector(1536),
    created_at timestamp DEFAULT current_timestamp,
    UNIQUE (source_document_id, chunk_index)
);

CREATE TABLE chunk_collections (
    chunk_id integer REFERENCES document_chunks ON DELETE CASCADE,
    collection_id integer REFERENCES collections ON DELETE CASCADE,
    PRIMARY KEY (chunk_id, collection_id)
);

CREATE INDEX ON document_chunks (source_document_id);
CREATE INDEX ON document_chunks USING hnsw (embedding vector_cosine_ops)
    WITH (m = 16, ef_construction = 64);
