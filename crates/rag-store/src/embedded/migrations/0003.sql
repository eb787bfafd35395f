-- A second embedding space for a collection.
--
-- A document's chunks in another space than its collection's: what `document`
-- and `code` hold of those that are found. Their rows are in the same tables,
-- where nothing finds them without a row in `code`.
CREATE TABLE staged (
    document_id INTEGER NOT NULL,
    space_id INTEGER NOT NULL,
    collection_id INTEGER NOT NULL,
    first_chunk INTEGER NOT NULL,
    chunk_count INTEGER NOT NULL,
    signs BLOB NOT NULL,
    term_counts BLOB NOT NULL,
    PRIMARY KEY (document_id, space_id)
) STRICT;

CREATE INDEX staged_by_collection ON staged (collection_id, space_id, document_id);

-- A replace deletes the row and adds it anew, so this covers that too, also when
-- a program that knows only an earlier schema does it.
CREATE TRIGGER staged_goes_with_its_document BEFORE DELETE ON document
WHEN EXISTS (SELECT 1 FROM staged WHERE document_id = old.id)
BEGIN
    DELETE FROM word WHERE rowid IN (
        SELECT k.id FROM staged s JOIN chunk k
            ON k.id BETWEEN s.first_chunk AND s.first_chunk + s.chunk_count - 1
        WHERE s.document_id = old.id);
    DELETE FROM vector WHERE chunk_id IN (
        SELECT k.id FROM staged s JOIN chunk k
            ON k.id BETWEEN s.first_chunk AND s.first_chunk + s.chunk_count - 1
        WHERE s.document_id = old.id);
    DELETE FROM chunk WHERE id IN (
        SELECT k.id FROM staged s JOIN chunk k
            ON k.id BETWEEN s.first_chunk AND s.first_chunk + s.chunk_count - 1
        WHERE s.document_id = old.id);
    DELETE FROM staged WHERE document_id = old.id;
END;
